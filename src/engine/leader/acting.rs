//! What is to be done outside: started when it is due, beside the loop, and recorded when it is done.

use super::{Leader, Retry};
use crate::cluster::ClusterError;
use crate::handlers::Handler as _;
use crate::handlers::node_manager::NodeManager;
use crate::handlers::node_manager::work::{self, Done, Report, Work};
use crate::model::{Change, ConditionKey};
use crate::policy::backoff;
use crate::store::StoreError;

impl Leader<'_> {
    /// Starts what is due and not under way. A dry run starts nothing; neither does a replica that may have lost its lease. Without Redis
    /// nothing is started that takes anything away.
    pub(super) fn start_work(&mut self) {
        let config = &self.parts.config;
        if config.autoscaler.dry_run || !self.may_act() {
            return;
        }
        // It would fail at once, and again when the cluster is back it would only wait.
        if self.state.conditions.contains_key(&ConditionKey::Unreachable) {
            self.failures.clear();
            return;
        }
        let mut due = work::due(&self.state, self.observation.as_ref(), config, self.since);
        self.failures.retain(|failed, _| due.contains(failed));
        if self.adrift.is_some() {
            due.retain(|piece| matches!(piece, Work::Create { .. } | Work::Spare { .. }));
        }
        let now = self.parts.clock.monotonic();
        for piece in due {
            let resting = self.failures.get(&piece).is_some_and(|failed| failed.until > now);
            let same_worker = self.under_way.iter().any(|other| other.name() == piece.name());
            if !resting && !same_worker {
                self.under_way.insert(piece.clone());
                self.begin_work(piece);
            }
        }
    }

    /// The lease is asked after once more right before the work begins: the process may have been stopped in between.
    fn begin_work(&mut self, piece: Work) {
        let (cluster, clock, licence) = (self.parts.cluster.clone(), self.parts.clock.clone(), self.licence.clone());
        self.work.spawn(async move {
            if licence.holds() {
                work::perform(piece, cluster, clock.now()).await
            } else {
                let (cluster, error) = (cluster.host.name(), "the lease ended before the work began".to_owned());
                Report { work: piece, result: Err(ClusterError::Unavailable { cluster, error }) }
            }
        });
    }

    /// Records what came of a piece of work.
    pub(super) async fn reported(&mut self, report: Report) -> Result<(), StoreError> {
        self.under_way.remove(&report.work);
        let mut draft = self.draft(NodeManager.name(), self.parts.clock.now());
        let settled = NodeManager.on_report(&report, &self.world(draft.now()), &mut draft);
        if let (Ok(Done::Removed), Some(seen)) = (&report.result, &mut self.observation)
            && seen.workers.remove(report.work.name()).is_some()
        {
            // A leader that reads this must not find the container either.
            draft.note(Change::RecordObservation(Box::new(seen.clone())));
        }
        self.commit(draft, None).await?;
        let now = self.parts.clock.monotonic();
        if let (false, Err(error)) = (settled, &report.result) {
            let times = self.failures.get(&report.work).map_or(0, |failed| failed.times) + 1;
            let pause = backoff::doubled(super::FIRST_RETRY, super::LONGEST_RETRY, times);
            tracing::warn!(%error, worker = %report.work.name(), "it is tried again in {pause:?}");
            self.failures.insert(report.work, Retry { times, until: now + pause });
        } else {
            self.failures.remove(&report.work);
            self.next_look = now;
        }
        Ok(())
    }
}
