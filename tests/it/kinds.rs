//! Kinds of steps against the simulated platform, through App, machine, engine and journal as the console goes. The
//! platform's own record of writes is the witness, and the oracle judges every run.

mod argo;
mod bench;
mod exec;
mod fields;
mod looks;
mod made;
mod seat;
mod secrets;
