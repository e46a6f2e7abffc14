//! Sending a command under an id that its client chose: once, however often the client asks.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;

use super::COMMANDS_KEPT;
use crate::model::Command;
use crate::store::{Store, StoreError};

/// Far longer than a client goes on asking.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

static ONCE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../assets/lua/command_once.lua")));

/// What came of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way.
    Now,
    /// It was sent before, by the same person and with the same words: nothing was done.
    Before,
    /// Its id stands for another command: nothing was done.
    Other,
}

/// Sends a command to the leader, unless a command with this id was sent in the last day. Where the outcome is unknown, it may be
/// called again.
pub async fn send_once(store: &Store, command: &Command) -> Result<Sent, StoreError> {
    let unwritable = |error| StoreError::Refused(format!("the command cannot be written: {error}"));
    let meaning = serde_json::to_string(&(&command.actor, &command.reason, &command.action)).map_err(unwritable)?;
    let text = serde_json::to_string(command).map_err(unwritable)?;
    let answer: String = ONCE
        .key(store.keys().command(command.command_id))
        .key(store.keys().commands())
        .arg(meaning)
        .arg(REMEMBERED.as_millis() as u64)
        .arg(COMMANDS_KEPT)
        .arg(text)
        .invoke_async(&mut store.connection())
        .await?;
    match answer.as_str() {
        "sent" => Ok(Sent::Now),
        "again" => Ok(Sent::Before),
        "other" => Ok(Sent::Other),
        other => Err(StoreError::Unavailable(format!("unexpected answer to a command: {other:?}"))),
    }
}
