//! The rotation of a signing key against the simulated platform and its Vault: to the end, killed anywhere, disturbed in
//! every way, and before it begins. The oracle looks at everything afterwards.

pub mod bench;
mod binary;
mod console;
mod faults;
mod rehearsed;
mod sweep;
mod traps;
mod whole;
