//! One windlass process among several.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};

use crate::ask;
use crate::program::{Home, signal};

/// A replica; killed when it is dropped.
pub struct Replica {
    /// Which.
    pub number: usize,
    child: Option<Child>,
    starts: usize,
    log: PathBuf,
    /// Whether one that found no Redis to start with may have said so and ended with 1.
    excused: bool,
    /// How processes ended that should not have ended.
    pub wrong_ends: Vec<String>,
}

impl Replica {
    /// One that does not run yet; `excused`: one that finds no Redis to start with may say so and end with 1.
    pub fn new(number: usize, home: &Home, excused: bool) -> Self {
        Self {
            number,
            child: None,
            starts: 0,
            log: home.path(&format!("replica-{number}.log")),
            excused,
            wrong_ends: Vec::new(),
        }
    }

    /// Starts it, if it does not run.
    pub fn start(&mut self, home: &Home, arguments: &[String]) {
        if self.child.is_some() {
            return;
        }
        self.starts += 1;
        self.log = home.path(&format!("replica-{}-{}.log", self.number, self.starts));
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = home.command(&words);
        command.env("RUST_BACKTRACE", "0").stdout(Stdio::null()).stderr(File::create(&self.log).unwrap());
        self.child = Some(command.spawn().expect("windlass starts"));
    }

    /// Its process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Where it answers over HTTP, once it does.
    pub fn address(&self) -> Option<SocketAddr> {
        self.child.as_ref()?;
        ask::address(&fs::read_to_string(&self.log).ok()?)
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            if let Some(status) = child.try_wait().unwrap() {
                self.ended(status);
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// A signal that it outlives, or answers to.
    pub fn signal(&self, name: &str) {
        if let Some(pid) = self.pid() {
            signal(name, pid);
        }
    }

    /// Whether it has ended after a SIGTERM; it should have done so in order.
    pub fn has_stopped(&mut self) -> bool {
        let Some(child) = &mut self.child else { return true };
        let Some(status) = child.try_wait().unwrap() else { return false };
        self.child = None;
        if status.code() != Some(0) && !self.never_began() {
            self.wrong_ends.push(format!("replica {} answered SIGTERM with {status}", self.number));
        }
        true
    }

    /// Looks whether it still runs; one that has ended by itself is noted, and no longer there.
    pub fn check(&mut self) -> bool {
        let Some(child) = &mut self.child else { return false };
        let Some(status) = child.try_wait().unwrap() else { return true };
        self.child = None;
        self.ended(status);
        false
    }

    fn ended(&mut self, status: ExitStatus) {
        if self.excused && status.code() == Some(1) && self.never_began() {
            return;
        }
        self.wrong_ends.push(format!(
            "replica {} has ended by itself: {status}; see {}",
            self.number,
            self.log.display()
        ));
    }

    fn never_began(&self) -> bool {
        fs::read_to_string(&self.log).is_ok_and(|log| !log.contains(" starts"))
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
    }
}
