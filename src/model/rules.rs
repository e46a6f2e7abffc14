//! The numbers that the rules are held against.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How few and how many workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Never fewer.
    #[schemars(range(min = 0, max = 1000))]
    pub min_nodes: u32,
    /// Never more.
    #[schemars(range(min = 1, max = 1000))]
    pub max_nodes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { min_nodes: 2, max_nodes: 6 }
    }
}

/// When to act. Percentages are of a worker's limit, as a mean over the workers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Up above this CPU, percent.
    #[schemars(range(min = 1.0, max = 100.0))]
    pub cpu_high: f64,
    /// Up above this memory, percent.
    #[schemars(range(min = 1.0, max = 100.0))]
    pub memory_high: f64,
    /// Down below this CPU, percent.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub cpu_low: f64,
    /// Down below this memory, percent.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub memory_low: f64,
    /// Up from this many unschedulable pods.
    #[schemars(range(min = 1, max = 10000))]
    pub pending_pods: u32,
    /// With more of the workers unhealthy than this, percent, nothing is touched.
    #[schemars(range(min = 1.0, max = 100.0))]
    pub max_unhealthy: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            cpu_high: 80.0,
            memory_high: 85.0,
            cpu_low: 30.0,
            memory_low: 40.0,
            pending_pods: 1,
            max_unhealthy: 45.0,
        }
    }
}
