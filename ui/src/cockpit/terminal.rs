//! The terminal: taken over, and always given back as it was.

use std::io::{self, Stdout, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Position, Rect, Size};

use super::Model;

/// Whether the terminal is ours now. A panic hook has no other way to know, and giving it back twice would move the cursor over what
/// was printed in between.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours. Dropping it gives it back.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal over. On a panic it is given back before the report is printed.
    pub fn take() -> io::Result<Self> {
        give_back_on_panic();
        enter()?;
        match Terminal::new(CrosstermBackend::new(stdout())) {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Its size.
    pub fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }

    /// Draws a model, as one update that the terminal shows all at once.
    pub fn draw(&mut self, model: &Model) -> io::Result<()> {
        if !TAKEN.load(Ordering::SeqCst) {
            // Another task panicked: its report is on the shell's screen, and the cockpit goes on.
            self.take_again()?;
        }
        queue!(stdout(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(|frame| super::draw(model, frame)).map(|_| ());
        execute!(stdout(), EndSynchronizedUpdate)?;
        drawn
    }

    /// Gives the terminal back for a while: to the shell, until [`Screen::take_again`].
    #[allow(clippy::unused_self, reason = "only who has it can give it back")]
    pub fn give_back(&mut self) {
        give_back();
    }

    /// Takes the terminal over again, given back or not: a shell changes its settings and writes on it while the program is stopped.
    pub fn take_again(&mut self) -> io::Result<()> {
        // What is switched on already is not switched on a second time, whatever a shell made of it.
        disable_raw_mode()?;
        enter()?;
        // Not `clear`: it asks the terminal where the cursor is, and whoever reads the keys would get the answer.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode().inspect_err(|_| give_back())?;
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste).inspect_err(|_| give_back())
}

/// Gives the terminal back. Each step is tried whatever became of the others: there is nobody left to tell.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = stdout();
    let _ = queue!(out, EndSynchronizedUpdate, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// The hook that was there before (color-eyre's report) runs on a terminal in order. A panic on another thread is not the cockpit's
/// end: the engine catches its handlers' panics and goes on, and so does the screen.
fn give_back_on_panic() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let owner = std::thread::current().id();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().id() == owner {
                give_back();
            }
            before(panic);
        }));
    });
}
