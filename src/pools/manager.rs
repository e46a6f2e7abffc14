//! Keeps the pools: leads or follows, looks, decides, acts, writes. What it does on a look is in `look.rs`, what it does to containers
//! in `act.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::balance::Board;
use super::journal::{Journal, Written};
use super::kept::Kept;
use super::look::{Look, look};
use super::mend::set_aside;
use super::orders::Order;
use super::recover::recover;
use super::work::{Hands, Report};
use super::{Licence, PoolError, Role, Setting, Term};
use crate::clock;
use crate::handlers::Because;
use crate::model::event::{PoolsRecovered, PoolsUnverified};
use crate::model::{Change, Event, FunctionName};

/// Where Redis or the manager itself failed, it is tried again after this long.
const RETRY: Duration = Duration::from_secs(1);
/// Somebody may go on writing what is not windlass's: after so many attempts, what can be read must do.
const MENDED: usize = 3;
/// Answers that are remembered for commands that may come again.
const ANSWERS: usize = 100;

/// Keeps the pools.
pub(super) struct Manager {
    pub(super) setting: Setting,
    pub(super) hands: Hands,
    pub(super) journal: Journal,
    pub(super) pools: BTreeMap<FunctionName, Kept>,
    pub(super) work: JoinSet<Report>,
    /// Every name that the last look listed, ended containers included.
    pub(super) listed: BTreeSet<String>,
    /// What is to be reported beside any pool.
    pub(super) news: Vec<Event>,
    /// Since when the runtime does not answer, and the event that says so.
    pub(super) unverified: Option<(DateTime<Utc>, Uuid)>,
    /// Commands that were answered, and their answers' events.
    pub(super) answers: VecDeque<(Uuid, Event)>,
    board: Board,
    roles: watch::Receiver<Role>,
    pub(super) orders: mpsc::Receiver<Order>,
    looking: JoinSet<Look>,
    next_look: Instant,
    pub(super) refreshed: Instant,
    /// When this term began: a command from before it may have been begun by another leader.
    pub(super) since: DateTime<Utc>,
    /// Records that are not windlass's: they are not written over.
    pub(super) unreadable: BTreeSet<FunctionName>,
    /// Pools that the metadata tells of.
    pub(super) told: Option<usize>,
}

/// Why leading ended.
enum Ended {
    /// The role is another one.
    Role,
    /// Another replica leads.
    Fenced,
    /// Nobody is there any more to give orders or roles.
    Abandoned,
}

impl Manager {
    /// One that does nothing yet.
    pub(super) fn new(
        setting: Setting,
        board: Board,
        roles: watch::Receiver<Role>,
        orders: mpsc::Receiver<Order>,
    ) -> Self {
        let journal = Journal::new(setting.store.clone(), setting.metadata.clone(), setting.max_stream_length);
        Self {
            hands: Hands::new(setting.host.clone(), Licence::unlimited()),
            journal,
            setting,
            pools: BTreeMap::new(),
            work: JoinSet::new(),
            listed: BTreeSet::new(),
            news: Vec::new(),
            unverified: None,
            answers: VecDeque::new(),
            board,
            roles,
            orders,
            looking: JoinSet::new(),
            next_look: clock::monotonic(),
            refreshed: clock::monotonic(),
            since: clock::now(),
            unreadable: BTreeSet::new(),
            told: None,
        }
    }

    /// Runs until nobody is there any more. A fault of its own costs what is in memory, which is read again.
    pub(super) async fn run(mut self) {
        loop {
            match AssertUnwindSafe(self.turn()).catch_unwind().await {
                Ok(Ended::Abandoned) => return,
                Ok(Ended::Role | Ended::Fenced) => {}
                Err(_) => {
                    tracing::error!("the keeping of the pools has failed by a fault of its own; it begins anew");
                    self.pools.clear();
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// What the role asks for, until it asks for something else.
    async fn turn(&mut self) -> Ended {
        let role = self.roles.borrow_and_update().clone();
        let ended = match &role {
            Role::Follow => Ended::Role,
            Role::Lead(term) => self.lead(term.clone()).await,
        };
        self.work.shutdown().await;
        self.looking.shutdown().await;
        match (ended, role) {
            (Ended::Abandoned, _) => Ended::Abandoned,
            (Ended::Role, Role::Lead(_)) => Ended::Role,
            (Ended::Role | Ended::Fenced, _) => self.follow().await,
        }
    }

    /// Copies what Redis holds until the role changes.
    async fn follow(&mut self) -> Ended {
        loop {
            if let Some(store) = &self.setting.store {
                match store.read_pools_for_view(clock::now()).await {
                    Ok(pools) => self.board.show(pools),
                    // What was known serves on.
                    Err(error) => tracing::debug!(%error, "the pools cannot be read"),
                }
            }
            tokio::select! {
                // The role first: an order that came after it is not declined.
                biased;
                changed = self.roles.changed() => {
                    return if changed.is_ok() { Ended::Role } else { Ended::Abandoned };
                }
                order = self.orders.recv() => match order {
                    Some(order) => decline(order),
                    None => return Ended::Abandoned,
                },
                () = tokio::time::sleep(self.setting.check_interval) => {}
            }
        }
    }

    async fn lead(&mut self, term: Term) -> Ended {
        if let Err(ended) = self.begin(term).await {
            return ended;
        }
        loop {
            if self.save().await == Written::Fenced {
                return Ended::Fenced;
            }
            self.show();
            let resting = !self.looking.is_empty() || self.pools.is_empty();
            tokio::select! {
                changed = self.roles.changed() => {
                    return if changed.is_ok() { Ended::Role } else { Ended::Abandoned };
                }
                order = self.orders.recv() => match order {
                    Some(order) => self.ordered(order).await,
                    None => return Ended::Abandoned,
                },
                Some(report) = self.work.join_next() => self.reported(report.ok()).await,
                Some(seen) = self.looking.join_next() => {
                    self.next_look = clock::monotonic() + self.setting.check_interval;
                    if let Ok(seen) = seen {
                        self.looked(seen);
                        self.measured().await;
                        if self.decide().await == Written::Fenced {
                            return Ended::Fenced;
                        }
                    }
                }
                () = tokio::time::sleep_until(self.next_look), if !resting => {
                    let running = self.pools.values().flat_map(|kept| &kept.pool.containers);
                    let ids = running.map(|container| container.id.clone()).collect();
                    self.looking.spawn(look(self.setting.host.clone(), ids, clock::now()));
                }
            }
        }
    }

    /// Takes over: what memory holds if nobody else led since, else what Redis remembers, held against the runtime.
    async fn begin(&mut self, Term { epoch, licence }: Term) -> Result<(), Ended> {
        let ours = self.journal.epoch();
        self.hands.licence = licence.clone();
        self.journal.lead(epoch, licence);
        self.next_look = clock::monotonic();
        self.refreshed = clock::monotonic();
        self.since = clock::now();
        let unbroken = match (ours, epoch) {
            (Some(ours), Some(epoch)) => epoch <= ours + 1,
            _ => false,
        };
        if unbroken && !self.pools.is_empty() {
            tracing::info!("the pools are kept on as they are in memory: nobody else led meanwhile");
            self.keep_on();
            return Ok(());
        }
        self.journal.forget();
        (self.unverified, self.told) = (None, None);
        let Some(store) = self.setting.store.clone() else {
            self.configure(clock::now());
            return Ok(());
        };
        let begun = clock::Stopwatch::start();
        let configured = self.setting.configured.clone().unwrap_or_default();
        let mut mended = 0;
        loop {
            let now = clock::now();
            let recovering = recover(&store, self.setting.host.as_ref(), &configured, self.setting.batch_size, now);
            let recovered = tokio::select! {
                changed = self.roles.changed() => {
                    return Err(if changed.is_ok() { Ended::Role } else { Ended::Abandoned });
                }
                recovered = recovering => recovered,
            };
            match recovered {
                Ok(recovered) if !recovered.problems.is_empty() && mended < MENDED => {
                    mended += 1;
                    let longest = self.setting.max_stream_length;
                    if let Err(error) = set_aside(&store, &self.journal, &recovered.problems, longest).await {
                        tracing::error!(%error, "a pool's record could not be set aside");
                    }
                }
                Ok(recovered) => {
                    self.take_over(recovered, begun.elapsed(), clock::now());
                    return Ok(());
                }
                Err(error) => {
                    tracing::warn!(%error, "the pools cannot be read; that is tried again");
                    tokio::select! {
                        changed = self.roles.changed() => {
                            return Err(if changed.is_ok() { Ended::Role } else { Ended::Abandoned });
                        }
                        () = tokio::time::sleep(RETRY) => {}
                    }
                }
            }
        }
    }

    /// Goes on with what is in memory: what was under way is not, and every record is written anew.
    fn keep_on(&mut self) {
        for kept in self.pools.values_mut() {
            kept.dirty = true;
            kept.coming.clear();
            for leaving in kept.leaving.values_mut() {
                leaving.under_way = false;
            }
        }
    }

    fn take_over(&mut self, recovered: super::recover::Recovered, took: Duration, now: DateTime<Utc>) {
        for problem in &recovered.problems {
            tracing::error!(%problem, "a pool's record cannot be read: it is left as it is");
        }
        for stranger in &recovered.unknown {
            tracing::warn!(container = stranger.name, function = %stranger.function, "a container of a pool that is not kept: it is left alone");
        }
        if recovered.pools.is_empty() && self.setting.configured.is_none() && !self.pools.is_empty() {
            tracing::warn!("Redis remembers no pool any more: those in memory are kept on");
            return self.keep_on();
        }
        self.pools.clear();
        let prefix = self.setting.store.as_ref().map(|store| store.keys().pool("")).unwrap_or_default();
        let bad = recovered.problems.iter().filter_map(|problem| problem.key.strip_prefix(&prefix)?.parse().ok());
        self.unreadable = bad.collect();
        let changed: BTreeSet<&str> = recovered.changes.iter().filter_map(about).collect();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (containers, gone, adopted) = (recovered.containers(), recovered.gone.len(), recovered.adopted.len());
        let news = match (&recovered.unverified, recovered.pools.is_empty()) {
            (_, true) => None,
            (Some(error), false) => {
                let data = PoolsUnverified { pools: count(recovered.pools.len()), error: error.said().to_owned() };
                let event = self.journal.event(data, Because::default(), now);
                self.unverified = Some((now, event.event_id));
                Some(event)
            }
            (None, false) => {
                let data = PoolsRecovered {
                    pools: count(recovered.pools.len()),
                    containers: count(containers),
                    gone: count(gone),
                    adopted: count(adopted),
                    duration: took.as_secs_f64(),
                };
                Some(self.journal.event(data, Because::default(), now))
            }
        };
        self.news.extend(news);
        self.told = recovered
            .changes
            .iter()
            .all(|change| !matches!(change, Change::SetPoolMetadata(_)))
            .then_some(recovered.pools.len());
        let dirty: BTreeSet<String> = changed.into_iter().map(str::to_owned).collect();
        let fresh: BTreeSet<FunctionName> = recovered.fresh.into_iter().collect();
        for pool in recovered.pools {
            let function = pool.spec.function.clone();
            let mut kept = Kept::new(pool);
            kept.dirty = dirty.contains(function.as_str());
            kept.note_draining(now);
            if fresh.contains(&function) {
                kept.news.push(self.journal.event(kept.configured(), Because::default(), now));
            }
            self.pools.insert(function, kept);
        }
        if self.setting.configured.is_some() {
            for function in recovered.unconfigured {
                self.retire(&function, now);
            }
        }
    }

    /// Without a store there is nothing to recover: the pools are those that are configured, and their containers are found by a look.
    fn configure(&mut self, now: DateTime<Utc>) {
        for spec in self.setting.configured.clone().unwrap_or_default() {
            self.pools.entry(spec.function.clone()).or_insert_with(|| Kept::empty(spec, now));
        }
    }

    pub(super) fn show(&self) {
        let pools: Vec<_> = self.pools.values().map(|kept| kept.pool.clone()).collect();
        if *self.board.pools() != pools {
            self.board.show(pools);
        }
    }

    /// Remembers an answer, should its command come again.
    pub(super) fn remember(&mut self, command: Uuid, answer: Event) {
        self.answers.push_back((command, answer));
        while self.answers.len() > ANSWERS {
            self.answers.pop_front();
        }
    }
}

/// The function that a change is about.
fn about(change: &Change) -> Option<&str> {
    match change {
        Change::PutPool(record) => Some(&record.function_name),
        _ => None,
    }
}

/// This process does not keep the pools. A command of the stream is heard by the leader.
fn decline(order: Order) {
    const NOT_HERE: &str = "another process keeps the pools of this cluster now: ask it, or wait until this one does";
    match order {
        Order::Command(mut answering) => {
            let refusal = crate::policy::operator::Refusal { reason: "leader", detail: NOT_HERE.to_owned() };
            answering.tell(Err(refusal));
        }
        Order::Ready(reply) => {
            let _ = reply.send(Ok(()));
        }
        Order::Ensure(_, reply) | Order::Remove(_, reply) => {
            let _ = reply.send(Err(PoolError::NotNow(NOT_HERE)));
        }
    }
}
