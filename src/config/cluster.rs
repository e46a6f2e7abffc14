//! Which cluster is kept, and how it is reached.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;
use crate::model::{ClusterId, Metadata};

/// Which cluster is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterConfig {
    /// Its name: the hash tag of its keys and a label of its containers.
    pub id: ClusterId,
    /// The region, as events carry it.
    pub region: String,
    /// What the workers are.
    pub kind: ClusterKind,
    /// How Docker is reached.
    pub docker: DockerConfig,
    /// How the simulated cluster behaves.
    pub simulated: SimulatedConfig,
}

impl ClusterConfig {
    /// What every event of the cluster carries.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        Metadata { cluster_id: self.id.clone(), region: self.region.clone() }
    }
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            id: "default".parse().unwrap_or_else(|_| unreachable!("a valid label")),
            region: "local".to_owned(),
            kind: ClusterKind::Simulated,
            docker: DockerConfig::default(),
            simulated: SimulatedConfig::default(),
        }
    }
}

/// What the workers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClusterKind {
    /// No containers at all: a seeded simulation.
    Simulated,
    /// Docker containers.
    Docker,
}

impl ClusterKind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Docker => "docker",
        }
    }
}

/// How Docker is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DockerConfig {
    /// `unix:///var/run/docker.sock` or `tcp://host:port`; null: `DOCKER_HOST`, then Docker's default.
    pub host: Option<String>,
    /// A call that takes longer has failed.
    pub timeout: Span,
}

impl Default for DockerConfig {
    fn default() -> Self {
        Self { host: None, timeout: Span::seconds(10) }
    }
}

/// How the simulated cluster behaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatedConfig {
    /// A scenario's name (`default`) or the path of a scenario file; null: a quiet cluster at moderate load.
    pub scenario: Option<String>,
    /// The seed of everything that varies.
    pub seed: u64,
}
