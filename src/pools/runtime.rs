//! A runtime of function pools for a program of one's own.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::balance::{Board, Endpoint};
use super::member::{Member, campaign, first_role};
use super::orders::{Answering, Order};
use super::{Licence, PoolError, Pools, Role, Running, Term};
use crate::clock;
use crate::model::pool::MonitoringConfig;
use crate::model::{Action, Actor, Command, Direction, FunctionName, Pool, PoolSpec};

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
        if let Some(member) = &self.member {
            member.leave().await;
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
