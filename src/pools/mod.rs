//! Function pools (seed 001): scaled by their own load, balanced from memory, found again after a restart.
//!
//! One [`Pools`] runs in every process. The one whose process leads acts: it looks at the containers, lets `policy::pools` decide,
//! does the work, and writes each pool's record with the events in one fenced transaction. The others copy what Redis holds, so that
//! [`Board::healthiest`] answers everywhere.
//!
//! A container is taken away in this order: it is recorded as draining by whoever may still write, gets no more calls, is removed, and
//! is recorded as gone. One that is made and could not be recorded is found by its labels and adopted.

mod act;
mod again;
mod balance;
mod builder;
mod command;
mod error;
mod journal;
mod kept;
mod licence;
mod look;
mod manager;
mod member;
mod mend;
mod orders;
pub mod recover;
mod runtime;
mod save;
mod work;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub use balance::{BAND, Board, Endpoint};
pub use builder::AutoscalingRuntimeBuilder;
pub use error::PoolError;
pub(crate) use licence::Licence;
pub use runtime::AutoscalingRuntime;

use crate::cluster::Cluster;
use crate::cluster::pools::PoolHost;
use crate::config::Config;
use crate::model::{Command, Metadata, PoolSpec};
use crate::store::{Acknowledgement, Store};
use manager::Manager;
use orders::{Answering, Order};

/// So many orders wait for the manager; it deals with one within a fraction of a second.
const ORDERS_WAITING: usize = 256;

/// What the pools are kept by.
#[derive(Clone)]
pub(crate) struct Setting {
    /// The containers.
    pub host: Arc<dyn PoolHost>,
    /// Where it is remembered; `None`: nowhere.
    pub store: Option<Store>,
    /// What stands in every event.
    pub metadata: Metadata,
    /// The pools of the configuration; `None`: a program says which there are, and what is remembered stays.
    pub configured: Option<Vec<PoolSpec>>,
    /// How often the containers are looked at.
    pub check_interval: Duration,
    /// How many records are read at a time.
    pub batch_size: usize,
    /// Whether it only looks.
    pub dry_run: bool,
    /// The event stream's longest length.
    pub max_stream_length: u64,
}

/// Where this process stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// Another one keeps the pools, or nobody does yet.
    Follow,
    /// This one does.
    Lead(Term),
}

/// A term of leading.
#[derive(Debug, Clone)]
pub(crate) struct Term {
    /// Its epoch, where there is a store.
    pub epoch: Option<u64>,
    /// Whether anything may be done in it.
    pub licence: Licence,
}

/// A term is known by its epoch.
impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.epoch == other.epoch
    }
}

impl Eq for Term {}

/// The pools of this process: a task that keeps them, for as long as this lives.
pub struct Pools {
    board: Board,
    role: watch::Sender<Role>,
    orders: mpsc::Sender<Order>,
    manager: Option<Manager>,
}

/// The running task: it ends when this is dropped.
pub(crate) struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Pools {
    /// The pools of a configuration, not running yet. Without a host for them, none are kept.
    #[must_use]
    pub(crate) fn of(config: &Config, store: &Store, cluster: &Cluster) -> Self {
        let setting = cluster.pools.clone().map(|host| Setting {
            host,
            store: Some(store.clone()),
            metadata: config.cluster.metadata(),
            configured: Some(config.pools.specs()),
            check_interval: config.pools.check_interval.get(),
            batch_size: config.pools.batch_size as usize,
            dry_run: config.autoscaler.dry_run,
            max_stream_length: config.autoscaler.events.event_bus.max_stream_length,
        });
        Self::new(setting)
    }

    /// Pools that do not run yet.
    pub(crate) fn new(setting: Option<Setting>) -> Self {
        let (board, (role, roles), (orders, ordered)) =
            (Board::default(), watch::channel(Role::Follow), mpsc::channel(ORDERS_WAITING));
        let manager = setting.map(|setting| Manager::new(setting, board.clone(), roles, ordered));
        Self { board, role, orders, manager }
    }

    /// Starts; `None`: there is nothing to start, or it was started before.
    pub(crate) fn start(&mut self) -> Option<Running> {
        let manager = self.manager.take()?;
        Some(Running(tokio::spawn(manager.run())))
    }

    /// What is known of the pools, and who takes the next call.
    #[must_use]
    pub fn board(&self) -> Board {
        self.board.clone()
    }

    /// This process keeps the pools from now on.
    pub(crate) fn lead(&self, epoch: u64, licence: Licence) {
        self.take_role(Role::Lead(Term { epoch: Some(epoch), licence }));
    }

    /// Another process keeps them from now on.
    pub(crate) fn follow(&self) {
        self.take_role(Role::Follow);
    }

    /// Hands a command over, which is answered by an event that acknowledges it. `false`: nobody is there to take it.
    pub(crate) fn give(&self, command: &Command, acknowledgement: &Acknowledgement) -> bool {
        let answering =
            Answering { command: command.clone(), acknowledgement: Some(acknowledgement.clone()), reply: None };
        self.orders.try_send(Order::Command(Box::new(answering))).is_ok()
    }

    /// What this process does from now on.
    fn take_role(&self, role: Role) {
        tell(&self.role, role);
    }

    /// The way to tell what this process does.
    fn roles(&self) -> impl Fn(Role) + Send + 'static {
        let roles = self.role.clone();
        move |role| tell(&roles, role)
    }

    /// The way to give orders in this process.
    fn orders(&self) -> mpsc::Sender<Order> {
        self.orders.clone()
    }
}

/// What is no news wakes nobody.
fn tell(roles: &watch::Sender<Role>, mut role: Role) {
    roles.send_if_modified(|known| {
        std::mem::swap(known, &mut role);
        *known != role
    });
}
