//! What comes from the keyboard, read in a task of its own: whoever waits for many things at once asks crossterm's lock at every
//! one of them otherwise.

use crossterm::event::{Event, EventStream};
use futures::StreamExt as _;
use std::io;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// Events that may wait.
const WAITING: usize = 64;

/// The events of the terminal.
pub struct Input {
    events: mpsc::Receiver<io::Result<Event>>,
    reading: AbortOnDropHandle<()>,
}

impl Input {
    /// Begins to read.
    pub fn listen() -> Self {
        let (sender, events) = mpsc::channel(WAITING);
        let reading = tokio::spawn(async move {
            let mut stream = EventStream::new();
            while let Some(event) = stream.next().await {
                if sender.send(event).await.is_err() {
                    return;
                }
            }
        });
        Self {
            events,
            reading: AbortOnDropHandle::new(reading),
        }
    }

    /// The next event; none when the terminal is gone.
    pub async fn next(&mut self) -> Option<io::Result<Event>> {
        self.events.recv().await
    }

    /// Stops reading, so that another program may.
    pub async fn end(self) {
        self.reading.abort();
        // That it was aborted is what was wanted.
        drop(self.reading.await);
    }
}
