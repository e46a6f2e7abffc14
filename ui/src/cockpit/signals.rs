//! The signals that a program in a terminal has to answer: to end, to stop as Ctrl-Z stops it, and to go on.

use std::io;

use rustix::process::{Signal as Number, getpgrp, getpid, getppid, getsid, kill_current_process_group, kill_process};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What somebody outside wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// That the program ends.
    End,
    /// That it stops until it is continued.
    Stop,
    /// Nothing more: it was stopped and goes on.
    Continue,
}

/// Listens for them. Without it the terminal would be left as it is.
pub struct Signals {
    terminate: Signal,
    hangup: Signal,
    interrupt: Signal,
    stop: Signal,
    go_on: Signal,
}

impl Signals {
    /// Begins to listen. From here on SIGTSTP no longer stops the process by itself: whoever hears [`Asked::Stop`] calls
    /// [`Signals::stop`].
    pub fn new() -> io::Result<Self> {
        let of = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Self {
            terminate: of(Number::TERM)?,
            hangup: of(Number::HUP)?,
            interrupt: of(Number::INT)?,
            stop: of(Number::TSTP)?,
            go_on: of(Number::CONT)?,
        })
    }

    /// The next one. An end comes before all others: a shell that dies continues its jobs after it has hung up on them.
    pub async fn any(&mut self) -> Asked {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Asked::End,
            _ = self.hangup.recv() => Asked::End,
            _ = self.interrupt.recv() => Asked::End,
            _ = self.stop.recv() => Asked::Stop,
            _ = self.go_on.recv() => Asked::Continue,
        }
    }

    /// Asks the whole job to stop, as the terminal does that has seen Ctrl-Z. This process is part of it and hears [`Asked::Stop`].
    pub fn ask_job_to_stop() -> io::Result<()> {
        Ok(kill_current_process_group(Number::TSTP)?)
    }

    /// Stops this process; returns when it goes on, with the signal that came then.
    pub async fn stop(&mut self) -> io::Result<Asked> {
        kill_process(getpid(), Number::STOP)?;
        loop {
            match self.any().await {
                // Asked twice before it had stopped.
                Asked::Stop => {}
                answer => return Ok(answer),
            }
        }
    }
}

/// Whether there is a shell that could continue this process once it has stopped. The system ignores SIGTSTP where there is none (a
/// pane of tmux or a container that runs nothing but this program), and so must whoever answers it with SIGSTOP, which always stops.
#[must_use]
pub fn has_job_control() -> bool {
    let Ok(session) = getsid(None) else {
        return false;
    };
    // Job control puts each job into a group of its own, apart from the shell's; once the shell is gone, the job's parent is one from
    // another session.
    getpgrp() != session && getppid().and_then(|parent| getsid(Some(parent)).ok()) == Some(session)
}
