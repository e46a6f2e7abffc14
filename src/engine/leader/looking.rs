//! Looking at the cluster, and what follows from what is seen.

use super::Leader;
use crate::cluster::ClusterError;
use crate::engine::look::look;
use crate::handlers::node_manager::work;
use crate::model::{ConditionKey, Observation};
use crate::store::StoreError;

impl Leader<'_> {
    /// Begins a look when one is due.
    pub(super) fn start_look(&mut self) {
        let clock = &self.parts.clock;
        if self.looking.is_empty() && clock.monotonic() >= self.next_look {
            self.looking.spawn(look(self.parts.cluster.clone(), clock.now()));
        }
    }

    /// Asks every handler about what was seen.
    pub(super) async fn looked(&mut self, seen: Result<Observation, ClusterError>) -> Result<(), StoreError> {
        if self.adrift.is_some() && !self.may_act() {
            return Ok(());
        }
        // What has ended by now must not block what is decided now.
        self.pass_time().await?;
        let clock = &self.parts.clock;
        let now = clock.now();
        match seen {
            // It began before the last change of ours: it may show what is gone and miss what has come.
            Ok(seen) if seen.at <= self.workers_changed => {
                self.next_look = clock.monotonic();
                return Ok(());
            }
            Ok(seen) => {
                let previous = self.observation.replace(seen.clone());
                self.ask_all(now, previous.as_ref(), |handler, world, draft| {
                    handler.on_observation(&seen, world, draft);
                })
                .await?;
            }
            Err(error) => {
                tracing::warn!(%error, "the cluster could not be looked at");
                self.ask_all(now, None, |handler, world, draft| handler.on_outage(error.said(), world, draft)).await?;
            }
        }
        self.has_looked = true;
        self.take_over().await?;
        let interval = self.parts.config.autoscaler.check_interval.get();
        let news = work::awaits_look(&self.state) || self.sync_is_awaited();
        let pause = if news { super::FAST_LOOK.min(interval) } else { interval };
        self.next_look = clock.monotonic() + pause;
        Ok(())
    }

    fn sync_is_awaited(&self) -> bool {
        let known = self.state.conditions.get(&ConditionKey::Synced);
        self.state.operations.is_empty() && known.is_some_and(|known| known.event.is_none())
    }
}
