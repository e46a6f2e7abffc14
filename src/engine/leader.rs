//! What the leading replica does: hear, look, decide, act, until the lease is gone.

mod acting;
mod adrift;
mod commands;
mod delivery;
mod drift;
mod heir;
mod live;
mod looking;
mod memory;
mod stepped;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use self::adrift::Adrift;
use self::delivery::unwinding;
use self::heir::Inheritance;
use super::inbox::Inbox;
use super::lease::LeaseKeeper;
use super::licence::Licence;
use super::mend;
use super::outage::{self, Outage};
use super::peers::Others;
use super::unheard::Unheard;
use super::{Parts, Standing};
use crate::bus::webhooks::{self, Webhooks};
use crate::clock;
use crate::cluster::ClusterError;
use crate::handlers::node_manager::NodeManager;
use crate::handlers::node_manager::work::{Report, Work};
use crate::handlers::{Because, Draft, Handler, World, alert_manager};
use crate::model::event::LeaderElected;
use crate::model::{EngineInfo, Observation, State};
use crate::policy::conditions;
use crate::pools::Pools;
use crate::store::StoreError;

pub use stepped::Stepped;

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

/// Work that failed in passing.
struct Retry {
    times: u32,
    until: Instant,
}

/// The leading replica.
pub(super) struct Leader<'a> {
    parts: &'a Parts,
    /// The function pools of this process; `None`: it is stepped by hand, and they are not.
    pools: Option<&'a Pools>,
    standing: watch::Sender<Standing>,
    others: Others,
    licence: Licence,
    epoch: u64,
    since: DateTime<Utc>,
    state: State,
    observation: Option<Observation>,
    inbox: Inbox,
    /// Written by this leader, and not dealt with by a handler yet.
    unheard: Unheard,
    /// Dealt with while there was no Redis to say so.
    heard: HashSet<(usize, Uuid)>,
    lease: LeaseKeeper,
    work: JoinSet<Report>,
    under_way: HashSet<Work>,
    failures: HashMap<Work, Retry>,
    looking: JoinSet<Result<Observation, ClusterError>>,
    has_looked: bool,
    /// The event of this leader's election, while what it found is not taken over yet: something remembered was set aside, and the state is
    /// not to be built upon before the cluster was looked at.
    taking_over: Option<Uuid>,
    next_look: Instant,
    /// When what Redis holds is held against memory again.
    next_comparison: Instant,
    deaf_until: Instant,
    workers_changed: DateTime<Utc>,
    /// Set while Redis cannot be used.
    adrift: Option<Adrift>,
    /// The outage before this term was reported with what another process left of it.
    outage_told: bool,
    /// Delivers for as long as this replica leads.
    webhooks: Option<Webhooks>,
}

impl<'a> Leader<'a> {
    /// Reads what is remembered, takes over what was left, and says who leads. The lease was asked for at `asked`. `known` is what this
    /// process knew when it led last, if nobody else is known to have led since: it is said again where Redis has forgotten everything.
    pub(super) async fn begin(
        parts: &'a Parts,
        pools: Option<&'a Pools>,
        standing: watch::Sender<Standing>,
        others: Others,
        (epoch, asked): (u64, Instant),
        known: Option<&State>,
    ) -> Result<Self, StoreError> {
        let lease = parts.config.leader.lease.get();
        let lease = LeaseKeeper::start(parts.store.clone(), parts.replica.clone(), lease, asked);
        let mend::Remembered { mut snapshot, was_mended } =
            mend::remembered(parts, epoch, mend::Reader::Newcomer).await?;
        let mut inherited = Inheritance::take(parts, epoch, &mut snapshot).await?;
        let inbox = Inbox::open(parts, epoch).await?;
        let now = parts.clock.now();
        let lost_everything = snapshot.engine.is_none();
        // What was seen just now is as good as if this process had seen it.
        let longest = conditions::longest_break(&parts.config.autoscaler);
        let is_recent = |seen: &Observation| seen.at <= now && now - seen.at <= longest;
        let observation = snapshot.observation.filter(|seen| is_recent(seen) && !was_mended && inherited.is_none());
        let mut leader = Self {
            parts,
            pools,
            standing,
            licence: Licence::new(lease.held(), others.clone()),
            others,
            epoch,
            since: now,
            state: snapshot.state,
            has_looked: observation.is_some(),
            observation,
            inbox,
            unheard: Unheard::default(),
            heard: inherited.as_mut().map(Inheritance::take_heard).unwrap_or_default(),
            lease,
            work: JoinSet::new(),
            under_way: HashSet::new(),
            failures: HashMap::new(),
            looking: JoinSet::new(),
            taking_over: None,
            next_look: parts.clock.monotonic(),
            next_comparison: parts.clock.monotonic() + drift::COMPARED,
            deaf_until: clock::monotonic(),
            workers_changed: now,
            adrift: None,
            outage_told: inherited.is_some(),
            webhooks: None,
        };
        leader.settle_in();
        parts.store.announce(&leader.info()).await?;
        let (mut draft, elected) = leader.elected();
        if let Some(inherited) = &inherited {
            inherited.report(&mut draft);
        }
        if let Some(known) = known.filter(|_| lost_everything) {
            drift::say_again(known, elected, &mut draft);
        }
        leader.commit(draft, None).await?;
        if let Some(inherited) = inherited {
            inherited.settle();
        }
        leader.taking_over = Some(elected);
        if !was_mended {
            leader.take_over().await?;
        }
        leader.lead_pools();
        leader.tell();
        Ok(leader)
    }

    /// Says what becomes of the operations that are found, where anybody carries operations out here.
    async fn take_over(&mut self) -> Result<(), StoreError> {
        let Some(elected) = self.taking_over.take() else { return Ok(()) };
        if !self.parts.handlers.iter().any(|handler| handler.name() == NodeManager.name()) {
            return Ok(());
        }
        let mut draft = self.draft(NodeManager.name(), self.since);
        NodeManager.take_over(elected, &self.world(draft.now()), &mut draft);
        self.commit(draft, None).await
    }

    /// What this leader knows, for its next term.
    pub(super) fn into_state(self) -> State {
        self.state
    }

    /// What a new term of leading begins with.
    fn settle_in(&mut self) {
        let parts = self.parts;
        let now = parts.clock.now();
        (self.since, self.workers_changed) = (now, now);
        self.next_look = parts.clock.monotonic();
        let route = alert_manager::route(&parts.config);
        self.webhooks = Some(webhooks::start(&parts.config, &parts.store, &parts.replica, self.epoch, route));
    }

    /// The pools are kept under this term's epoch from now on.
    fn lead_pools(&self) {
        if let Some(pools) = self.pools {
            pools.lead(self.epoch, self.licence.for_pools());
        }
    }

    /// Says who leads, in an event.
    fn elected(&self) -> (Draft, Uuid) {
        let mut draft = self.draft("engine", self.parts.clock.now());
        let replica = self.parts.replica.to_string();
        let elected = draft.emit(LeaderElected { replica, epoch: self.epoch }, Because::default());
        (draft, elected)
    }

    /// Reports an outage in which this replica did not lead.
    pub(super) async fn report_outage(&mut self, outage: &mut Outage) -> Result<(), StoreError> {
        if let Some((since, error)) = outage.known().cloned().filter(|_| !self.outage_told) {
            let mut draft = self.draft("engine", self.parts.clock.now());
            outage::report(&mut draft, error, since, (0, 0));
            self.commit(draft, None).await?;
        }
        outage.over();
        Ok(())
    }

    /// Time passes: cooldowns and holds end, the minimum is checked.
    async fn pass_time(&mut self) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        self.ask_all(now, None, |handler, world, draft| handler.on_time(world, draft)).await
    }

    /// Every handler in turn, each in a transaction of its own.
    async fn ask_all(
        &mut self,
        now: DateTime<Utc>,
        previous: Option<&Observation>,
        ask: impl Fn(&dyn Handler, &World<'_>, &mut Draft),
    ) -> Result<(), StoreError> {
        for handler in &self.parts.handlers {
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

    fn world(&self, now: DateTime<Utc>) -> World<'_> {
        World {
            config: &self.parts.config,
            observation: self.observation.as_ref(),
            previous: None,
            remembered: self.adrift.is_none(),
            now,
        }
    }

    fn draft(&self, source: &'static str, now: DateTime<Utc>) -> Draft {
        Draft::new(&self.state, source, self.parts.config.cluster.metadata(), now)
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
