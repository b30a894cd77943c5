//! The lock of what a run changes, among the processes of this machine: a courtesy that names who is first. That nothing
//! is changed twice does not rest on it but on the preconditions of every change.

use super::records;
use super::report::Reporter;
use crate::journal::RealDisk;
use crate::journal::disk::{self, Disk as _, LockError};
use crate::runbook::patch::ObjectRef;
use crate::runbook::preflight::{Level, Line};

/// Takes the lock of an object for this run, and says how that went.
pub async fn take(to: &Reporter, object: &ObjectRef) -> Line {
    let text = "does another run here change it?";
    let mut held = to.held.lock().await;
    if held.is_some() {
        return Line::new(Level::Passed, text, "locked by this run");
    }
    let folder = to.means.keeping.state.join("locks");
    // A uid is safe as a file's name, and names the object on every cluster.
    let unborn = format!("{}-{}-{}", object.namespace, object.kind, object.name);
    let own = if object.uid.is_empty() {
        &unborn
    } else {
        &object.uid
    };
    let name: String = own
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    let who = format!("{}, for run {} on {}", to.by, to.run, object.short());
    let taken = records::off(move || {
        RealDisk.make_dir(&folder).map_err(LockError::Io)?;
        disk::try_lock_as(&folder.join(format!("{name}.lock")), &who)
    });
    match taken.await {
        Ok(Ok(lock)) => {
            *held = Some(lock);
            Line::new(Level::Passed, text, "locked by this run")
        }
        Ok(Err(LockError::Held(who))) => Line::new(
            Level::Red,
            text,
            format!("another run on this machine holds it: {who}"),
        )
        .fix("look at it with `vigie runs`; finish or abandon it first"),
        Ok(Err(LockError::Io(error))) => {
            Line::new(Level::Amber, text, crate::journal::in_words(&error))
        }
        Err(why) => Line::new(Level::Amber, text, why),
    }
}
