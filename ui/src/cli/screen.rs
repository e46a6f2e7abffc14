//! What is printed: facts on stdout, everything else on stderr, colours only where somebody sees them.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use super::failure::Failure;

/// What a colour means here. A mark or a word always says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// As it comes.
    #[default]
    Plain,
    /// What matters on a line.
    Strong,
    /// What may be overlooked.
    Faint,
    /// In order.
    Good,
    /// Worth a look.
    Warn,
    /// Needs somebody.
    Bad,
    /// The operator's doing.
    Person,
}

impl Tone {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "1",
            Self::Faint => "90",
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "31",
            Self::Person => "35",
        }
    }
}

/// Where facts go.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    color: bool,
}

#[allow(clippy::unused_self, reason = "what is printed goes through the screen, whether it is coloured or not")]
impl Screen {
    /// Colours on a terminal, unless the flag or the environment (<https://no-color.org>) says otherwise.
    #[must_use]
    pub fn new(no_color: bool) -> Self {
        let unwanted = no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { color: !unwanted && !dumb && io::stdout().is_terminal() }
    }

    /// Text in a tone.
    #[must_use]
    pub fn paint(self, tone: Tone, text: impl Display) -> String {
        if self.color && tone != Tone::Plain { format!("\x1b[{}m{text}\x1b[0m", tone.code()) } else { text.to_string() }
    }

    /// One line on stdout.
    pub fn line(self, text: impl Display) -> Result<(), Failure> {
        Ok(writeln!(io::stdout().lock(), "{text}")?)
    }

    /// Text on stdout as it is.
    pub fn text(self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// A document on stdout, for people to read as well.
    pub fn document(self, value: &impl Serialize) -> Result<(), Failure> {
        self.line(serde_json::to_string_pretty(value).map_err(Failure::failed)?)
    }

    /// An object on one line of stdout.
    pub fn object(self, value: &impl Serialize) -> Result<(), Failure> {
        self.line(serde_json::to_string(value).map_err(Failure::failed)?)
    }
}

/// One line on stderr. Where nobody listens there, nothing can be done about it.
pub fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
