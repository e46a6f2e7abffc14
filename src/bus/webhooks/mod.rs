//! Webhooks: every target is a consumer group of its own on the event stream, read by a task of its own while this replica leads.
//!
//! So a target that is dead delays neither another one nor the engine; what is not delivered stays pending in Redis, over restarts, and
//! the next leader takes it over. Delivery is at least once; the event's id is the idempotency key, and what was seen to be delivered is
//! remembered, so that it is not sent again.

mod address;
mod alertmanager;
mod body;
mod books;
mod courier;
mod post;
mod sign;

use std::sync::Arc;

use tokio::task::JoinSet;

pub use address::forbidden;
pub use books::health;

pub use crate::model::TargetHealth;

use crate::config::{Config, HandlerName, TargetConfig};
use crate::model::{Event, Metadata, ReplicaId, TargetName};
use crate::store::Store;
use courier::Courier;

/// A target's consumer group, and the handler that its dead letters name.
#[must_use]
pub fn group(target: &TargetName) -> String {
    format!("{}:{target}", HandlerName::AlertManager.name())
}

/// Whether a consumer group is a target's.
#[must_use]
pub fn is_group(name: &str) -> bool {
    name.strip_prefix(HandlerName::AlertManager.name()).is_some_and(|rest| rest.starts_with(':'))
}

/// Which event goes where: the targets, and whether one of them is told of an event.
#[derive(Debug, Clone, Copy)]
pub struct Route<'a> {
    /// The targets.
    pub targets: &'a [TargetConfig],
    /// Whether a target is told of an event.
    pub wants: fn(&TargetConfig, &Event) -> bool,
}

/// What the couriers share.
struct Office {
    config: Arc<Config>,
    store: Store,
    replica: ReplicaId,
    epoch: u64,
    wants: fn(&TargetConfig, &Event) -> bool,
}

impl Office {
    fn metadata(&self) -> Metadata {
        self.config.cluster.metadata()
    }
}

/// Delivery to every target; it ends when this is dropped.
pub struct Webhooks {
    _tasks: JoinSet<()>,
}

/// Starts to deliver, as the leader of this epoch.
#[must_use]
pub fn start(config: &Arc<Config>, store: &Store, replica: &ReplicaId, epoch: u64, route: Route<'_>) -> Webhooks {
    let mut tasks = JoinSet::new();
    let office = Arc::new(Office {
        config: config.clone(),
        store: store.clone(),
        replica: replica.clone(),
        epoch,
        wants: route.wants,
    });
    let names = route.targets.iter().map(|target| target.name.clone()).collect();
    tasks.spawn(books::keep_only(store.clone(), names));
    for target in route.targets {
        tasks.spawn(Courier::new(office.clone(), target.clone()).run());
    }
    Webhooks { _tasks: tasks }
}
