//! A lost API server, byte by byte: what answers in its place may have another past, so it is listed anew, and rows stay meanwhile.
//! The server is the test itself, which takes each connection in turn: nothing here waits for a clock.

use super::server::{line, list, mark, pod};
use super::{Held, SHORT, veza};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use vigie::domain::pod::Pod;
use vigie::platform::failure::FailureKind;
use vigie::platform::kubernetes::{Cluster, Options, Patience, Pods, Watch};

/// Waits long enough that only what a test does ends a connection.
const CALM: Patience = Patience {
    silence: Duration::from_secs(60),
    listing: Duration::from_secs(60),
    ..SHORT
};
/// The same with plain lists, as the console has it.
const PLAIN: Patience = Patience {
    listing: Duration::ZERO,
    ..CALM
};

/// One request and the connection it came on.
struct Call {
    socket: TcpStream,
    head: String,
}

impl Call {
    async fn take(listener: &TcpListener) -> Self {
        let (socket, _) = listener.accept().await.unwrap();
        Self::on(socket).await
    }

    /// Reads the next request.
    async fn on(mut socket: TcpStream) -> Self {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        Self { socket, head }
    }

    fn lists(&self) -> bool {
        !self.head.contains("watch=true") || self.head.contains("sendInitialEvents=true")
    }

    /// Answers with a complete list and keeps the connection on which changes come.
    async fn give(mut self, name: &str, version: u64, listener: &TcpListener) -> TcpStream {
        assert!(self.lists(), "a list is wanted: {}", self.head);
        if self.head.contains("watch=true") {
            let text = line("ADDED", &pod(name, version)) + &mark(version, true);
            self.begin(&text).await;
            return self.socket;
        }
        let body = list("items", &[pod(name, version)], version);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        let answer = head + &body;
        self.socket.write_all(answer.as_bytes()).await.unwrap();
        // What follows comes on the same connection or a new one, as the client likes.
        let next = tokio::select! {
            taken = listener.accept() => Self::on(taken.unwrap().0).await,
            next = Self::on(self.socket) => next,
        };
        assert!(next.head.contains(&format!("resourceVersion={version}&")));
        let mut next = next;
        next.begin("").await;
        next.socket
    }

    async fn begin(&mut self, text: &str) {
        let mut answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
        if !text.is_empty() {
            answer += &format!("{:x}\r\n{text}\r\n", text.len());
        }
        self.socket.write_all(answer.as_bytes()).await.unwrap();
    }
}

async fn watching(address: SocketAddr, patience: Patience) -> Watch<Pod> {
    let options = Options {
        server: Some(format!("http://{address}")),
        ..Options::default()
    };
    let cluster = Cluster::connect(&options).await.unwrap();
    cluster.watch_with::<Pods>(&veza(), None, patience)
}

/// How a server is lost after it has given its list.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Loss {
    /// Nobody listens for a while.
    Refused,
    /// Whoever asks next is hung up on before the first byte of an answer.
    HungUp,
    /// Or reset.
    Reset,
}

async fn lost_and_found(loss: Loss, patience: Patience) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut watch = watching(address, patience).await;
    let mut held = Held::default();
    let first = async {
        Call::take(&listener)
            .await
            .give("old", 5000, &listener)
            .await
    };
    let (stream, ()) = tokio::join!(first, held.until(&mut watch, |held| held.listed == 1));
    assert_eq!(held.names(), ["old"]);
    let listener = match loss {
        Loss::Refused => {
            drop(listener);
            drop(stream);
            held.until(&mut watch, |held| !held.troubles.is_empty())
                .await;
            // The port is free at once for who comes back to it.
            TcpListener::bind(address).await.unwrap()
        }
        Loss::HungUp => {
            drop(stream);
            let call = Call::take(&listener).await;
            assert!(!call.lists(), "it goes on where it was: {}", call.head);
            drop(call);
            listener
        }
        Loss::Reset => {
            drop(stream);
            let (socket, _) = listener.accept().await.unwrap();
            // A connection that is closed with a request unread is reset.
            socket.readable().await.unwrap();
            drop(socket);
            listener
        }
    };
    let found = async {
        // An attempt begun against the old listener may have been cut as well.
        let call = Call::take(&listener).await;
        call.give("new", 7, &listener).await
    };
    let (_stream, ()) = tokio::join!(
        found,
        held.until(&mut watch, |held| {
            let expected = if held.listed == 1 { "old" } else { "new" };
            assert_eq!(
                held.names(),
                [expected],
                "rows stay until the new ones are complete"
            );
            held.listed == 2
        })
    );
    assert!(
        matches!(held.troubles[..], [FailureKind::Unreachable(_), ..]),
        "{loss:?}: {:?}",
        held.troubles
    );
}

#[tokio::test]
async fn who_answers_in_place_of_a_lost_server_is_listed_anew() {
    for patience in [CALM, PLAIN] {
        for loss in [Loss::Refused, Loss::HungUp, Loss::Reset] {
            lost_and_found(loss, patience).await;
        }
    }
}

#[tokio::test]
async fn a_server_that_only_ended_a_stream_is_not_listed_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut watch = watching(listener.local_addr().unwrap(), CALM).await;
    let mut held = Held::default();
    let first = async { Call::take(&listener).await.give("a", 5, &listener).await };
    let (stream, ()) = tokio::join!(first, held.until(&mut watch, |held| held.listed == 1));
    drop(stream);
    let mut call = Call::take(&listener).await;
    assert!(!call.lists() && call.head.contains("resourceVersion=5&"));
    call.begin(&line("ADDED", &pod("b", 6))).await;
    held.until(&mut watch, |held| held.rows.len() == 2).await;
    assert_eq!((held.listed, held.troubles.len()), (1, 0));
}

/// The timer of an idle connection as the kernel has it: which one, and how long until it fires.
#[cfg(target_os = "linux")]
fn timer(local: SocketAddr, remote: SocketAddr) -> Option<(u8, Duration)> {
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let place = |at: SocketAddr| format!("0100007F:{:04X}", at.port());
    let row = table
        .lines()
        .map(|row| row.split_whitespace().collect::<Vec<_>>())
        .find(|row| row[1] == place(local) && row[2] == place(remote))?;
    let (kind, ticks) = row[5].split_once(':')?;
    // The kernel counts here in hundredths of a second.
    let left = Duration::from_millis(u64::from_str_radix(ticks, 16).ok()? * 10);
    Some((kind.parse().ok()?, left))
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_idle_connection_is_probed_after_ten_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut watch = watching(listener.local_addr().unwrap(), CALM).await;
    let mut held = Held::default();
    let first = async { Call::take(&listener).await.give("a", 5, &listener).await };
    let (stream, ()) = tokio::join!(first, held.until(&mut watch, |held| held.listed == 1));
    let (server, client) = (stream.local_addr().unwrap(), stream.peer_addr().unwrap());
    // For a moment another timer may run, or none yet.
    let probed = async {
        loop {
            match timer(client, server).expect("the connection is in the kernel's table") {
                (2, left) => break left,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    let left = tokio::time::timeout(Duration::from_secs(10), probed).await;
    let left = left.expect("the connection has a keep-alive timer");
    assert!(left <= Duration::from_secs(10), "{left:?}");
}
