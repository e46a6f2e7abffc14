//! What the leading replica does: hear, look, decide, act, until the lease or the store is gone.

mod commands;
mod delivery;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::delivery::unwinding;
use super::Parts;
use super::inbox::Inbox;
use super::lease::LeaseKeeper;
use super::look::look;
use super::mend;
use super::outage::Outage;
use crate::bus::webhooks::{self, Webhooks};
use crate::clock;
use crate::cluster::ClusterError;
use crate::handlers::node_manager::NodeManager;
use crate::handlers::node_manager::work::{self, Report, Work};
use crate::handlers::{Because, Draft, Handler, World, alert_manager};
use crate::model::event::{LeaderElected, StoreDegraded, StoreRestored};
use crate::model::{ConditionKey, ContainerId, EngineInfo, Metadata, Observation, State, WorkerName};
use crate::policy::backoff;
use crate::store::{Acknowledgement, DeadLetter, Settled, StoreError, Transaction};

/// While a worker is awaited or a comparison is asked for, the cluster is looked at this often.
const FAST_LOOK: Duration = Duration::from_millis(500);
/// After the cluster's own events a look waits this long, so that what happens together is seen together.
const SETTLE: Duration = Duration::from_millis(150);
/// Where the cluster's events cannot be followed, it is tried again after this long.
const DEAF: Duration = Duration::from_secs(2);
/// Work that failed in passing is tried again after this long, doubling.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(30);
/// So many commands are heard at a time, with what follows from each: whoever gives more of them than can be dealt with must not keep
/// the engine from looking, acting, and stopping.
const BREATH: usize = 32;
/// Time passes for the handlers at least this often.
const TICK: Duration = Duration::from_secs(1);

/// Why leading ended.
pub(super) enum End {
    /// It was told to stop.
    Stopped,
    /// The lease is somebody else's, or nobody's.
    LostLease,
}

/// The leading replica.
pub(super) struct Leader<'a> {
    parts: &'a Parts,
    epoch: u64,
    since: DateTime<Utc>,
    state: State,
    observation: Option<Observation>,
    inbox: Inbox,
    lease: LeaseKeeper,
    work: JoinSet<Report>,
    under_way: HashSet<Work>,
    failures: HashMap<Work, (u32, Instant)>,
    looking: JoinSet<Result<Observation, ClusterError>>,
    has_looked: bool,
    next_look: Instant,
    deaf_until: Instant,
    workers_changed: DateTime<Utc>,
    /// Delivers for as long as this replica leads.
    _webhooks: Webhooks,
}

impl<'a> Leader<'a> {
    /// Reads what is remembered, takes over what was left, and says who leads.
    pub(super) async fn begin(parts: &'a Parts, epoch: u64) -> Result<Self, StoreError> {
        let lease = LeaseKeeper::start(parts.store.clone(), parts.replica.clone(), parts.config.leader.lease.get());
        let state = mend::remembered(parts, epoch).await?;
        let inbox = Inbox::open(&parts.store, &parts.replica, &parts.handlers, epoch).await?;
        let since = clock::now();
        let mut leader = Self {
            parts,
            epoch,
            since,
            state,
            observation: None,
            inbox,
            lease,
            work: JoinSet::new(),
            under_way: HashSet::new(),
            failures: HashMap::new(),
            looking: JoinSet::new(),
            has_looked: false,
            next_look: clock::monotonic(),
            deaf_until: clock::monotonic(),
            workers_changed: since,
            _webhooks: webhooks::start(
                &parts.config,
                &parts.store,
                &parts.replica,
                epoch,
                alert_manager::route(&parts.config),
            ),
        };
        parts.store.announce(&leader.info()).await?;
        let mut draft = leader.draft("engine", since);
        let elected = draft.emit(LeaderElected { replica: parts.replica.to_string(), epoch }, Because::default());
        leader.commit(draft, None).await?;
        leader.take_over(elected).await?;
        Ok(leader)
    }

    /// Says what becomes of the operations that are found, where anybody carries operations out here.
    async fn take_over(&mut self, elected: Uuid) -> Result<(), StoreError> {
        if !self.parts.handlers.iter().any(|handler| handler.name() == NodeManager.name()) {
            return Ok(());
        }
        let mut draft = self.draft(NodeManager.name(), self.since);
        NodeManager.take_over(elected, &self.world(draft.now()), &mut draft);
        self.commit(draft, None).await
    }

    /// Reports the outage that is over now.
    pub(super) async fn report_outage(&mut self, outage: &mut Outage) -> Result<(), StoreError> {
        if let Some((since, error)) = outage.known().cloned() {
            let mut draft = self.draft("engine", clock::now());
            let degraded = draft.emit(StoreDegraded { error, since }, Because::default());
            let duration = clock::between(since, draft.now()).as_secs_f64();
            draft.emit(StoreRestored { duration, events_kept: 0, events_dropped: 0 }, Because::of(degraded));
            self.commit(draft, None).await?;
        }
        outage.over();
        Ok(())
    }

    /// Leads.
    pub(super) async fn lead(&mut self, stop: &CancellationToken) -> Result<End, StoreError> {
        loop {
            self.hear().await?;
            self.pass_time().await?;
            let more = self.hear().await?;
            self.start_work();
            self.start_look();
            let pause = self.next_moment();
            tokio::select! {
                () = stop.cancelled() => return Ok(End::Stopped),
                () = self.lease.lost() => return Ok(End::LostLease),
                () = self.inbox.rung() => {}
                () = std::future::ready(()), if more => {}
                Some(report) = self.work.join_next() => if let Ok(report) = report { self.reported(report).await? },
                Some(seen) = self.looking.join_next() => if let Ok(seen) = seen { self.looked(seen).await? },
                changed = self.parts.cluster.host.changed(), if self.deaf_until <= clock::monotonic() => {
                    self.disturbed(changed);
                }
                () = tokio::time::sleep_until(pause) => {}
            }
        }
    }

    /// Deals with commands and events until there are none left, or for one breath; whether there may be more.
    async fn hear(&mut self) -> Result<bool, StoreError> {
        for _ in 0..BREATH {
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

    /// Time passes: cooldowns and holds end, the minimum is checked.
    async fn pass_time(&mut self) -> Result<(), StoreError> {
        let now = clock::now();
        self.ask_all(now, None, |handler, world, draft| handler.on_time(world, draft)).await
    }

    /// Every handler in turn, each in a transaction of its own.
    async fn ask_all(
        &mut self,
        now: DateTime<Utc>,
        previous: Option<&Observation>,
        ask: impl Fn(&dyn Handler, &World<'_>, &mut Draft),
    ) -> Result<(), StoreError> {
        for index in 0..self.inbox.subscriptions.len() {
            let handler = &self.inbox.subscriptions[index].handler;
            let mut draft = self.draft(handler.name(), now);
            let world = World { previous, ..self.world(now) };
            // A handler that panics here has nothing to say this time; the others have.
            match unwinding(|| ask(handler.as_ref(), &world, &mut draft)) {
                Ok(()) => self.commit(draft, None).await?,
                Err(error) => tracing::error!(handler = handler.name(), %error, "a handler failed on a look"),
            }
        }
        Ok(())
    }

    /// Starts what is due and not under way. A dry run starts nothing; neither does a replica that may have lost its lease.
    fn start_work(&mut self) {
        let config = &self.parts.config;
        if config.autoscaler.dry_run || !self.lease.is_held() {
            return;
        }
        let due = work::due(&self.state, self.observation.as_ref(), config, self.since);
        self.failures.retain(|failed, _| due.contains(failed));
        let now = clock::monotonic();
        for piece in due {
            let resting = self.failures.get(&piece).is_some_and(|(_, until)| *until > now);
            let same_worker = self.under_way.iter().any(|other| other.name() == piece.name());
            if !resting && !same_worker {
                self.under_way.insert(piece.clone());
                self.work.spawn(work::perform(piece, self.parts.cluster.clone()));
            }
        }
    }

    async fn reported(&mut self, report: Report) -> Result<(), StoreError> {
        self.under_way.remove(&report.work);
        let mut draft = self.draft(NodeManager.name(), clock::now());
        let settled = NodeManager.on_report(&report, &self.world(draft.now()), &mut draft);
        self.commit(draft, None).await?;
        if let (Ok(work::Done::Removed), Some(seen)) = (&report.result, &mut self.observation) {
            seen.workers.remove(report.work.name());
        }
        let now = clock::monotonic();
        if let (false, Err(error)) = (settled, &report.result) {
            let failures = self.failures.get(&report.work).map_or(0, |(failures, _)| *failures) + 1;
            let pause = backoff::doubled(FIRST_RETRY, LONGEST_RETRY, failures);
            tracing::warn!(%error, worker = %report.work.name(), "it is tried again in {pause:?}");
            self.failures.insert(report.work, (failures, now + pause));
        } else {
            self.failures.remove(&report.work);
            self.next_look = now;
        }
        Ok(())
    }

    fn start_look(&mut self) {
        let now = clock::monotonic();
        if self.looking.is_empty() && now >= self.next_look {
            self.looking.spawn(look(self.parts.cluster.clone(), clock::now()));
        }
    }

    async fn looked(&mut self, seen: Result<Observation, ClusterError>) -> Result<(), StoreError> {
        // What has ended by now must not block what is decided now.
        self.pass_time().await?;
        let now = clock::now();
        self.has_looked = true;
        match seen {
            // It began before the last change of ours: it may show what is gone and miss what has come.
            Ok(seen) if seen.at <= self.workers_changed => {
                self.next_look = clock::monotonic();
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
        let interval = self.parts.config.autoscaler.check_interval.get();
        let news = work::awaits_look(&self.state) || self.sync_is_awaited();
        let pause = if news { FAST_LOOK.min(interval) } else { interval };
        self.next_look = clock::monotonic() + pause;
        Ok(())
    }

    fn sync_is_awaited(&self) -> bool {
        let known = self.state.conditions.get(&ConditionKey::Synced);
        self.state.operations.is_empty() && known.is_some_and(|known| known.event.is_none())
    }

    /// Something happened to a container: look soon. Where the runtime's events cannot be followed, the regular look remains.
    fn disturbed(&mut self, changed: Result<(), ClusterError>) {
        match changed {
            Ok(()) => self.next_look = self.next_look.min(clock::monotonic() + SETTLE),
            Err(error) => {
                tracing::debug!(%error, "the cluster's events cannot be followed");
                self.deaf_until = clock::monotonic() + DEAF;
            }
        }
    }

    fn next_moment(&self) -> Instant {
        let now = clock::monotonic();
        let mut next = now + TICK;
        if self.looking.is_empty() {
            next = next.min(self.next_look);
        }
        let retries = self.failures.values().map(|(_, until)| *until).filter(|until| *until > now);
        retries.chain(self.inbox.next_retry()).fold(next, Instant::min)
    }

    fn world(&self, now: DateTime<Utc>) -> World<'_> {
        World { config: &self.parts.config, observation: self.observation.as_ref(), previous: None, now }
    }

    fn draft(&self, source: &'static str, now: DateTime<Utc>) -> Draft {
        let cluster = &self.parts.config.cluster;
        let metadata = Metadata { cluster_id: cluster.id.clone(), region: cluster.region.clone() };
        Draft::new(&self.state, source, metadata, now)
    }

    async fn commit(&mut self, draft: Draft, acknowledgement: Option<Acknowledgement>) -> Result<(), StoreError> {
        self.write(draft, acknowledgement, Vec::new(), Vec::new()).await
    }

    /// Writes a draft with the acknowledgement of what caused it; only then does the state in memory follow. An attempt whose outcome
    /// is unknown is repeated once under the same id.
    async fn write(
        &mut self,
        draft: Draft,
        acknowledgement: Option<Acknowledgement>,
        dead_letters: Vec<DeadLetter>,
        settled: Vec<Settled>,
    ) -> Result<(), StoreError> {
        if draft.is_empty() && acknowledgement.is_none() {
            return Ok(());
        }
        let id = clock::fresh_id(draft.now());
        let (state, changes, events) = draft.into_parts();
        let acknowledgements = acknowledgement.into_iter().collect();
        let transaction =
            Transaction { id, epoch: self.epoch, changes, events, acknowledgements, dead_letters, settled };
        let longest = self.parts.config.autoscaler.events.event_bus.max_stream_length;
        let committed = match self.parts.store.commit(&transaction, longest).await {
            Err(StoreError::Unavailable(error)) => {
                tracing::warn!(error, "a transaction's outcome is unknown; it is repeated");
                self.parts.store.commit(&transaction, longest).await?
            }
            Err(StoreError::Foreign { key, error }) => {
                return Err(mend::met(self.parts, self.epoch, key, error).await);
            }
            other => other?,
        };
        if committed != crate::store::Committed::Handled {
            if !same_workers(&self.state, &state) {
                self.workers_changed = clock::now();
            }
            self.state = state;
        }
        Ok(())
    }

    fn info(&self) -> EngineInfo {
        let config = &self.parts.config;
        EngineInfo {
            replica: self.parts.replica.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            cluster: config.cluster.kind.name().to_owned(),
            dry_run: config.autoscaler.dry_run,
            limits: config.autoscaler.limits,
            thresholds: config.autoscaler.thresholds,
            check_interval: config.autoscaler.check_interval.as_secs_f64(),
            cooldown_up: config.autoscaler.cooldowns.scale_up.as_secs_f64(),
            cooldown_down: config.autoscaler.cooldowns.scale_down.as_secs_f64(),
            max_hold: config.autoscaler.holds.max_duration.as_secs_f64(),
            leading_since: self.since,
        }
    }
}

/// Whether two states have the same containers under the same names and the same operations.
fn same_workers(one: &State, other: &State) -> bool {
    fn containers(state: &State) -> impl Iterator<Item = (&WorkerName, &ContainerId)> {
        state.workers.values().map(|worker| (&worker.name, &worker.container_id))
    }
    one.operations.keys().eq(other.operations.keys()) && containers(one).eq(containers(other))
}
