//! The file in which a simulated world lives, shared by every process on the machine.
//!
//! A lock beside it orders the accesses; a rename replaces it, so that nobody reads half a file. One that cannot be understood is put
//! aside and told, and a new world begins: a broken simulation must not keep windlass from starting.

use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{refused, unavailable};
use crate::cluster::ClusterError;

/// What is kept in such a file, with its form's version in a field `version`.
pub(super) trait Kept: Serialize + DeserializeOwned {
    /// The file's name in the data directory.
    const FILE_NAME: &'static str;
    /// The newest form that is understood.
    const VERSION: u32;
}

/// The lock is held for less than a millisecond; who waits this often for it has met a process that is stopped.
const LOCK_TRIES: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// So many unreadable files are kept; then the last one is replaced.
const MOST_ASIDE: u32 = 99;

/// A version of the file: another one means that somebody changed the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    modified: (i64, i64),
    length: u64,
}

/// Whether an access changed the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touched {
    Yes,
    No,
}

/// The file.
#[derive(Debug)]
pub(super) struct WorldFile<W> {
    path: PathBuf,
    world: PhantomData<fn() -> W>,
}

impl<W: Kept> WorldFile<W> {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self { path: data_dir.join(W::FILE_NAME), world: PhantomData }
    }

    /// The version that is there now; `None`: none. A cheap look, without the lock.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let found = std::fs::metadata(&self.path).ok()?;
        Some(Stamp { inode: found.ino(), modified: (found.mtime(), found.mtime_nsec()), length: found.len() })
    }

    /// One access to the world, alone. `fresh` makes one where there is none; where there should be one, it is `None`. Blocks for as
    /// long as others access it.
    pub(super) fn access<T>(
        &self,
        fresh: Option<impl FnOnce() -> W>,
        change: impl FnOnce(&mut W) -> (T, Touched),
    ) -> Result<(T, Option<Stamp>), ClusterError> {
        let failed = |error: &io::Error| unavailable(format!("{}: {error}", self.path.display()));
        let _alone = self.lock().map_err(|error| failed(&error))?;
        let (mut world, is_new) = match (self.load().map_err(|error| failed(&error))?, fresh) {
            (Some(world), _) => (world, false),
            (None, Some(fresh)) => (fresh(), true),
            (None, None) => return Err(refused(format!("there is no simulated world in {}", self.path.display()))),
        };
        let (value, touched) = change(&mut world);
        if is_new || touched == Touched::Yes {
            self.save(&world).map_err(|error| failed(&error))?;
        }
        Ok((value, self.stamp()))
    }

    fn lock(&self) -> io::Result<File> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        // Beside the file: the file itself is replaced at every change.
        let lock = File::options().create(true).append(true).open(self.path.with_extension("lock"))?;
        for _ in 0..LOCK_TRIES {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(std::fs::TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                Err(std::fs::TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::new(
            ErrorKind::TimedOut,
            "another process holds the lock of the simulated world: is one stopped?",
        ))
    }

    fn load(&self) -> io::Result<Option<W>> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match understand::<W>(&text) {
            Ok(world) => Ok(Some(world)),
            Err(problem) => {
                let aside = self.put_aside()?;
                tracing::error!(
                    file = %self.path.display(), put_aside = %aside.display(), %problem,
                    "the simulated world cannot be read: it is kept aside, and an empty one begins"
                );
                Ok(None)
            }
        }
    }

    fn put_aside(&self) -> io::Result<PathBuf> {
        let aside = (1..=MOST_ASIDE)
            .map(|number| self.path.with_file_name(format!("{}.bad-{number}", W::FILE_NAME)))
            .find(|path| !path.exists())
            .unwrap_or_else(|| self.path.with_file_name(format!("{}.bad-{MOST_ASIDE}", W::FILE_NAME)));
        std::fs::rename(&self.path, &aside)?;
        Ok(aside)
    }

    fn save(&self, world: &W) -> io::Result<()> {
        let draft = self.path.with_extension("draft");
        let mut file = File::create(&draft)?;
        serde_json::to_writer_pretty(&mut file, world)?;
        file.write_all(b"\n")?;
        std::fs::rename(&draft, &self.path)
    }
}

fn understand<W: Kept>(text: &[u8]) -> Result<W, String> {
    let value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    match value.get("version").and_then(Value::as_u64) {
        Some(version) if version > u64::from(W::VERSION) => {
            let known = W::VERSION;
            Err(format!("it has version {version}, this windlass knows {known}: was it written by a newer one?"))
        }
        _ => serde_json::from_value(value).map_err(|error| error.to_string()),
    }
}
