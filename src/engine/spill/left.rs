//! What outboxes' files are found, and what is in them.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::{ABANDONED, FOLDER, Head, Line, SCHEMA, WAITS};
use crate::model::{ClusterId, Event};
use crate::store::Transaction;

/// A file that a process left, as it can be read.
#[derive(Debug)]
pub(in crate::engine) struct Left {
    pub(in crate::engine) path: PathBuf,
    pub(in crate::engine) head: Head,
    pub(in crate::engine) doubtful: Option<Transaction>,
    pub(in crate::engine) events: Vec<Event>,
    /// Which handler has dealt with which event.
    pub(in crate::engine) heard: Vec<(String, Uuid)>,
    /// So many lines of it cannot be read; one that was cut off by the end of the process is among them.
    pub(in crate::engine) unreadable: u64,
    /// Whether the last line was cut off.
    pub(in crate::engine) is_torn: bool,
    /// While this is open, nobody takes the file for one that is still written.
    _lock: File,
}

impl Left {
    /// Every event in it.
    pub(in crate::engine) fn all(&self) -> impl Iterator<Item = &Event> {
        self.doubtful.iter().flat_map(|transaction| &transaction.events).chain(&self.events)
    }

    /// What is in it is recorded: it goes.
    pub(in crate::engine) fn remove(self) {
        super::remove(&self.path);
    }

    /// What is in it will not be recorded: it is kept for people.
    pub(in crate::engine) fn abandon(self) {
        super::abandon(&self.path, &self.head);
    }
}

/// A file that was found.
#[derive(Debug)]
pub(in crate::engine) enum Found {
    /// Its process is gone.
    Left(Box<Left>),
    /// A process that lives still writes it.
    InUse(PathBuf),
    /// Nothing that this windlass can read; why.
    Unreadable(PathBuf, String),
}

/// The files of a cluster whose events wait, in the order in which their terms of leading began. It takes nothing from them.
pub(in crate::engine) fn look(data_dir: &Path, cluster: &ClusterId) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for path in named(&data_dir.join(FOLDER), WAITS)? {
        found.extend(open(&path, cluster));
    }
    found.sort_by_key(|found| if let Found::Left(left) = found { left.head.epoch } else { 0 });
    Ok(found)
}

/// What kind of file it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftoverKind {
    /// Its process is gone: the next leader on this data records it, if nobody else led meanwhile.
    Waiting,
    /// A process that lives is without Redis, and records it when Redis is back.
    InUse,
    /// Another replica led meanwhile: it is kept for people alone.
    Abandoned,
    /// This windlass cannot read it; why.
    Unreadable(String),
}

/// A file with events from a time without Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Where it is.
    pub path: PathBuf,
    /// What becomes of it.
    pub kind: LeftoverKind,
    /// How many events are in it; `None`: it was not read.
    pub events: Option<usize>,
    /// Since when Redis was away; `None`: it was not read.
    pub since: Option<DateTime<Utc>>,
}

/// The files with events from times without Redis that lie in a data directory for a cluster, by their paths.
pub fn leftovers(data_dir: &Path, cluster: &ClusterId) -> io::Result<Vec<Leftover>> {
    let mut leftovers = Vec::new();
    for (ending, kind) in [(WAITS, LeftoverKind::Waiting), (ABANDONED, LeftoverKind::Abandoned)] {
        for path in named(&data_dir.join(FOLDER), ending)? {
            let unread = |path, kind| Leftover { path, kind, events: None, since: None };
            leftovers.extend(open(&path, cluster).map(|found| match found {
                Found::Left(left) => Leftover {
                    events: Some(left.all().count()),
                    since: Some(left.head.since),
                    kind: kind.clone(),
                    path: left.path,
                },
                Found::InUse(path) => unread(path, LeftoverKind::InUse),
                Found::Unreadable(path, why) => unread(path, LeftoverKind::Unreadable(why)),
            }));
        }
    }
    Ok(leftovers)
}

/// Only the newest abandoned files stay.
pub(super) fn thin_out(folder: &Path, longest: usize) {
    let age = |path: &PathBuf| path.metadata().map(|found| (found.mtime(), found.mtime_nsec())).unwrap_or_default();
    let mut files = named(folder, ABANDONED).unwrap_or_default();
    files.sort_by_key(age);
    let surplus = files.len().saturating_sub(longest);
    for path in files.into_iter().take(surplus) {
        super::remove(&path);
    }
}

/// The files of a folder whose names end like this, by name; none where there is no folder.
fn named(folder: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new(ending)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What a file is; nothing, if it is another cluster's, or has gone meanwhile.
fn open(path: &Path, cluster: &ClusterId) -> Option<Found> {
    let prefix = format!("{cluster}-");
    let is_named_so = path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with(&prefix));
    let unreadable = |why: String| is_named_so.then(|| Found::Unreadable(path.to_owned(), why));
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => return unreadable(error.to_string()),
    };
    // Shared: several may read it at once, and only its writer keeps others out.
    if let Err(TryLockError::WouldBlock) = file.try_lock_shared() {
        return is_named_so.then(|| Found::InUse(path.to_owned()));
    }
    if !is_still(&file, path) {
        // It was just written anew, so that its owner lives.
        return is_named_so.then(|| Found::InUse(path.to_owned()));
    }
    let mut bytes = Vec::new();
    if let Err(error) = file.read_to_end(&mut bytes) {
        return unreadable(error.to_string());
    }
    match read(path.to_owned(), file, &bytes) {
        Ok(left) => (left.head.cluster == *cluster).then(|| Found::Left(Box::new(left))),
        Err(why) => unreadable(why),
    }
}

fn is_still(file: &File, path: &Path) -> bool {
    let (Ok(opened), Ok(there)) = (file.metadata(), path.metadata()) else { return false };
    (opened.dev(), opened.ino()) == (there.dev(), there.ino())
}

#[derive(Deserialize)]
struct Version {
    schema: u32,
}

fn read(path: PathBuf, lock: File, bytes: &[u8]) -> Result<Left, String> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let foreign = |error| format!("its first line is not an outbox's: {error}");
    let Version { schema } = serde_json::from_slice(first).map_err(foreign)?;
    if schema > SCHEMA {
        return Err(format!("it is of schema {schema}, this windlass knows up to {SCHEMA}: a newer one wrote it"));
    }
    let head = serde_json::from_slice(first).map_err(foreign)?;
    let mut left = Left {
        path,
        head,
        doubtful: None,
        events: Vec::new(),
        heard: Vec::new(),
        unreadable: 0,
        is_torn: false,
        _lock: lock,
    };
    // Behind the last line's end there is nothing, or what came of a line of which the process did not see the end.
    let rest: Vec<&[u8]> = lines.collect();
    for (index, line) in rest.iter().enumerate() {
        let is_last = index + 1 == rest.len();
        match serde_json::from_slice::<Line<'static>>(line) {
            _ if is_last && line.is_empty() => {}
            Ok(Line::Doubt(transaction)) => left.doubtful = Some(transaction.into_owned()),
            Ok(Line::Event(event)) => left.events.push(event.into_owned()),
            Ok(Line::Heard { handler, event }) => left.heard.push((handler.into_owned(), event)),
            Err(_) => {
                left.unreadable += 1;
                left.is_torn |= is_last;
            }
        }
    }
    Ok(left)
}
