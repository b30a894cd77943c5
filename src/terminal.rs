//! Entering and leaving the terminal: raw mode, alternate screen, panic hook, signals, the log file. The only raw-mode code.
//!
//! The loop takes the screen with [`Guard::enter`], draws through [`Canvas`], hears [`Signals`], and leaves by dropping the
//! guard. Nothing here knows what is drawn. What exists on Unix alone is in `unix.rs`.

mod attention;
mod canvas;
mod crash;
mod ground;
mod guard;
mod hush;
mod input;
mod keep;
mod log;
mod signals;
#[cfg(unix)]
mod unix;

pub use attention::{Notify, clean, copy, level_changed, title, write};
pub use canvas::columns;
pub use canvas::{Canvas, LEAST, too_small};
pub use crash::{Crash, crashes, install_panic_hook, redacted, tell};
pub use ground::{Ground, ground, may_ask};
pub use guard::{Guard, Options, knows_kitty_keys, no_screen, restore};
pub use hush::typed_unseen;
pub use input::Input;
pub use keep::keep;
pub use log::log_to;
pub use signals::{Resumed, Signal, Signals};
