//! Leading without Redis. What was known is kept in memory, events are delivered in memory and wait in the outbox to be recorded; what adds
//! capacity is done, nothing is ever removed. A sole replica goes on for as long as it lasts, one of several until its lease ends.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::Leader;
use super::delivery::guarded;
use super::drift::say_again;
use crate::clock;
use crate::engine::inbox::Inbox;
use crate::engine::lease::LeaseKeeper;
use crate::engine::licence::Licence;
use crate::engine::outage::{self, Outage};
use crate::engine::outbox::Outbox;
use crate::engine::spill::{Head, Spill};
use crate::engine::{Parts, Standing, mend};
use crate::store::StoreError;

/// So many events are delivered before something else gets its turn.
const BREATH: usize = 256;

/// What is known of the outage, and what waits for its end.
pub(super) struct Adrift {
    since: DateTime<Utc>,
    error: String,
    pub(super) outbox: Outbox,
    returning: JoinSet<Attempt>,
    next_try: Instant,
    waits: Outage,
}

/// What came of asking for the lease: when it was asked for; the new epoch, or nothing where another replica has it.
pub(super) type Attempt = (Instant, Result<Option<u64>, StoreError>);

impl Adrift {
    /// When Redis is asked again; `None`: it is being asked.
    pub(super) fn next_try(&self) -> Option<Instant> {
        self.returning.is_empty().then_some(self.next_try)
    }

    /// Asks for the lease when it is time, beside the loop: that Redis does not answer must not keep the engine from acting.
    fn ask(&mut self, parts: &Parts) {
        if !self.returning.is_empty() || clock::monotonic() < self.next_try {
            return;
        }
        let (store, server, replica) = (parts.store.clone(), parts.server.clone(), parts.replica.clone());
        let lease = parts.config.leader.lease.get();
        self.returning.spawn(async move {
            let asked = clock::monotonic();
            let answer = store.acquire_lease(&replica, lease).await;
            // The own server may be gone: it is started again on the same data.
            if let (Err(_), Some(server)) = (&answer, &server)
                && let Err(error) = server.ensure_running().await
            {
                tracing::error!(%error, "the Redis server cannot be started");
            }
            (asked, answer)
        });
    }

    /// Waits until the question is answered; for ever where none is asked.
    pub(super) async fn answered(&mut self) -> Attempt {
        match self.returning.join_next().await {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => (self.next_try, Err(StoreError::Unavailable(error.to_string()))),
            None => std::future::pending().await,
        }
    }

    /// Redis cannot be used yet.
    fn not_yet(&mut self, error: &StoreError) {
        tracing::debug!(%error, "Redis cannot be used yet");
        self.next_try = clock::monotonic() + self.waits.note(error, self.since);
    }
}

impl Leader<'_> {
    /// Redis cannot be used: from now on this leader is on its own.
    pub(super) fn cast_off(&mut self, error: &StoreError) {
        if self.adrift.is_some() {
            return;
        }
        let (since, error_text) = (self.parts.clock.now(), error.to_string());
        let outbox = self.outbox(since, error_text.clone());
        self.adrift = Some(Adrift {
            since,
            error: error_text,
            outbox,
            returning: JoinSet::new(),
            next_try: clock::monotonic(),
            waits: Outage::default(),
        });
        self.webhooks = None;
        self.licence.cast_off();
        if self.may_act() {
            tracing::error!(%error, "Redis cannot be used: the minimum is protected, nothing is removed");
        } else {
            tracing::error!(%error, "Redis cannot be used: another replica may lead, so nothing is changed");
        }
        self.tell();
    }

    /// An empty outbox, with its file where there is a place for it. What handlers need not be told again from before goes on with it.
    fn outbox(&mut self, since: DateTime<Utc>, error: String) -> Outbox {
        let parts = self.parts;
        let longest = parts.config.redis.outbox as usize;
        let head = Head::new(parts.config.cluster.id.clone(), parts.replica.clone(), self.epoch, since, error);
        let spill = parts.data_dir.as_deref().and_then(|data_dir| Spill::begin(data_dir, head, longest));
        let mut outbox = Outbox::new(longest, parts.handlers.iter().map(|handler| handler.name()).collect(), spill);
        outbox.heard(std::mem::take(&mut self.heard));
        outbox
    }

    /// Whether this replica may do anything outside: while its lease is certain, and without Redis also where nobody else is there to
    /// take it.
    pub(super) fn may_act(&self) -> bool {
        self.licence.holds()
    }

    /// Tells where this replica stands.
    pub(super) fn tell(&self) {
        let now = match &self.adrift {
            None => Standing::Leader,
            Some(adrift) => Standing::WithoutStore { error: adrift.error.clone(), protects: self.may_act() },
        };
        super::super::stand(&self.standing, now);
    }

    /// One round without Redis; whether there is more to hear.
    pub(super) async fn drift(&mut self) -> Result<bool, StoreError> {
        if let Some(adrift) = &mut self.adrift {
            adrift.ask(self.parts);
        }
        self.tell();
        if !self.may_act() {
            // Another replica may decide otherwise.
            return Ok(false);
        }
        self.hear_in_memory().await?;
        self.pass_time().await?;
        let more = self.hear_in_memory().await?;
        self.start_work();
        self.start_look();
        Ok(more)
    }

    /// Delivers what handlers have not dealt with; whether there is more. What one of them fails on comes again from Redis.
    async fn hear_in_memory(&mut self) -> Result<bool, StoreError> {
        for _ in 0..BREATH {
            let Some((index, event)) = self.unheard.next() else { return Ok(false) };
            let Some(handler) = self.parts.handlers.get(index) else { continue };
            let mut draft = self.draft(handler.name(), self.parts.clock.now());
            match guarded(handler.as_ref(), &event, &self.world(draft.now()), &mut draft) {
                Ok(()) => {
                    self.commit(draft, None).await?;
                    self.dealt_with(index, event.event_id);
                }
                Err(error) => tracing::warn!(handler = handler.name(), %error, "a handler failed without Redis"),
            }
        }
        Ok(true)
    }

    /// A handler has dealt with an event.
    pub(super) fn dealt_with(&mut self, index: usize, event: Uuid) {
        self.unheard.heard(index, event);
        if let Some(adrift) = &mut self.adrift {
            adrift.outbox.heard([(index, event)]);
        }
    }

    /// Whether a handler dealt with an event while there was no Redis to say so.
    pub(super) fn was_dealt_with(&mut self, index: usize, event: Uuid) -> bool {
        self.heard.remove(&(index, event))
    }

    /// What Redis answered; whether this replica leads on (`false`: another one leads).
    pub(super) async fn answered(&mut self, (asked, answer): Attempt) -> Result<bool, StoreError> {
        let came = match answer {
            Ok(Some(epoch)) => self.come_back(epoch, asked).await,
            Ok(None) => {
                self.abandon();
                return Ok(false);
            }
            Err(error) => Err(error),
        };
        match (came, &mut self.adrift) {
            (Err(StoreError::Fenced { ours, newest }), _) => {
                self.abandon();
                Err(StoreError::Fenced { ours, newest })
            }
            (Err(error), Some(adrift)) => {
                adrift.not_yet(&error);
                Ok(true)
            }
            (Err(error), None) => Err(error),
            (Ok(()), _) => Ok(true),
        }
    }

    fn abandon(&mut self) {
        self.licence.end();
        if let Some(adrift) = &mut self.adrift {
            adrift.outbox.abandon();
            let events = adrift.outbox.dropped();
            tracing::warn!(
                events,
                "another replica has led meanwhile: what happened here is not recorded, it reads it off the cluster"
            );
        }
    }

    /// Redis is back, and the lease is ours: what happened meanwhile is recorded on what Redis remembers, if nobody else led and Redis has
    /// not lost its memory. Otherwise the cluster tells.
    async fn come_back(&mut self, epoch: u64, asked: Instant) -> Result<(), StoreError> {
        let parts = self.parts;
        let (store, lease) = (&parts.store, parts.config.leader.lease.get());
        let keeper = LeaseKeeper::start(store.clone(), parts.replica.clone(), lease, asked);
        let mend::Remembered { snapshot, was_mended } = mend::remembered(parts, epoch, mend::Reader::Newcomer).await?;
        // Whoever leads says so there before anything else.
        let led_last = snapshot.engine.as_ref().map(|engine| &engine.replica);
        let is_ours = led_last == Some(&parts.replica) && epoch > self.epoch;
        let mut state = snapshot.state;
        let Some(adrift) = &mut self.adrift else { return Ok(()) };
        if is_ours {
            let longest = parts.config.autoscaler.events.event_bus.max_stream_length;
            adrift.outbox.record(store, epoch, &mut state, longest).await?;
        } else {
            adrift.outbox.abandon();
        }
        // Not sooner: what is acknowledged with the doubtful transaction must not be taken for something that was left to be tried again.
        let inbox = Inbox::open(parts, epoch).await?;
        let lost_everything = led_last.is_none();
        let Some(Adrift { since, error, mut outbox, .. }) = self.adrift.take() else { return Ok(()) };
        // Before anything is written: if Redis goes again meanwhile, that is another outbox.
        outbox.close();
        let (kept, dropped) = (outbox.kept(), outbox.dropped());
        tracing::info!(kept, dropped, epoch, "Redis is back");
        if dropped > 0 {
            tracing::warn!(dropped, "events of the outage are not recorded; the state is read off the cluster");
        }
        let known = std::mem::replace(&mut self.state, state);
        self.licence = Licence::new(keeper.held(), self.others.clone());
        (self.epoch, self.inbox, self.lease) = (epoch, inbox, keeper);
        self.heard = if is_ours { outbox.take_heard() } else { HashSet::new() };
        self.unheard = super::Unheard::default();
        if !is_ours || dropped > 0 || was_mended {
            // The state is no longer the one that was held against what was seen: nothing is concluded before the next look.
            self.observation = None;
            self.has_looked = false;
        }
        self.settle_in();

        let (mut draft, elected) = self.elected();
        let degraded = outage::report(&mut draft, error, since, (kept, dropped));
        if lost_everything {
            say_again(&known, degraded, &mut draft);
        }
        self.commit(draft, None).await?;
        self.taking_over = Some(elected);
        if !was_mended {
            self.take_over().await?;
        }
        if self.adrift.is_none()
            && let Err(error) = store.announce(&self.info()).await
        {
            self.cast_off(&error);
        }
        self.lead_pools();
        self.tell();
        Ok(())
    }
}
