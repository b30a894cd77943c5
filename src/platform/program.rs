//! Programs of this machine: looked at, started without a shell, with nothing of our own environment but what is named,
//! and ended together with whatever they started. What they print is bounded here; what it means is not known here.

use rustix::process::{Pid, Signal, kill_process_group};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// So much of what a program prints is kept, from its beginning.
pub const KEPT: usize = 64 << 10;
/// So much of what it complains about, up to its end.
const COMPLAINT: usize = 4 << 10;
/// After the first request to end, it gets so long before it is killed.
const GRACE: Duration = Duration::from_secs(2);
/// What it printed may arrive so much later than its end: something it started may hold the stream open.
const LATE: Duration = Duration::from_millis(300);
/// A file that somebody is still writing is tried so often, at this distance; nothing was started by then.
const BUSY: (u32, Duration) = (20, Duration::from_millis(50));

/// How a program is started.
#[derive(Debug, Clone)]
pub struct Order<'o> {
    /// Its absolute path; nothing is searched for.
    pub path: &'o str,
    /// Its arguments, each one word.
    pub arguments: &'o [String],
    /// Its whole environment.
    pub environment: Vec<(String, String)>,
    /// After so long it is ended, with its group.
    pub limit: Duration,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this code.
    Code(i32),
    /// By a signal, or its time was over: what it had done by then is not known.
    Killed(String),
    /// It was never started.
    Never(String),
}

/// What became of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How it ended.
    pub ending: Ending,
    /// The beginning of what it printed.
    pub printed: Vec<u8>,
    /// Whether it printed more.
    pub cut: bool,
    /// The end of what it complained about.
    pub complained: Vec<u8>,
}

/// Which file a program is now, or why it cannot be started.
pub async fn look(path: &str) -> Result<String, String> {
    let found = tokio::fs::metadata(path).await;
    let found = found.map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("{path} does not exist"),
        kind => format!("{path} cannot be looked at: {kind}"),
    })?;
    let mode = found.permissions().mode();
    if !found.is_file() {
        return Err(format!("{path} is no file"));
    }
    if mode & 0o111 == 0 {
        return Err(format!("{path} is not executable"));
    }
    if mode & 0o002 != 0 {
        return Err(format!("{path} can be written by everybody"));
    }
    Ok(format!(
        "{:x}-{:x}-{:x}-{:x}.{:x}",
        found.dev(),
        found.ino(),
        found.size(),
        found.mtime(),
        found.mtime_nsec()
    ))
}

/// The group of a program that is at work; dropped before the program's end was seen, the group is killed.
struct Group(Option<Pid>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0 {
            // A group that is gone needs no signal.
            let _ = kill_process_group(pid, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// What is kept of a stream.
#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    cut: bool,
}

impl Kept {
    fn take(&mut self, more: &[u8], limit: usize, end: bool) {
        self.bytes.extend_from_slice(more);
        let surplus = self.bytes.len().saturating_sub(limit);
        self.cut |= surplus > 0;
        if end {
            self.bytes.drain(..surplus);
        } else {
            self.bytes.truncate(limit);
        }
    }
}

/// Starts a program and waits for its end. Dropped before that, the program is killed with its group.
pub async fn run(order: Order<'_>) -> Ended {
    let mut ended = Ended {
        ending: Ending::Never(String::new()),
        printed: Vec::new(),
        cut: false,
        complained: Vec::new(),
    };
    let mut child = match start(&order).await {
        Ok(child) => child,
        Err(why) => {
            ended.ending = Ending::Never(why);
            return ended;
        }
    };
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let mut group = Group(id.and_then(Pid::from_raw));
    let printed = Arc::<Mutex<Kept>>::default();
    let complained = Arc::<Mutex<Kept>>::default();
    let reading = [
        child.stdout.take().map(|from| {
            let to = printed.clone();
            tokio::spawn(drain(from, to, KEPT, false))
        }),
        child.stderr.take().map(|from| {
            let to = complained.clone();
            tokio::spawn(drain(from, to, COMPLAINT, true))
        }),
    ];
    ended.ending = end(&mut child, &group, order.limit).await;
    group.0 = None;
    for task in reading.into_iter().flatten() {
        let stop = task.abort_handle();
        if timeout(LATE, task).await.is_err() {
            stop.abort();
        }
    }
    let taken = |kept: &Mutex<Kept>| {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *kept)
    };
    let printed = taken(&printed);
    (ended.printed, ended.cut) = (printed.bytes, printed.cut);
    ended.complained = taken(&complained).bytes;
    ended
}

async fn start(order: &Order<'_>) -> Result<Child, String> {
    let mut command = Command::new(order.path);
    command
        .args(order.arguments)
        .env_clear()
        .envs(order.environment.iter().cloned())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut tried = 0;
    loop {
        match command.spawn() {
            Ok(child) => return Ok(child),
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && tried < BUSY.0 => {
                tried += 1;
                sleep(BUSY.1).await;
            }
            Err(error) => return Err(format!("could not be started: {}", error.kind())),
        }
    }
}

/// Waits for the end, or brings it about.
async fn end(child: &mut Child, group: &Group, limit: Duration) -> Ending {
    if let Ok(status) = timeout(limit, child.wait()).await {
        return match status {
            Ok(status) => status.code().map_or_else(
                || Ending::Killed(format!("it was killed ({status})")),
                Ending::Code,
            ),
            Err(error) => Ending::Killed(format!("its end was not seen: {}", error.kind())),
        };
    }
    group.signal(Signal::TERM);
    let went = timeout(GRACE, child.wait()).await;
    // Whatever it started may have stayed.
    group.signal(Signal::KILL);
    if went.is_err() {
        let _ = child.wait().await;
    }
    Ending::Killed("it was not done in time and was killed, with all it had started".to_owned())
}

/// Reads a stream to its end, so that nobody waits for it, and keeps a part.
async fn drain(mut from: impl AsyncRead + Unpin, to: Arc<Mutex<Kept>>, limit: usize, end: bool) {
    let mut chunk = vec![0; 8 << 10];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        let mut kept = to.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take(&chunk[..count], limit, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str, limit: Duration) -> Ended {
        run(Order {
            path: "/bin/sh",
            arguments: &["-c".to_owned(), script.to_owned()],
            environment: vec![("ONLY".to_owned(), "this".to_owned())],
            limit,
        })
        .await
    }

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_program_gets_the_named_environment_and_no_input() {
        let ended = shell(
            "cat; env | grep -v '^_=\\|^PWD=\\|^SHLVL='; pwd; exit 3",
            LONG,
        )
        .await;
        assert_eq!(ended.ending, Ending::Code(3));
        let printed = String::from_utf8(ended.printed).unwrap();
        assert_eq!(printed, "ONLY=this\n/\n");
    }

    #[tokio::test]
    async fn output_is_bounded_and_nobody_waits_for_it() {
        let script = "head -c 3000000 /dev/zero; head -c 100000 /dev/zero >&2; echo end >&2";
        let ended = shell(script, LONG).await;
        assert_eq!(ended.ending, Ending::Code(0));
        assert_eq!((ended.printed.len(), ended.cut), (KEPT, true));
        assert_eq!(ended.complained.len(), COMPLAINT);
        assert!(ended.complained.ends_with(b"end\n"));
    }

    #[tokio::test]
    async fn what_it_leaves_behind_holds_nobody_up() {
        let ended = shell("sleep 30 & echo here", LONG).await;
        assert_eq!(ended.ending, Ending::Code(0));
        assert_eq!(ended.printed, b"here\n");
    }

    #[tokio::test]
    async fn a_signal_is_no_code() {
        let ended = shell("kill -9 $$", LONG).await;
        assert!(matches!(ended.ending, Ending::Killed(_)), "{ended:?}");
    }

    #[tokio::test]
    async fn only_a_file_that_can_be_run_and_not_written_by_all_is_a_program() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p");
        let name = path.to_str().unwrap();
        let missing = look(name).await.unwrap_err();
        assert!(missing.ends_with("does not exist"), "{missing}");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        for (mode, wanted) in [(0o600, "is not executable"), (0o777, "by everybody")] {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&path, mode).unwrap();
            let why = look(name).await.unwrap_err();
            assert!(why.ends_with(wanted), "{why}");
        }
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(&path, mode).unwrap();
        let before = look(name).await.unwrap();
        std::fs::write(&path, "#!/bin/sh\nexit 1\n").unwrap();
        assert_ne!(look(name).await.unwrap(), before);
        assert!(look(folder.path().to_str().unwrap()).await.is_err());
    }
}
