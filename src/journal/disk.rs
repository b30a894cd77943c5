//! The few things the journal asks of a file system, behind a trait so that tests can make each of them fail.
//! Permissions are 0700 for folders and 0600 for files where the system has them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// What the journal needs of a file system.
pub trait Disk: Send {
    /// A folder, private to the user, with its parents; those that are new are on disk when it returns.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// A new file with this content, synced; it must not exist.
    fn create(&self, path: &Path, content: &[u8]) -> io::Result<()>;
    /// A file to append to.
    fn append(&self, path: &Path) -> io::Result<Box<dyn Tail>>;
    /// The folder's entries are on disk.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// The whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// The file's length; a missing one has none.
    fn len(&self, path: &Path) -> io::Result<u64>;
    /// Cut to so many bytes and synced.
    fn truncate(&self, path: &Path, len: u64) -> io::Result<()>;
    /// Another name in the same folder.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// The file is gone; missing is fine.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// A file open for appending.
pub trait Tail: Send {
    /// All of it, or an error.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// The data is on disk. After an error this is never called again.
    fn sync_data(&mut self) -> io::Result<()>;
}

/// The real one.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let parents = path.ancestors().skip(1);
        let known: Vec<_> = parents.map(|parent| (parent, parent.exists())).collect();
        builder.create(path)?;
        // A new folder is an entry of its parent, and so on up to one that was there before.
        for (parent, existed) in known {
            if parent.as_os_str().is_empty() {
                break;
            }
            self.sync_dir(parent)?;
            if existed {
                break;
            }
        }
        Ok(())
    }

    fn create(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
        Write::write_all(&mut file, content)?;
        file.sync_all()
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn Tail>> {
        Ok(Box::new(
            private(OpenOptions::new().append(true).create(true)).open(path)?,
        ))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        #[cfg(unix)]
        File::open(path)?.sync_all()?;
        #[cfg(not(unix))]
        let _ = path;
        Ok(())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            other => Ok(other?.len()),
        }
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(len)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

impl Tail for File {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        Write::write_all(self, bytes)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        File::sync_data(self)
    }
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// An advisory lock held for as long as the value lives.
#[derive(Debug)]
pub struct Lock(File);

/// The most characters that are read of a holder's words.
const HOLDER: usize = 200;

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it: the file, or its own words for itself.
    #[error("another process holds {0}")]
    Held(String),
    /// It could not be asked for.
    #[error("{}", crate::journal::error::in_words(.0))]
    Io(#[from] io::Error),
}

/// Takes the lock file, at once or not at all.
pub fn try_lock(path: &Path) -> Result<Lock, LockError> {
    let file = private(OpenOptions::new().write(true).create(true).truncate(false)).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(fs::TryLockError::WouldBlock) => Err(LockError::Held(path.display().to_string())),
        Err(fs::TryLockError::Error(error)) => Err(LockError::Io(error)),
    }
}

/// The same, with the holder's own words in the file: whoever comes second learns whose it is.
pub fn try_lock_as(path: &Path, who: &str) -> Result<Lock, LockError> {
    match try_lock(path) {
        Ok(Lock(mut file)) => {
            file.set_len(0)?;
            Write::write_all(&mut file, who.as_bytes())?;
            Ok(Lock(file))
        }
        Err(LockError::Held(path)) => {
            let holder = fs::read_to_string(&path).unwrap_or_default();
            let holder: String = holder.chars().take(HOLDER).collect();
            let named = Some(holder).filter(|holder| !holder.is_empty());
            Err(LockError::Held(named.unwrap_or(path)))
        }
        other => other,
    }
}

/// Whether somebody holds the lock file now; one that was never made is held by nobody.
pub fn held(path: &Path) -> bool {
    path.exists() && matches!(try_lock(path), Err(LockError::Held(_)))
}

/// Takes the lock file, waiting for it.
pub fn lock(path: &Path) -> io::Result<Lock> {
    let file = private(OpenOptions::new().write(true).create(true).truncate(false)).open(path)?;
    file.lock()?;
    Ok(Lock(file))
}

/// The folders in a folder, sorted; a missing one has none.
pub fn folders(path: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// The names in a folder; a missing one has none.
pub fn names(path: &Path) -> Vec<String> {
    fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// A folder with all that is in it is gone: first out of sight under another name, so that a half of it is never found.
pub fn remove_folder(path: &Path, aside: &Path) -> io::Result<()> {
    fs::create_dir_all(aside)?;
    let name = path.file_name().unwrap_or_default();
    let hidden = aside.join(name);
    fs::rename(path, &hidden)?;
    fs::remove_dir_all(aside)
}

/// Whether a path exists.
pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// The name of this machine, where its system tells.
pub fn host() -> Option<String> {
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let read = files.iter().find_map(|path| fs::read_to_string(path).ok());
    let name = read.or_else(|| std::env::var("HOSTNAME").ok())?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
