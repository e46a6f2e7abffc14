//! What the command line and the configuration tell the cockpit.

use std::time::Duration;

use super::keys::KeyMap;

/// Where the engine is, as this cockpit knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In this process: quitting ends it.
    EngineHere,
    /// In another process, or nowhere: quitting changes nothing.
    Attached,
    /// In this process, with everything simulated.
    Demo,
}

impl Mode {
    /// As the header says it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::EngineHere => "engine here",
            Self::Attached => "attached",
            Self::Demo => "demo",
        }
    }

    /// Whether the engine ends with the cockpit.
    #[must_use]
    pub const fn has_engine(self) -> bool {
        matches!(self, Self::EngineHere | Self::Demo)
    }
}

/// What the command line and the configuration tell the cockpit.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name that commands carry.
    pub actor: String,
    /// Ask before workers are added or removed, and before an engine is ended.
    pub confirm: bool,
    /// Which key does what.
    pub keys: KeyMap,
    /// Where the engine is.
    pub mode: Mode,
    /// How long a lease lasts: a replica that was silent for some of them counts as gone.
    pub lease: Duration,
    /// Colours, unless the environment forbids them as well.
    pub color: bool,
}
