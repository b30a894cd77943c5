//! Which process this is, so that another one on this machine can tell later whether it still lives: the boot, the space
//! of process numbers, the number and the moment it began. Where the system does not tell, there is no mark, and nobody
//! is taken for dead.

use std::fs;

/// The mark of this process; `None` where its system does not tell.
pub fn mark() -> Option<String> {
    let pid = std::process::id();
    Some(format!("{}/{pid}/{}", space()?, began(pid)?))
}

/// Whether the process of a mark lives; `None` where that cannot be said from here.
pub fn lives(mark: &str) -> Option<bool> {
    let rest = mark.strip_prefix(&space()?)?.strip_prefix('/')?;
    let (pid, since) = rest.split_once('/')?;
    let pid: u32 = pid.parse().ok()?;
    // A number that was given away again belongs to another process.
    Some(began(pid).is_some_and(|began| began == since))
}

/// The boot and the space of process numbers: only within both does a number name a process.
fn space() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let inside = fs::read_link("/proc/self/ns/pid").ok()?;
    let inside: String = inside
        .to_string_lossy()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    Some(format!("{}/{inside}", boot.trim()))
}

/// When a process began, in ticks since the boot; one that ended and is not yet buried counts as gone.
fn began(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything; what follows the last bracket is fields.
    let fields = stat.rsplit_once(')')?.1;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    let buried = matches!(state, "Z" | "X");
    fields.nth(18).filter(|_| !buried).map(str::to_owned)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_lives_until_it_ends_and_a_stranger_is_not_judged() {
        let here = mark().unwrap();
        assert_eq!(lives(&here), Some(true));
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let began = began(child.id()).unwrap();
        let there = format!("{}/{}/{began}", space().unwrap(), child.id());
        assert_eq!(lives(&there), Some(true));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(lives(&there), Some(false));
        let reborn = here.rsplit_once('/').unwrap().0;
        assert_eq!(lives(&format!("{reborn}/1")), Some(false));
        for stranger in ["", "x/1/2/3", "another-boot/4026531836/1/1"] {
            assert_eq!(lives(stranger), None, "{stranger}");
        }
    }
}
