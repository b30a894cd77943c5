//! The simulated Vault: a key/value engine of version 2 at `secret/`, what it says of itself and of tokens. It refuses what the
//! real one refuses, in the same words. Pure: the moment and chance are the world's; [`face`] serves it over HTTP.

mod answer;
mod ask;
mod core;
pub mod face;
mod kv;
mod policy;
mod sys;

pub use self::answer::{Answer, Request};
pub use self::ask::ask;
pub use self::core::{MOUNT, PATH, Record, Unaudited, VERSION, Vault, customers_secrets};
pub use self::policy::Identity;

#[cfg(test)]
mod tests;
