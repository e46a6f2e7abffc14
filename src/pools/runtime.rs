//! A runtime of function pools for a program of one's own.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::balance::{Board, Endpoint};
use super::orders::{Answering, Order};
use super::{Licence, PoolError, Pools, Role, Running, Term};
use crate::clock;
use crate::model::pool::MonitoringConfig;
use crate::model::{Action, Actor, Command, Direction, FunctionName, Pool, PoolSpec, ReplicaId};
use crate::store::Store;

/// A runtime among those that share a cluster's pools.
pub(super) struct Member {
    /// What they share.
    pub store: Store,
    /// This one.
    pub replica: ReplicaId,
    /// How long the one that acts may be silent.
    pub lease: Duration,
    /// Until when this one certainly acts; `None`: it never did.
    pub held: watch::Sender<Option<Instant>>,
}

impl Member {
    /// The lease was asked for, and given or extended.
    fn hold(&self, asked: Instant) {
        self.held.send_replace(Some(asked + self.lease));
    }

    /// This one acts under a new epoch. Nobody knows how many others there are: it stops when the lease runs out.
    fn leads(&self, epoch: u64, asked: Instant) -> Role {
        self.hold(asked);
        let held = self.held.subscribe();
        let licence = Licence::asking(move || held.borrow().is_some_and(|until| clock::monotonic() < until));
        Role::Lead(Term { epoch: Some(epoch), licence })
    }
}

/// What a pool is unless somebody says otherwise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Defaults {
    pub min: u32,
    pub max: u32,
    pub monitoring: MonitoringConfig,
}

/// Keeps pools of containers, one for each function: scales them by their load, tells whom to call, and finds them again after a
/// restart. Made by [`AutoscalingRuntimeBuilder`](super::AutoscalingRuntimeBuilder).
///
/// Of several runtimes of one cluster, one acts; [`healthiest`](Self::healthiest) and [`pools`](Self::pools) answer in all of them.
/// When it is dropped or [shut down](Self::shutdown), the containers go on running.
pub struct AutoscalingRuntime {
    pools: Pools,
    board: Board,
    member: Option<Arc<Member>>,
    defaults: Defaults,
    running: Option<Running>,
    campaign: Option<Campaign>,
}

/// Ends when it is dropped.
struct Campaign(JoinHandle<()>);

impl Drop for Campaign {
    fn drop(&mut self) {
        self.0.abort();
    }
}

const NOT_STARTED: &str = "the runtime does not run: call start first";

impl AutoscalingRuntime {
    pub(super) fn new(pools: Pools, member: Option<Member>, defaults: Defaults) -> Self {
        let board = pools.board();
        Self { pools, board, member: member.map(Arc::new), defaults, running: None, campaign: None }
    }

    /// Starts: the pools that are remembered are found again, and kept from now on. Where another runtime of the cluster acts, this
    /// one follows it; one that was killed is waited for, a few seconds. A second call does nothing.
    ///
    /// # Errors
    /// Redis cannot be used.
    pub async fn start(&mut self) -> Result<(), PoolError> {
        if self.running.is_some() {
            return Ok(());
        }
        let role = match &self.member {
            None => Role::Lead(Term { epoch: None, licence: Licence::unlimited() }),
            Some(member) => first_role(member).await?,
        };
        self.running = self.pools.start();
        self.pools.take_role(role.clone());
        if let Some(member) = &self.member {
            let (member, roles) = (Arc::clone(member), self.pools.roles());
            let campaign = async move { campaign(&member, role, roles).await };
            self.campaign = Some(Campaign(tokio::spawn(campaign)));
        }
        self.ask(Order::Ready).await
    }

    /// Keeps a pool for a function, with the builder's limits and thresholds. One that is kept already takes on image and port.
    ///
    /// # Errors
    /// A name that is none, or another runtime acts.
    pub async fn ensure_pool(&self, function: &str, image: &str, port: u16) -> Result<(), PoolError> {
        let Defaults { min, max, monitoring } = self.defaults;
        let function: FunctionName = function.parse()?;
        self.ensure(PoolSpec { function, image: image.to_owned(), port, min, max, monitoring }).await
    }

    /// Keeps a pool with limits and thresholds of its own.
    ///
    /// # Errors
    /// Limits that cannot be meant, or another runtime acts.
    pub async fn ensure(&self, spec: PoolSpec) -> Result<(), PoolError> {
        let refuse = |setting, found: String, allowed| Err(PoolError::Setting { setting, found, allowed });
        if spec.max == 0 || spec.min > spec.max {
            let found = format!("{} to {}", spec.min, spec.max);
            return refuse("containers", found, "a minimum up to the maximum, and a maximum of at least 1");
        }
        if spec.image.is_empty() || spec.image.contains(char::is_whitespace) {
            return refuse("image", format!("{:?}", spec.image), "the name of an image, without spaces");
        }
        if spec.port == 0 {
            return refuse("port", "0".to_owned(), "1 to 65535");
        }
        self.ask(|reply| Order::Ensure(Box::new(spec), reply)).await
    }

    /// Keeps a pool no longer: its containers get no more calls and go.
    ///
    /// # Errors
    /// There is no such pool, or another runtime acts.
    pub async fn remove_pool(&self, function: &str) -> Result<(), PoolError> {
        let function: FunctionName = function.parse()?;
        self.ask(|reply| Order::Remove(function, reply)).await
    }

    /// Adds or removes containers within the pool's limits; their names, once that is done. Idle ones go first, then the least loaded.
    ///
    /// # Errors
    /// The rules refuse, the container runtime does, or another runtime acts.
    pub async fn scale(&self, function: &str, direction: Direction, count: u32) -> Result<Vec<String>, PoolError> {
        self.command(Action::PoolScale { function: function.parse()?, direction, count }).await
    }

    /// Gives a container (named by its name, or by the beginning of its id) no more calls; it goes when it idles.
    ///
    /// # Errors
    /// There is no such container, or another runtime acts.
    pub async fn drain(&self, function: &str, container: &str) -> Result<(), PoolError> {
        let action = Action::PoolDrain { function: function.parse()?, container: container.to_owned() };
        self.command(action).await.map(|_| ())
    }

    /// Makes the first container of a pool that has none; whom to call then. Of a pool that has some, whom to call now.
    ///
    /// # Errors
    /// The container cannot be made, or another runtime acts.
    pub async fn wake(&self, function: &str) -> Result<Option<Arc<Endpoint>>, PoolError> {
        match self.command(Action::PoolWake { function: function.parse()? }).await {
            // It is only shown after it is told.
            Ok(_) => self.ask(Order::Ready).await?,
            Err(PoolError::Refused { reason: "awake", .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(self.healthiest(function))
    }

    /// Whom to call: the least loaded that is healthy, else one that idles, else, as a last resort, one that is overloaded. From memory;
    /// it never waits. `None`: there is no such pool, or it has nobody to call ([`wake`](Self::wake) it).
    #[must_use]
    pub fn healthiest(&self, function: &str) -> Option<Arc<Endpoint>> {
        self.board.healthiest(function)
    }

    /// The pools as they were last seen, by name.
    #[must_use]
    pub fn pools(&self) -> Arc<Vec<Pool>> {
        self.board.pools()
    }

    /// Ends: another runtime of the cluster takes over at once. The containers go on running, and are found again at the next start.
    pub async fn shutdown(mut self) {
        self.campaign = None;
        self.running = None;
        if let Some(member) = &self.member
            && let Err(error) = member.store.release_lease(&member.replica).await
        {
            tracing::warn!(%error, "the lease could not be released; it ends by itself");
        }
    }

    async fn command(&self, action: Action) -> Result<Vec<String>, PoolError> {
        let now = clock::now();
        let command = Command {
            command_id: clock::fresh_id(now),
            issued_at: now,
            actor: Actor::Engine,
            reason: "the program that embeds the runtime".to_owned(),
            action,
        };
        let (reply, answer) = oneshot::channel();
        let answering = Answering { command, acknowledgement: None, reply: Some(reply) };
        self.give(Order::Command(Box::new(answering))).await?;
        Ok(answer.await.map_err(|_| PoolError::NotNow(CUT_OFF))??)
    }

    async fn ask(&self, order: impl FnOnce(oneshot::Sender<Result<(), PoolError>>) -> Order) -> Result<(), PoolError> {
        let (reply, answer) = oneshot::channel();
        self.give(order(reply)).await?;
        answer.await.map_err(|_| PoolError::NotNow(CUT_OFF))?
    }

    async fn give(&self, order: Order) -> Result<(), PoolError> {
        if self.running.is_none() {
            return Err(PoolError::NotNow(NOT_STARTED));
        }
        self.pools.orders().send(order).await.map_err(|_| PoolError::NotNow(CUT_OFF))
    }
}

const CUT_OFF: &str = "another process took the pools over meanwhile: whether it was done shows in the pools";

/// The lease, or nobody's answer for longer than a killed runtime keeps it.
async fn first_role(member: &Member) -> Result<Role, PoolError> {
    let begun = clock::Stopwatch::start();
    loop {
        let asked = clock::monotonic();
        if let Some(epoch) = member.store.acquire_lease(&member.replica, member.lease).await? {
            return Ok(member.leads(epoch, asked));
        }
        let leader = member.store.leader().await?;
        if leader.is_some() && begun.elapsed() > member.lease + member.lease / 3 {
            return Ok(Role::Follow);
        }
        tokio::time::sleep(member.lease / 10).await;
    }
}

/// Keeps the lease while it is held, and tries to get it while it is not. While Redis does not answer, the role stays; when the lease
/// has run out, nothing is done any more until Redis tells who acts.
async fn campaign(member: &Member, mut role: Role, tell: impl Fn(Role)) {
    loop {
        tokio::time::sleep(member.lease / 3).await;
        let asked = clock::monotonic();
        let held = match role {
            Role::Lead(_) => member.store.renew_lease(&member.replica, member.lease).await,
            Role::Follow => Ok(false),
        };
        match held {
            Ok(true) => {
                member.hold(asked);
                continue;
            }
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "the lease could not be renewed");
                continue;
            }
        }
        let asked = clock::monotonic();
        let next = match member.store.acquire_lease(&member.replica, member.lease).await {
            Ok(Some(epoch)) => member.leads(epoch, asked),
            Ok(None) => Role::Follow,
            Err(error) => {
                tracing::warn!(%error, "the lease could not be taken");
                continue;
            }
        };
        if next != role {
            role = next;
            tell(role.clone());
        }
    }
}
