//! What can go wrong in a simulated world, as a scenario says it.

use serde::{Deserialize, Serialize};

use crate::config::Span;
use crate::model::WorkerName;

/// Something that goes wrong at a moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// When.
    pub at: Span,
    /// What.
    #[serde(flatten)]
    pub what: Trouble,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Containers end, as by `kill -9`.
    Crash(Crash),
    /// Health checks fail for a while.
    Unhealthy(Sickness),
    /// Workers that are made in a while take longer to be ready.
    SlowStart(SlowStart),
    /// Workers that are made in a while do not come to be.
    FailingStart(FailingStart),
    /// Nobody gets an answer for a while.
    Unreachable(Silence),
    /// So many containers of this cluster appear that nobody made.
    Stray(u32),
}

/// Which containers end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Crash {
    /// So many, the youngest first.
    Youngest(u32),
    /// This one.
    One {
        /// Which.
        worker: Target,
    },
}

/// A worker, as a scenario can name it before it exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// The one made last.
    Youngest,
    /// The one made first.
    Oldest,
    /// Any, by the seed.
    Random,
    /// The one of this name.
    Named(WorkerName),
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        match target {
            Target::Youngest => "youngest".to_owned(),
            Target::Oldest => "oldest".to_owned(),
            Target::Random => "random".to_owned(),
            Target::Named(name) => name.into(),
        }
    }
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "youngest" => Ok(Self::Youngest),
            "oldest" => Ok(Self::Oldest),
            "random" => Ok(Self::Random),
            name => name.parse().map(Self::Named).map_err(|error| format!("{error}; or youngest, oldest, random")),
        }
    }
}

/// Workers whose health check fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sickness {
    /// How many.
    pub count: u32,
    /// For how long.
    #[serde(rename = "for")]
    pub lasts: Span,
}

/// A time in which workers start slowly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlowStart {
    /// How long a worker then takes until it is ready.
    pub startup: Span,
    /// How long that goes on.
    #[serde(rename = "for")]
    pub lasts: Span,
}

/// A time in which workers do not start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailingStart {
    /// How long that goes on.
    #[serde(rename = "for")]
    pub lasts: Span,
    /// Whether they are refused, instead of ending with an error shortly after they were made.
    #[serde(default)]
    pub refuse: bool,
}

/// A time in which the cluster does not answer. What happens in it goes on happening.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// How long that goes on.
    #[serde(rename = "for")]
    pub lasts: Span,
}

impl Trouble {
    /// How long it goes on; `None`: it is over at once.
    #[must_use]
    pub const fn lasts(&self) -> Option<Span> {
        match self {
            Self::Crash(_) | Self::Stray(_) => None,
            Self::Unhealthy(sickness) => Some(sickness.lasts),
            Self::SlowStart(slow) => Some(slow.lasts),
            Self::FailingStart(failing) => Some(failing.lasts),
            Self::Unreachable(silence) => Some(silence.lasts),
        }
    }
}
