//! Commands of operators, applied one by one; every one ends in an event.

use super::delivery::{CRASHED, dead_letter};
use super::{FAST_LOOK, Leader};
use crate::bus::{dead_letters, replay};
use crate::handlers::operator::{self, Found};
use crate::model::command::REPLAYED_AT_ONCE;
use crate::model::{Action, Command};
use crate::store::{Acknowledgement, StoreError};

impl Leader<'_> {
    /// Commands wait for the first look: without it every one would have to be refused.
    pub(super) async fn hear_command(&mut self) -> Result<bool, StoreError> {
        if !self.has_looked || self.adrift.is_some() {
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
                self.bury(letter, acknowledgement, None).await?;
            }
        }
        Ok(true)
    }

    async fn apply(&mut self, command: &Command, acknowledgement: Acknowledgement) -> Result<(), StoreError> {
        // Whoever keeps the pools answers, when it is done.
        if command.action.pool().is_some() && self.pools.is_some_and(|pools| pools.give(command, &acknowledgement)) {
            return Ok(());
        }
        let found = self.find(&command.action).await?;
        let mut draft = self.draft(operator::SOURCE, self.parts.clock.now());
        let settled = operator::apply(command, &found, &self.world(draft.now()), &mut draft);
        self.write(draft, Some(acknowledgement), Vec::new(), settled).await?;
        // The operator wants to see what comes of it.
        self.next_look = self.next_look.min(self.parts.clock.monotonic() + FAST_LOOK);
        Ok(())
    }

    /// What a command is about, where that is in the streams.
    async fn find(&self, action: &Action) -> Result<Found, StoreError> {
        let store = &self.parts.store;
        let mut found = Found::default();
        if let Some(entry) = action.dead_letter() {
            found.letter = dead_letters::show(store, entry).await?;
        }
        if let Action::Replay { handler, from, to } = action {
            let mut running = self.inbox.subscriptions.iter().map(|subscription| &subscription.handler);
            found.subscribes = running.find(|other| other.name() == handler).map(|other| other.subscribes());
            found.span = replay::logged(store, from, to.as_ref(), REPLAYED_AT_ONCE + 1).await?;
        }
        Ok(found)
    }
}
