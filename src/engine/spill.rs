//! The outbox's file: what waits for Redis stands beside the data as well, line by line as it comes, so that the end of the process does
//! not take it along. A file that cannot be written costs one warning; the outbox is in memory all the same.
//!
//! The first line says whose it is ([`Head`]), every further one is a [`Line`]. What was written is safe from the end of the process,
//! however it ends; it is not forced to the disk, which would make every event as slow as the disk: the end of the machine may take the
//! last of it.

mod left;

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{ClusterId, Event, ReplicaId};
use crate::store::Transaction;

pub(super) use left::{Found, Left, look};
pub use left::{Leftover, LeftoverKind, leftovers};

/// The version of the file that is written. Older ones are read; a newer one is left to the windlass that wrote it.
const SCHEMA: u32 = 1;
/// Where the files are, below the data directory.
const FOLDER: &str = "outbox";
/// How a file ends whose events wait.
const WAITS: &str = "jsonl";
/// What is appended to its name when nobody will record it any more.
const ABANDONED: &str = "abandoned";
/// So many abandoned files are kept for people to look at, the newest.
const ABANDONED_KEPT: usize = 10;
/// So much of a replica's name is in a file's name: its end, which is what tells it from others.
const LONGEST_NAME: usize = 100;
/// What to do where it cannot be written.
const REMEDY: &str = "make room there, or correct its owner (chown)";

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// [`SCHEMA`] when it was written.
    pub(super) schema: u32,
    /// The cluster.
    pub(super) cluster: ClusterId,
    /// Who wrote it.
    pub(super) replica: ReplicaId,
    /// The epoch in which it led when Redis went.
    pub(super) epoch: u64,
    /// When Redis went.
    pub(super) since: DateTime<Utc>,
    /// What Redis said.
    pub(super) error: String,
    /// So many events were too many, and are not in it any more.
    #[serde(default)]
    pub(super) dropped: u64,
}

impl Head {
    /// Of a file that is begun now.
    pub(super) const fn new(
        cluster: ClusterId,
        replica: ReplicaId,
        epoch: u64,
        since: DateTime<Utc>,
        error: String,
    ) -> Self {
        Self { schema: SCHEMA, cluster, replica, epoch, since, error, dropped: 0 }
    }

    /// The file's name: no character in it means anything to a file system, and no two terms of leading have the same.
    fn file_name(&self) -> String {
        let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let replica: String = self.replica.0.chars().map(safe).collect();
        let replica = replica.get(replica.len().saturating_sub(LONGEST_NAME)..).unwrap_or_default();
        format!("{}-{replica}-{}.{WAITS}", self.cluster, self.epoch)
    }
}

/// Every further line.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line<'a> {
    /// The transaction during which Redis went.
    Doubt(Cow<'a, Transaction>),
    /// An event that waits.
    Event(Cow<'a, Event>),
    /// A handler has dealt with an event, which it is not to be told again.
    Heard { handler: Cow<'a, str>, event: Uuid },
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Spill {
    path: PathBuf,
    head: Head,
    /// Locked for as long as it is open, so that others can tell that its owner lives; `None`: it could not be written any more.
    file: Option<File>,
    lines: usize,
    /// With more lines than this it is written anew.
    limit: usize,
}

impl Spill {
    /// Begins one in a data directory; after more than `longest` lines that count no more it is written anew. `None`, with a warning, where it
    /// cannot be made.
    pub(super) fn begin(data_dir: &Path, head: Head, longest: usize) -> Option<Self> {
        let folder = data_dir.join(FOLDER);
        let path = folder.join(head.file_name());
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        match made.and_then(|()| write_anew(&path, &head, std::iter::empty())) {
            Ok((file, lines)) => Some(Self { path, head, file: Some(file), lines, limit: longest.saturating_mul(2) }),
            Err(error) => {
                give_up(&path, &error);
                None
            }
        }
    }

    /// Where it is; `None`: it is not complete.
    pub(super) fn path(&self) -> Option<&Path> {
        self.file.is_some().then_some(&self.path)
    }

    /// Appends lines.
    pub(super) fn append<'a>(&mut self, lines: impl IntoIterator<Item = Line<'a>>) {
        let Some(file) = &mut self.file else { return };
        let mut text = Vec::new();
        match put(&mut text, lines).and_then(|count| file.write_all(&text).map(|()| count)) {
            Ok(count) => self.lines += count,
            Err(error) => self.fail(&error),
        }
    }

    /// Whether most of what is in it counts no more.
    pub(super) const fn is_overgrown(&self) -> bool {
        self.file.is_some() && self.lines > self.limit
    }

    /// Writes it anew with these lines alone. The old file stays until the new one is whole.
    pub(super) fn write_anew<'a>(&mut self, dropped: u64, lines: impl IntoIterator<Item = Line<'a>>) {
        self.head.dropped = dropped;
        match write_anew(&self.path, &self.head, lines) {
            Ok((file, lines)) => {
                self.file = Some(file);
                self.lines = lines;
                self.limit = self.limit.max(lines.saturating_mul(2));
            }
            Err(error) => self.fail(&error),
        }
    }

    /// What is in it is recorded: it goes.
    pub(super) fn remove(self) {
        remove(&self.path);
    }

    /// What is in it will not be recorded: it is kept for people.
    pub(super) fn abandon(self) {
        abandon(&self.path, &self.head);
    }

    /// What is in it so far stays: as if the process had ended here.
    fn fail(&mut self, error: &io::Error) {
        give_up(&self.path, error);
        self.file = None;
    }
}

fn give_up(path: &Path, error: &io::Error) {
    tracing::warn!(
        path = %path.display(),
        %error,
        "the outbox cannot be kept in its file: what happens without Redis is lost if windlass ends before Redis is back; {REMEDY}"
    );
}

/// Lines as text; how many.
fn put<'a>(text: &mut Vec<u8>, lines: impl IntoIterator<Item = Line<'a>>) -> io::Result<usize> {
    let mut count = 0;
    for line in lines {
        serde_json::to_writer(&mut *text, &line)?;
        text.push(b'\n');
        count += 1;
    }
    Ok(count)
}

/// A file appears under its name whole and locked, so that nobody takes one that is just being begun for one that was left.
fn write_anew<'a>(path: &Path, head: &Head, lines: impl IntoIterator<Item = Line<'a>>) -> io::Result<(File, usize)> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    // Where a file system has no locks, the epochs alone have to do (see `leader/heir.rs`).
    let _ = file.try_lock();
    let mut text = serde_json::to_vec(head)?;
    text.push(b'\n');
    let count = put(&mut text, lines)?;
    file.write_all(&text)?;
    fs::rename(&new, path)?;
    Ok((file, count + 1))
}

/// Where it cannot be removed, it is emptied: what was recorded must not be found again.
fn remove(path: &Path) {
    let removed = match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            OpenOptions::new().write(true).truncate(true).open(path).map(drop)
        }
        _ => Ok(()),
    };
    if let Err(error) = removed {
        tracing::warn!(path = %path.display(), %error, "a recorded outbox cannot be removed: remove it yourself");
    }
}

fn abandon(path: &Path, head: &Head) {
    let kept = path.with_extension(format!("{WAITS}.{ABANDONED}"));
    match fs::rename(path, &kept) {
        Ok(()) => tracing::warn!(
            path = %kept.display(),
            replica = %head.replica,
            since = %head.since,
            "events of a time without Redis are not recorded, since another replica led meanwhile or Redis has lost its memory; they are \
             kept in this file: remove it when you have seen it"
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "an outbox that nobody records cannot be set aside");
        }
    }
    if let Some(folder) = path.parent() {
        left::thin_out(folder, ABANDONED_KEPT);
    }
}

#[cfg(test)]
mod tests;
