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
pub mod options;
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

pub use draw::draw;
pub use keys::{Act, KeyMap, KeyMapError};
pub use message::{Effect, Message};
pub use model::Model;
pub use options::{Mode, Options};
pub use runtime::run;
pub use theme::Theme;
pub use update::{open, update};
