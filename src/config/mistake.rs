//! A mistake in the configuration, and all of them together.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    BuiltIn,
    /// This file.
    File(PathBuf),
    /// This environment variable.
    Environment(String),
    /// A flag of the command line, for this setting.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "{}", name.escape_debug()),
            Self::Flag(_) => f.write_str("command line"),
        }
    }
}

/// Where a value came from, to the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The source.
    pub source: Source,
    /// The line of a file, from 1.
    pub line: Option<usize>,
}

impl Origin {
    /// Nobody set it.
    pub const BUILT_IN: Self = Self { source: Source::BuiltIn, line: None };
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.source),
            None => self.source.fmt(f),
        }
    }
}

/// One mistake: where, what was found, what is allowed, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub origin: Origin,
    /// The column, from 1, where the text itself could not be read.
    pub column: Option<usize>,
    /// The setting (`autoscaler.limits.min_nodes`); empty where it is the whole source.
    pub field: String,
    /// What was found, without secrets.
    pub found: String,
    /// What is allowed, in plain words.
    pub allowed: String,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.origin)?;
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": found {}; allowed: {}", self.found, self.allowed)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n    {hint}")?;
        }
        Ok(())
    }
}

/// Every mistake that was found, in the order of the sources and their lines. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<Mistake>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mistake in &self.0 {
            writeln!(f, "{mistake}")?;
        }
        let count = self.0.len();
        let mistakes = if count == 1 { "mistake" } else { "mistakes" };
        write!(f, "{count} {mistakes}. Every setting, with what it means: windlass config default")
    }
}

impl std::error::Error for ConfigErrors {}
