//! Watches every write that Redis accepts, with the epoch that it carries: `MONITOR` shows what windlass asks for, and what its script then
//! did. Once a newer epoch has been given out, nothing of an older one may be written.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::tell::wire;

/// What was seen.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// Writes that were accepted.
    pub accepted: u64,
    /// Writes of an older epoch that were refused, as they should be.
    pub refused: u64,
    /// Writes of an older epoch that were accepted, each with the epochs.
    pub wrong: Vec<String>,
    /// The newest epoch.
    newest: u64,
    /// The epoch of the transaction that was asked for last.
    asked: Option<u64>,
}

/// Watches for as long as it lives.
pub struct Witness {
    seen: Arc<Mutex<Seen>>,
    enough: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Witness {
    /// Begins to watch; connects again whenever it is cut off.
    pub fn watch(socket: PathBuf) -> Self {
        let (seen, enough) = (Arc::new(Mutex::new(Seen::default())), Arc::new(AtomicBool::new(false)));
        let (notes, stop) = (seen.clone(), enough.clone());
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let _ = follow(&socket, &notes, &stop);
                // A transaction that was under way when the connection was cut is not known any more.
                notes.lock().unwrap().asked = None;
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        Self { seen, enough, thread: Some(thread) }
    }

    /// What was seen until now.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Redis is empty: its epochs begin anew.
    pub fn begin_anew(&self) {
        let mut seen = self.seen.lock().unwrap();
        (seen.newest, seen.asked) = (0, None);
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.enough.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn follow(socket: &PathBuf, notes: &Mutex<Seen>, stop: &AtomicBool) -> std::io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    stream.write_all(&wire(&["MONITOR"]))?;
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    let mut is_agreed = false;
    while !stop.load(Ordering::Relaxed) {
        match lines.read_until(b'\n', &mut line) {
            Ok(0) => return Ok(()),
            // Without the password there is nothing to be seen.
            Ok(_) if !is_agreed && !line.starts_with(b"+OK") => return Ok(()),
            Ok(_) if line.last() == Some(&b'\n') => {
                is_agreed = true;
                notes.lock().unwrap().take(&String::from_utf8_lossy(&line));
                line.clear();
            }
            Ok(_) => {}
            // What has come of a line so far stays in `line`.
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Seen {
    /// One line: `+1700000000.000000 [0 unix:…] "EVALSHA" "…" "3" "{c}:leader:epoch" "{c}:tx:…" … "7" …`, and what a script does as
    /// `[0 lua] "SET" "{c}:tx:…" …`.
    fn take(&mut self, line: &str) {
        let Some((from, command)) = line.split_once("] ") else { return };
        let mut words =
            command.split("\" \"").map(|word| word.trim_start_matches('"').trim_end_matches(['"', '\r', '\n']));
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        if from.ends_with("lua") {
            let key = words.next().unwrap_or_default();
            match verb.as_str() {
                "INCR" if key.ends_with(":leader:epoch") => self.newest += 1,
                "SET" if key.contains(":tx:") => self.accepted(),
                _ => {}
            }
            return;
        }
        self.settle();
        if verb == "EVALSHA" || verb == "EVAL" {
            let rest: Vec<&str> = words.skip(1).collect();
            let keys: usize = rest.first().and_then(|number| number.parse().ok()).unwrap_or(0);
            let fenced = rest.get(1).is_some_and(|key| key.ends_with(":leader:epoch"))
                && rest.get(2).is_some_and(|key| key.contains(":tx:"));
            self.asked = fenced.then(|| rest.get(keys + 1)?.parse().ok()).flatten();
        }
    }

    fn accepted(&mut self) {
        let Some(epoch) = self.asked.take() else { return };
        self.accepted += 1;
        if epoch < self.newest {
            self.wrong.push(format!("a write of epoch {epoch} was accepted after epoch {} was given out", self.newest));
        }
        // An acquisition that happened while nobody watched.
        self.newest = self.newest.max(epoch);
    }

    /// The next command begins: what was asked for before and did not write was refused.
    fn settle(&mut self) {
        if self.asked.take().is_some_and(|epoch| epoch < self.newest) {
            self.refused += 1;
        }
    }
}

#[test]
fn a_write_of_an_old_epoch_is_noticed() {
    let mut seen = Seen::default();
    let write = |epoch: u64| {
        format!(
            "+1.0 [0 unix:s] \"EVALSHA\" \"abc\" \"3\" \"{{c}}:leader:epoch\" \"{{c}}:tx:1\" \"{{c}}:log\" \"{epoch}\" \"120000\"\r\n"
        )
    };
    let (raise, done) =
        ("+1.0 [0 lua] \"INCR\" \"{c}:leader:epoch\"\r\n", "+1.0 [0 lua] \"SET\" \"{c}:tx:1\" \"1\"\r\n");
    for line in [raise, &write(1), done, raise, &write(1), &write(2), done] {
        seen.take(line);
    }
    assert_eq!((seen.accepted, seen.refused, seen.wrong.len()), (2, 1, 0));
    seen.take(&write(1));
    seen.take(done);
    assert_eq!(seen.wrong.len(), 1, "{seen:?}");
}
