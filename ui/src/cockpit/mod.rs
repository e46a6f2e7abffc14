//! The cockpit: what the engine sees, why it did what it did, and the handle.
//!
//! Elm-shaped. [`Model`] is all there is to know, [`update()`] takes a [`Message`] to the next model and says what is to be done outside
//! ([`Effect`]), [`draw()`] puts a model on a frame. Both are pure and synchronous; [`run`] is the loop around them.

pub mod chain;
pub mod chord;
pub mod chosen;
pub mod command_line;
pub mod consequences;
pub mod draw;
pub mod filter;
pub mod gallery;
pub mod history;
pub mod keys;
pub mod layout;
pub mod ledger;
pub mod message;
pub mod model;
pub mod pools;
pub mod popup;
pub mod roster;
mod runtime;
mod signals;
mod terminal;
pub mod theme;
pub mod timeline;
pub mod track;
pub mod update;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use draw::draw;
pub use keys::{Act, KeyMap, KeyMapError};
pub use message::{Effect, Message};
pub use model::Model;
pub use runtime::run;
pub use theme::Theme;
pub use update::update;

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
