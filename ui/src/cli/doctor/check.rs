//! One thing that was checked.

use std::fmt::Display;

use serde::Serialize;

/// How it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// In order.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// It does not work.
    Problem,
}

/// One thing that was checked, as `doctor --json` has it.
#[derive(Debug, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it was found.
    pub status: Health,
    /// What was found.
    pub found: String,
    /// What to do; null: nothing.
    pub remedy: Option<String>,
}

#[allow(clippy::needless_pass_by_value, reason = "`format_args!` and texts alike, without a borrow at every call")]
impl Check {
    /// In order.
    pub fn ok(name: &'static str, found: impl Display) -> Self {
        Self { name, status: Health::Ok, found: found.to_string(), remedy: None }
    }

    /// Somebody should look at it.
    pub fn warning(name: &'static str, found: impl Display, remedy: impl Display) -> Self {
        Self { name, status: Health::Warning, found: found.to_string(), remedy: Some(remedy.to_string()) }
    }

    /// It does not work.
    pub fn problem(name: &'static str, found: impl Display, remedy: impl Display) -> Self {
        Self { name, status: Health::Problem, found: found.to_string(), remedy: Some(remedy.to_string()) }
    }
}
