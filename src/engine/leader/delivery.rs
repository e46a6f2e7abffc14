//! Events to their handlers: at least once from the stream, exactly once in their effect. What fails is tried again, what fails too often
//! is dead-lettered, what was trimmed first is reported.

use std::panic::{AssertUnwindSafe, catch_unwind};

use uuid::Uuid;

use super::Leader;
use crate::bus::Entry;
use crate::engine::inbox::Subscription;
use crate::handlers::{Because, Draft, Handler, HandlerError, World};
use crate::model::Event;
use crate::model::event::{EventDeadLettered, EventsLost};
use crate::store::{Acknowledgement, DeadLetter, StoreError};

/// A try that ended with the process is one that the entry may not have caused: with fewer of them it is not given up.
const FEWEST_CRASHES: u32 = 2;

/// What is said of an event whose last try nobody lived to report.
pub(super) const CRASHED: &str = "windlass ended in the middle of it at every try";

impl Leader<'_> {
    /// Deals with commands and events until there are none left, or for so many breaths; whether there may be more.
    pub(super) async fn hear(&mut self, breath: usize) -> Result<bool, StoreError> {
        for _ in 0..breath {
            if self.adrift.is_some() {
                return Ok(true);
            }
            if self.taking_over.is_some() {
                return Ok(false);
            }
            self.inbox.fetch().await?;
            let mut heard = self.hear_command().await?;
            for index in 0..self.inbox.subscriptions.len() {
                heard |= self.hear_events(index).await?;
            }
            if !heard {
                self.report_losses().await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deals with what one handler has heard. What it did not subscribe to, and what is another handler's, is acknowledged and
    /// forgotten; what was put back for it alone is dealt with in any case.
    pub(super) async fn hear_events(&mut self, index: usize) -> Result<bool, StoreError> {
        let mut heard = false;
        // Once Redis is gone, what is read already is delivered from memory.
        while self.adrift.is_none()
            && let Some((entry, tries)) = self.inbox.subscriptions[index].next(self.parts.clock.monotonic()).await?
        {
            heard = true;
            let Subscription { handler, consumer, .. } = &self.inbox.subscriptions[index];
            let skipped = consumer.acknowledgement(&entry.id);
            match entry.event_for(handler.name()) {
                None => self.inbox.skipped.push(skipped),
                Some(Ok(event)) if !handler.subscribes().contains(&event.event_type()) => {
                    self.inbox.skipped.push(skipped);
                }
                Some(Ok(event)) if self.was_dealt_with(index, event.event_id) => self.inbox.skipped.push(skipped),
                Some(parsed) if self.is_hopeless(tries) => self.give_up(index, &entry, parsed, tries).await?,
                // What nobody can read is one dead letter, not one of every handler.
                Some(Err(_)) if index > 0 => self.inbox.skipped.push(skipped),
                Some(parsed) => self.handle(index, entry, parsed, tries + 1).await?,
            }
        }
        Ok(heard)
    }

    /// Whether an entry that was left by a leader that is gone has had all its tries.
    pub(super) fn is_hopeless(&self, tries: u32) -> bool {
        tries >= self.parts.config.autoscaler.events.retry.tries.max(FEWEST_CRASHES)
    }

    async fn give_up(
        &mut self,
        index: usize,
        entry: &Entry,
        parsed: Result<Event, String>,
        tries: u32,
    ) -> Result<(), StoreError> {
        let Subscription { handler, consumer, .. } = &self.inbox.subscriptions[index];
        let (acknowledgement, name) = (consumer.acknowledgement(&entry.id), handler.name());
        tracing::error!(handler = name, tries, "an event is dead-lettered: {CRASHED}");
        let event = parsed.map(|event| event.event_id).ok();
        self.bury(dead_letter(entry, name, CRASHED, tries), acknowledgement, event).await
    }

    async fn handle(
        &mut self,
        index: usize,
        entry: Entry,
        parsed: Result<Event, String>,
        tries: u32,
    ) -> Result<(), StoreError> {
        let Subscription { handler, consumer, .. } = &self.inbox.subscriptions[index];
        let acknowledgement = consumer.acknowledgement(&entry.id);
        let name = handler.name();
        let (event_id, handled, last) = match parsed {
            Err(error) => (Uuid::nil(), Err(HandlerError(error)), true),
            Ok(event) => {
                let mut draft = self.draft(name, self.parts.clock.now());
                let handled = guarded(handler.as_ref(), &event, &self.world(draft.now()), &mut draft).map(|()| draft);
                (event.event_id, handled, tries >= self.parts.config.autoscaler.events.retry.tries)
            }
        };
        match handled {
            Ok(draft) => {
                self.commit(draft, Some(acknowledgement)).await?;
                self.dealt_with(index, event_id);
                Ok(())
            }
            Err(error) if last => {
                tracing::error!(handler = name, %error, tries, "an event is dead-lettered");
                let event = (!event_id.is_nil()).then_some(event_id);
                self.bury(dead_letter(&entry, name, &error.0, tries), acknowledgement, event).await?;
                self.dealt_with(index, event_id);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(handler = name, %error, tries, "a handler failed; it is tried again");
                let retry = self.parts.config.autoscaler.events.retry;
                self.inbox.subscriptions[index].later(entry.id, tries, &retry, self.parts.clock.monotonic());
                Ok(())
            }
        }
    }

    pub(super) async fn bury(
        &mut self,
        letter: DeadLetter,
        acknowledgement: Acknowledgement,
        event: Option<Uuid>,
    ) -> Result<(), StoreError> {
        let mut draft = self.draft("engine", self.parts.clock.now());
        let data = EventDeadLettered {
            handler: letter.handler.clone(),
            event: event.map(|event| event.to_string()).unwrap_or_default(),
            error: letter.error.clone(),
            tries: letter.tries,
        };
        draft.emit(data, Because::of(event));
        self.write(draft, Some(acknowledgement), vec![letter], Vec::new()).await
    }

    /// Reports what was trimmed before it was dealt with.
    pub(super) async fn report_losses(&mut self) -> Result<(), StoreError> {
        for (handler, loss, consumer) in self.inbox.take_losses() {
            tracing::error!(handler, count = loss.count, "events were trimmed before they were dealt with");
            let mut draft = self.draft("engine", self.parts.clock.now());
            draft.emit(EventsLost { handler: handler.to_owned(), count: loss.count }, Because::default());
            self.commit(draft, None).await?;
            consumer.loss_reported().await?;
        }
        Ok(())
    }
}

/// A handler that panics has failed on this event, and on nothing else.
pub(super) fn guarded(
    handler: &dyn Handler,
    event: &Event,
    world: &World<'_>,
    draft: &mut Draft,
) -> Result<(), HandlerError> {
    unwinding(|| handler.on_event(event, world, draft)).and_then(|handled| handled)
}

/// Runs a part of a handler; a panic in it is an error that says what it said.
pub(super) fn unwinding<T>(part: impl FnOnce() -> T) -> Result<T, HandlerError> {
    catch_unwind(AssertUnwindSafe(part)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        HandlerError(format!("it panicked: {}", text.unwrap_or_else(|| "without a message".to_owned())))
    })
}

pub(super) fn dead_letter(entry: &Entry, handler: &str, error: &str, tries: u32) -> DeadLetter {
    DeadLetter {
        event: entry.json.clone().unwrap_or_default(),
        entry: entry.id.clone(),
        handler: handler.to_owned(),
        error: error.to_owned(),
        tries,
    }
}
