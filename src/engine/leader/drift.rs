//! What Redis remembers, held against what this leader wrote there: keys are evicted, deleted and edited past windlass.

use std::time::Duration;

use super::Leader;
use crate::clock;
use crate::engine::inbox::Inbox;
use crate::engine::mend::{self, Reader};
use crate::handlers::{Because, Draft};
use crate::model::event::{CooldownStarted, HoldPlaced, StateDrifted};
use crate::model::{Direction, LeaderInfo, State};
use crate::policy::drift::{Drift, drift};
use crate::store::StoreError;
use uuid::Uuid;

/// How often both are compared.
pub(super) const COMPARED: Duration = Duration::from_secs(5);

impl Leader<'_> {
    /// Compares when it is time: what is missing in Redis is written again, what was changed there counts, what cannot be read is set aside.
    /// Between two transactions of its own, a leader's memory is what it wrote.
    pub(super) async fn compare(&mut self) -> Result<(), StoreError> {
        let (parts, at) = (self.parts, self.parts.clock.monotonic());
        if at < self.next_comparison || self.adrift.is_some() || self.taking_over.is_some() {
            return Ok(());
        }
        self.next_comparison = at + COMPARED;
        let mut snapshot = parts.store.snapshot().await?;
        let ours = LeaderInfo { replica: parts.replica.clone(), epoch: self.epoch };
        if snapshot.leader.as_ref() != Some(&ours) {
            // Another one leads, or Redis has lost everything: whoever keeps the lease finds out.
            return Ok(());
        }
        let was_mended = !snapshot.problems.is_empty();
        if was_mended {
            snapshot = mend::remembered(parts, self.epoch, Reader::Writer).await?.snapshot;
            // The streams may be new ones.
            self.inbox = Inbox::open(parts, self.epoch).await?;
        }
        if snapshot.engine.is_none() {
            parts.store.announce(&self.info()).await?;
        }
        let Drift { missing, changed } = drift(&self.state, &snapshot.state);
        if was_mended || !changed.is_empty() {
            // The state is no longer the one that was held against what was seen: nothing is concluded before the next look.
            self.observation = None;
            self.has_looked = false;
            self.next_look = at;
        } else if missing.is_empty() {
            return Ok(());
        }
        let restored: Vec<String> = missing.iter().map(|(key, _)| key.clone()).collect();
        // What followed from what could not be read is reported beside it.
        let accepted: Vec<String> = changed.into_iter().filter(|_| !was_mended).map(str::to_owned).collect();
        let mut draft = Draft::new(&snapshot.state, "engine", parts.config.cluster.metadata(), parts.clock.now());
        for (_, change) in missing {
            draft.note(change);
        }
        if !(restored.is_empty() && accepted.is_empty()) {
            tracing::warn!(?restored, ?accepted, "Redis does not hold what was written there");
            draft.emit(StateDrifted { restored, accepted }, Because::default());
        }
        self.state = snapshot.state;
        self.commit(draft, None).await
    }
}

/// Redis has forgotten everything, and this process has not: what the cluster cannot tell is said again.
pub(super) fn say_again(known: &State, because: Uuid, draft: &mut Draft) {
    let now = draft.now();
    for direction in Direction::BOTH {
        if let Some(hold) = known.hold(direction, now) {
            let data = HoldPlaced { direction, until: hold.until, reason: hold.reason.clone() };
            draft.emit(data, Because::of(because).by(hold.actor.clone()));
        }
        if let Some(until) = known.cooldown(direction, now) {
            let duration = clock::between(now, until).max(Duration::ZERO).as_secs_f64();
            draft.emit(CooldownStarted { direction, until, duration }, Because::of(because));
        }
    }
}
