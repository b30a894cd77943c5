//! What comes from the keyboard, read in a thread of its own. Whoever waits for many things at once would ask crossterm's lock at
//! every one of them; and where a terminal has vanished crossterm reads on for ever, which must keep nobody from leaving.

use crossterm::event::{Event, EventStream};
use futures::StreamExt as _;
use std::io;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

/// Events that may wait.
const WAITING: usize = 64;

/// The events of the terminal. The thread ends when this is dropped.
pub struct Input {
    events: mpsc::Receiver<io::Result<Event>>,
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Input {
    /// Begins to read. Needs a running tokio runtime.
    pub fn listen() -> Self {
        let (sender, events) = mpsc::channel(WAITING);
        let (stop, stopped) = oneshot::channel();
        let (last, ended) = oneshot::channel();
        // Made here: where the terminal has gone before the thread begins, it could not be any more.
        let stream = EventStream::new();
        let runtime = Handle::current();
        std::thread::spawn(move || {
            runtime.block_on(pass_on(stream, sender, stopped));
            // Nobody may be there to hear it.
            let _ = last.send(());
        });
        Self {
            events,
            stop,
            ended,
        }
    }

    /// The next event; none when the terminal is gone.
    pub async fn next(&mut self) -> Option<io::Result<Event>> {
        self.events.recv().await
    }

    /// Stops reading, so that another program may.
    pub async fn end(self) {
        drop(self.stop);
        // That the thread is gone is as good as its word.
        let _ = self.ended.await;
    }
}

async fn pass_on(
    mut stream: EventStream,
    sender: mpsc::Sender<io::Result<Event>>,
    mut stopped: oneshot::Receiver<()>,
) {
    loop {
        let event = tokio::select! {
            event = stream.next() => event,
            _ = &mut stopped => None,
        };
        let Some(event) = event else {
            return;
        };
        if sender.send(event).await.is_err() {
            return;
        }
    }
}
