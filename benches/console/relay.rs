//! A way to the API server that notes when each change of a pod was handed to the console: the moment of delivery, from which
//! the promise about changes on the screen is counted.

use serde::Deserialize;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

/// A change that has left for the console.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// When its last byte was written.
    pub at: Instant,
    /// The pod.
    pub name: String,
    /// Whether its container is ready now.
    pub ready: bool,
}

/// A running relay; it ends with the process.
pub struct Relay {
    /// Where it is reached.
    pub url: String,
    /// What it has handed on, of the pods it was told to note.
    pub delivered: Receiver<Delivered>,
}

impl Relay {
    /// A relay to an address; it notes changes of pods whose names begin so.
    pub fn to(url: &str, prefix: &str) -> Self {
        let upstream = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, delivered) = channel();
        let prefix: Arc<str> = format!("\"name\":\"{prefix}").into();
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let far = TcpStream::connect(&upstream).unwrap();
                near.set_nodelay(true).unwrap();
                far.set_nodelay(true).unwrap();
                let (near_too, far_too) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                std::thread::spawn(move || carry(near_too, far_too, |_| {}));
                let mut notes = Notes::new(sender.clone(), prefix.clone());
                std::thread::spawn(move || carry(far, near, |bytes| notes.take(bytes)));
            }
        });
        Self { url, delivered }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, mut look: impl FnMut(&[u8])) {
    let mut piece = vec![0; 1 << 18];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        if to.write_all(&piece[..read]).is_err() {
            break;
        }
        look(&piece[..read]);
    }
    // The other side may be gone first; then there is nothing left to close.
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// Reads the lines of a watch as they pass.
struct Notes {
    sender: Sender<Delivered>,
    prefix: Arc<str>,
    line: Vec<u8>,
}

#[derive(Deserialize)]
struct Line {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    container_statuses: Vec<Container>,
}

#[derive(Deserialize)]
struct Container {
    ready: bool,
}

impl Notes {
    fn new(sender: Sender<Delivered>, prefix: Arc<str>) -> Self {
        Self {
            sender,
            prefix,
            line: Vec::new(),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let at = Instant::now();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.note(at);
                self.line.clear();
            }
        }
    }

    fn note(&self, at: Instant) {
        if !self.line.starts_with(b"{\"type\":\"MODIFIED\"") {
            return;
        }
        let text = String::from_utf8_lossy(&self.line);
        if !text.contains(&*self.prefix) {
            return;
        }
        if let Ok(line) = serde_json::from_str::<Line>(&text)
            && let [container] = &*line.object.status.container_statuses
        {
            // Nobody may be listening any more.
            let _ = self.sender.send(Delivered {
                at,
                name: line.object.metadata.name,
                ready: container.ready,
            });
        }
    }
}
