//! What the system says to the process. The loop waits for one beside its keys; on a hangup nothing may be printed any more, for
//! there is no terminal left.

use std::io;

/// A request from outside to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: leave in order.
    Terminate,
    /// SIGHUP: the terminal is gone; save and leave without a word.
    Hangup,
    /// SIGINT, from outside; the key is only a key while the screen is taken.
    Interrupt,
}

impl Signal {
    /// The exit code that a shell expects after it.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
            Self::Hangup => 129,
        }
    }
}

/// That the process goes on after it was stopped: whoever had the terminal meanwhile left it as they like it.
pub struct Resumed {
    #[cfg(unix)]
    listening: super::unix::Continuing,
}

impl Resumed {
    /// Begins to listen. To be called inside the runtime.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            listening: super::unix::Continuing::begin()?,
        })
    }

    /// The next time; never where nothing can be stopped.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        self.listening.next().await;
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    }
}

/// The signals as they come.
pub struct Signals {
    #[cfg(unix)]
    listening: super::unix::Listening,
}

impl Signals {
    /// From now on signals do not end the process but are heard here. To be called inside the runtime.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            listening: super::unix::Listening::begin()?,
        })
    }

    /// The next one. May be dropped and called again without losing any.
    pub async fn next(&mut self) -> Signal {
        #[cfg(unix)]
        {
            use tokio::signal::unix::SignalKind;
            let kind = self.listening.next().await;
            match kind {
                kind if kind == SignalKind::terminate() => Signal::Terminate,
                kind if kind == SignalKind::hangup() => Signal::Hangup,
                _ => Signal::Interrupt,
            }
        }
        #[cfg(not(unix))]
        {
            let _ = tokio::signal::ctrl_c().await;
            Signal::Interrupt
        }
    }
}
