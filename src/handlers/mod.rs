//! The handlers of seed 002, one file each, and the operators' commands. A handler is handed what happened and what is known, and
//! drafts what follows; it does nothing itself.

pub mod alert_manager;
mod draft;
pub mod feed;
pub mod metrics_listener;
pub mod minimum_node_enforcer;
pub mod node_manager;
pub mod operator;
pub mod scaling_decision_engine;
pub mod state_synchronizer;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use draft::{Because, Draft};

use crate::config::Config;
use crate::model::{Event, EventType, Observation};
use crate::policy::Situation;

/// Why a handler could not deal with an event; it is tried again, and in the end dead-lettered.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct HandlerError(pub String);

/// What a handler knows beside the state.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// What was last seen; `None`: the cluster has not answered yet.
    pub observation: Option<&'a Observation>,
    /// What was seen before that.
    pub previous: Option<&'a Observation>,
    /// Whether what is decided is remembered: `false` while Redis cannot be used.
    pub remembered: bool,
    /// When.
    pub now: DateTime<Utc>,
}

impl<'a> World<'a> {
    /// What the policy decides on.
    #[must_use]
    pub fn situation<'s>(&'s self, state: &'s crate::model::State) -> Situation<'s>
    where
        'a: 's,
    {
        Situation {
            state,
            observation: self.observation,
            rules: &self.config.autoscaler,
            remembered: self.remembered,
            now: self.now,
        }
    }
}

/// One of the handlers. Everything it wants goes into the draft, which is committed as one transaction.
pub trait Handler: Send + Sync {
    /// Its name, which no other has: its consumer group, and the source of its events.
    fn name(&self) -> &'static str;

    /// What it wants to hear of.
    fn subscribes(&self) -> &'static [EventType];

    /// An event it subscribed to.
    fn on_event(&self, event: &Event, world: &World<'_>, draft: &mut Draft) -> Result<(), HandlerError>;

    /// The cluster was looked at.
    fn on_observation(&self, _seen: &Observation, _world: &World<'_>, _draft: &mut Draft) {}

    /// The cluster was to be looked at and did not answer.
    fn on_outage(&self, _error: &str, _world: &World<'_>, _draft: &mut Draft) {}

    /// Time has passed.
    fn on_time(&self, _world: &World<'_>, _draft: &mut Draft) {}
}

/// Every handler; a new one is a file and a line here. At a look they speak in this order: what is there and what the operations have
/// come to is known before anything is said of load and limits.
#[must_use]
pub fn all() -> Vec<Arc<dyn Handler>> {
    vec![
        Arc::new(state_synchronizer::StateSynchronizer),
        Arc::new(node_manager::NodeManager),
        Arc::new(metrics_listener::MetricsListener),
        Arc::new(minimum_node_enforcer::MinimumNodeEnforcer),
        Arc::new(scaling_decision_engine::ScalingDecisionEngine),
    ]
}

/// Those that the configuration turns on (`autoscaler.events.handlers`): what an engine runs, where nobody adds a handler of their own.
#[must_use]
pub fn enabled(config: &Config) -> Vec<Arc<dyn Handler>> {
    let chosen = &config.autoscaler.events.handlers;
    all().into_iter().filter(|handler| chosen.iter().any(|name| name.name() == handler.name())).collect()
}
