//! A program in a real pseudo-terminal: what it shows, what it is sent, and how it leaves the terminal behind.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system};

/// Longer than anything takes on a slow machine; nothing waits for it when all is well.
const PATIENCE: Duration = Duration::from_secs(90);
/// A process that has closed its terminal is gone within moments.
const PAUSE: Duration = Duration::from_millis(10);

/// Columns and rows.
pub type Size = (u16, u16);

/// What has come out of the terminal so far.
struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    /// The terminal is closed: nothing more will come.
    ended: bool,
}

/// What the reader and whoever waits share.
type Shared = Arc<(Mutex<Seen>, Condvar)>;

/// A program in a pseudo-terminal; killed when this is dropped.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    // Kept open: once nobody has the terminal open any more, it is gone, and its settings cannot be asked for.
    _slave: Box<dyn SlavePty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    seen: Shared,
    before: String,
    /// When the program was started.
    pub started: Instant,
}

impl Terminal {
    /// Starts a program in a terminal of its own.
    #[allow(clippy::disallowed_methods, reason = "a bench measures from here on")]
    pub fn start(command: &Command, (columns, rows): Size) -> Self {
        let pair = native_pty_system().openpty(pty_size(columns, rows)).expect("a pseudo-terminal");
        let before = settings(pair.master.as_ref());
        let (height, width) = cells(columns, rows);
        let parser = vt100::Parser::new(height, width, 0);
        let seen: Shared = Arc::new((Mutex::new(Seen { parser, raw: Vec::new(), ended: false }), Condvar::new()));
        let reader = pair.master.try_clone_reader().expect("a reader");
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || read(reader, &shared));
        let keys = pair.master.take_writer().expect("a writer");
        let command = builder(command);
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).expect("the program starts");
        Self { master: pair.master, _slave: pair.slave, keys, child, seen, before, started }
    }

    /// Presses keys: characters as they are, `\r` for Enter, `\x1b` for Escape.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).expect("keys");
    }

    /// Gives the terminal another size, as a window does that is dragged.
    pub fn resize(&self, (columns, rows): Size) {
        let (height, width) = cells(columns, rows);
        self.lock().parser.set_size(height, width);
        self.master.resize(pty_size(columns, rows)).expect("another size");
    }

    /// Waits until the screen is as wanted; how long after the start that was.
    #[track_caller]
    #[allow(clippy::disallowed_methods, reason = "a test's deadline is on the monotonic clock")]
    pub fn shows(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) -> Duration {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.lock();
        loop {
            if wanted(seen.parser.screen()) {
                return self.started.elapsed();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "not within {PATIENCE:?}: {what}; the screen:\n{}",
                seen.parser.screen().contents()
            );
            assert!(!seen.ended, "the terminal was closed before: {what}\n{}", seen.parser.screen().contents());
            seen = self.seen.1.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the screen has all these words.
    #[track_caller]
    pub fn says(&self, words: &[&str]) -> Duration {
        self.shows(&format!("{words:?}"), |screen| {
            let text = screen.contents();
            words.iter().all(|word| text.contains(word))
        })
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("a process")
    }

    /// Waits for the program's end; all that it wrote has been seen then.
    #[track_caller]
    #[allow(clippy::disallowed_methods, reason = "a test's deadline is on the monotonic clock")]
    pub fn ends(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end; the screen:\n{}", self.text());
            std::thread::sleep(PAUSE);
        };
        // What it wrote last may still be on its way: a mark of our own, echoed by the terminal, comes after it.
        let mark = "\u{2713}end";
        self.press(mark);
        self.shows("the end of what was written", |screen| screen.contents().contains(mark));
        status
    }

    /// The screen's text.
    pub fn text(&self) -> String {
        self.lock().parser.screen().contents()
    }

    /// Whether the terminal hands every key over at once and echoes none: its settings are not those from before.
    pub fn is_raw(&self) -> bool {
        settings(self.master.as_ref()) != self.before
    }

    /// The terminal must be as it was: settings, screen, cursor, and every mode that was ever switched on.
    #[track_caller]
    pub fn is_restored(&self) {
        assert_eq!(settings(self.master.as_ref()), self.before, "the terminal's settings");
        let seen = self.lock();
        let screen = seen.parser.screen();
        assert!(!screen.alternate_screen(), "the alternate screen was not left");
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste is on");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is captured");
        let modes = private_modes(&seen.raw);
        assert!(modes.contains_key("1049"), "it never had the alternate screen: {modes:?}");
        for (mode, on) in modes {
            // The cursor is the one thing that is on in a terminal that nobody has touched.
            assert_eq!(on, mode == "25", "the private mode {mode} was left {}", if on { "on" } else { "off" });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(mut reader: Box<dyn Read + Send>, seen: &Shared) {
    let mut bytes = vec![0; 65_536];
    loop {
        let count = reader.read(&mut bytes).unwrap_or(0);
        let mut now = seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.parser.process(&bytes[..count]);
        now.raw.extend_from_slice(&bytes[..count]);
        now.ended = count == 0;
        seen.1.notify_all();
        if now.ended {
            return;
        }
    }
}

fn builder(command: &Command) -> CommandBuilder {
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => builder.env(name, value),
            None => builder.env_remove(name),
        }
    }
    builder.env("TERM", "xterm-256color");
    builder.cwd(std::env::current_dir().expect("a working directory"));
    builder
}

fn pty_size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn cells(columns: u16, rows: u16) -> (NonZeroU16, NonZeroU16) {
    (NonZeroU16::new(rows).expect("rows"), NonZeroU16::new(columns).expect("columns"))
}

/// The terminal's settings (echo, line by line, signals from keys) in one comparable form.
fn settings(master: &dyn MasterPty) -> String {
    let settings = master.get_termios().expect("the terminal's settings");
    format!(
        "{:?} {:?} {:?} {:?}",
        settings.input_flags, settings.output_flags, settings.control_flags, settings.local_flags
    )
}

/// Every private mode (`ESC [ ? number h` or `l`) that was ever set, and how it was set last.
fn private_modes(raw: &[u8]) -> BTreeMap<String, bool> {
    let text = String::from_utf8_lossy(raw);
    let mut modes = BTreeMap::new();
    for part in text.split("\x1b[?").skip(1) {
        let Some(end) = part.find(|c: char| !c.is_ascii_digit() && c != ';') else { continue };
        let on = match part.as_bytes()[end] {
            b'h' => true,
            b'l' => false,
            _ => continue,
        };
        modes.extend(part[..end].split(';').map(|mode| (mode.to_owned(), on)));
    }
    modes
}
