//! What may happen to the cockpit, and what it may want done.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use crossterm::event::KeyEvent;
use uuid::Uuid;
use windlass::model::{Action, View};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// The engine's picture of the cluster.
    View(Arc<View>),
    /// No more pictures will come: what produced them has ended.
    ViewsEnded,
    /// A second went by.
    Tick(DateTime<Utc>),
    /// A command is on its way to the engine.
    Sent {
        /// Its id: the answer's `caused_by`.
        command_id: Uuid,
        /// What it asks for.
        action: Action,
        /// When.
        at: DateTime<Utc>,
    },
    /// A command could not be handed over.
    SendFailed {
        /// What it asked for.
        action: Action,
    },
}

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Give this to the engine; the runner gives it its id and its time.
    Send {
        /// What is wanted.
        action: Action,
        /// Why.
        reason: String,
    },
    /// Give the terminal back to the shell until it continues us.
    Suspend,
    /// End.
    Quit,
}
