//! All that the cockpit shows, as one value.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ClusterId, Deliveries, Event, Limits, Observation, Pool, Problem, RedisReport, ReplicaId, State, Thresholds,
    Verdict,
};

/// What the leading engine says of itself, so that a cockpit elsewhere shows the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EngineInfo {
    /// Which replica.
    pub replica: ReplicaId,
    /// windlass's version.
    pub version: String,
    /// `docker`, `simulated`.
    pub cluster: String,
    /// Whether it only looks.
    pub dry_run: bool,
    /// How few and how many workers.
    pub limits: Limits,
    /// When it acts.
    pub thresholds: Thresholds,
    /// How often it looks, in seconds.
    pub check_interval: f64,
    /// The cooldown after a scale-up and after any scaling, in seconds.
    pub cooldown_up: f64,
    /// The cooldown before a scale-down, in seconds.
    pub cooldown_down: f64,
    /// The longest hold, in seconds.
    pub max_hold: f64,
    /// Since when it leads.
    pub leading_since: DateTime<Utc>,
}

/// The lease as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeaderInfo {
    /// Who holds it.
    pub replica: ReplicaId,
    /// Its epoch.
    pub epoch: u64,
}

/// A replica as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaSeen {
    /// Which.
    pub replica: ReplicaId,
    /// When it last said that it runs, by the clock of whoever reads this.
    pub last_seen: DateTime<Utc>,
}

impl ReplicaSeen {
    /// A replica that has not been seen for so many leases counts as gone.
    pub const RUNS: u32 = 3;

    /// Whether it counts as running, where the lease is this long. One that ended as it should is not there at all.
    #[must_use]
    pub fn runs(&self, lease: Duration, now: DateTime<Utc>) -> bool {
        (now - self.last_seen).to_std().unwrap_or_default() <= lease * Self::RUNS
    }
}

/// Whether Redis can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "store", rename_all = "snake_case")]
pub enum StoreHealth {
    /// It answers.
    Up,
    /// It does not; what is shown is what was last read.
    Down {
        /// Since when.
        since: DateTime<Utc>,
        /// What it said.
        error: String,
        /// Whether the engine in this process goes on protecting the minimum (it removes nothing); `None`: none is here to tell.
        protects: Option<bool>,
    },
}

/// All that the cockpit shows.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The cluster.
    pub cluster_id: ClusterId,
    /// When it was read.
    pub at: DateTime<Utc>,
    /// Whether Redis can be used.
    pub store: StoreHealth,
    /// Who leads; `None`: nobody, what is shown is what Redis remembers.
    pub leader: Option<LeaderInfo>,
    /// What the leader says of itself; stays readable after it has gone.
    pub engine: Option<EngineInfo>,
    /// Who runs, the leader among them, by name; `None`: not read yet.
    pub replicas: Option<Vec<ReplicaSeen>>,
    /// What is remembered, as far as it can be read.
    pub state: Arc<State>,
    /// What of it cannot be read.
    pub problems: Arc<Vec<Problem>>,
    /// What was last seen.
    pub observation: Option<Arc<Observation>>,
    /// What was last concluded.
    pub verdict: Option<Arc<Verdict>>,
    /// The newest events, oldest first.
    pub events: Arc<VecDeque<Arc<Event>>>,
    /// Redis's memory.
    pub redis: Option<Arc<RedisReport>>,
    /// Dead letters and webhook targets; `None`: not read yet.
    pub deliveries: Option<Arc<Deliveries>>,
    /// The function pools, by name; `None`: not read yet.
    pub pools: Option<Arc<Vec<Pool>>>,
}

impl View {
    /// How many replicas run, the leader among them, where the lease is this long; `None`: not read yet. They are read more rarely than
    /// the rest, so each is judged by how long before the latest sign of life of any it was last seen.
    #[must_use]
    pub fn replicas_running(&self, lease: Duration) -> Option<usize> {
        let replicas = self.replicas.as_ref()?;
        let latest = replicas.iter().map(|seen| seen.last_seen).max().unwrap_or(self.at);
        Some(replicas.iter().filter(|seen| seen.runs(lease, latest)).count())
    }

    /// A view of nothing yet.
    #[must_use]
    pub fn empty(cluster_id: ClusterId, at: DateTime<Utc>) -> Self {
        Self {
            cluster_id,
            at,
            store: StoreHealth::Up,
            leader: None,
            engine: None,
            replicas: None,
            state: Arc::default(),
            problems: Arc::default(),
            observation: None,
            verdict: None,
            events: Arc::default(),
            redis: None,
            deliveries: None,
            pools: None,
        }
    }
}
