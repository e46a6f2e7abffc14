//! Commands of operators, applied one by one; every one ends in an event.

use super::delivery::{CRASHED, dead_letter};
use super::{FAST_LOOK, Leader};
use crate::bus::dead_letters;
use crate::clock;
use crate::handlers::operator;
use crate::model::Command;
use crate::store::{Acknowledgement, StoreError};

impl Leader<'_> {
    /// Commands wait for the first look: without it every one would have to be refused.
    pub(super) async fn hear_command(&mut self) -> Result<bool, StoreError> {
        if !self.has_looked {
            return Ok(false);
        }
        let Some((entry, tries)) = self.inbox.next_command().await? else {
            return Ok(false);
        };
        let acknowledgement = self.inbox.commands.acknowledgement(&entry.id);
        match entry.command() {
            Ok(command) if !self.is_hopeless(tries) => self.apply(&command, acknowledgement).await?,
            parsed => {
                let error = parsed.err().unwrap_or_else(|| CRASHED.to_owned());
                let letter = dead_letter(&entry, operator::SOURCE, &error, tries.max(1));
                self.bury(letter, acknowledgement, "").await?;
            }
        }
        Ok(true)
    }

    async fn apply(&mut self, command: &Command, acknowledgement: Acknowledgement) -> Result<(), StoreError> {
        let letter = match command.action.dead_letter() {
            Some(entry) => dead_letters::show(&self.parts.store, entry).await?,
            None => None,
        };
        let mut draft = self.draft(operator::SOURCE, clock::now());
        let settled = operator::apply(command, letter.as_ref(), &self.world(draft.now()), &mut draft);
        self.write(draft, Some(acknowledgement), Vec::new(), settled.into_iter().collect()).await?;
        // The operator wants to see what comes of it.
        self.next_look = self.next_look.min(clock::monotonic() + FAST_LOOK);
        Ok(())
    }
}
