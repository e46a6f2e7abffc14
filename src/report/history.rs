//! What has been: the ended operations and the statistics that Redis keeps.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::state::{EnforcerStats, OptimalStats, ScalingStats, SyncStats};
use crate::model::{OperationRecord, State};

/// The histories, newest first, as far back as Redis keeps them (200 entries each).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct History<'a> {
    /// Ended operations.
    pub operations: &'a VecDeque<OperationRecord>,
    /// Scaling: what was done, and how often.
    pub scaling: &'a ScalingStats,
    /// Comparisons of state and cluster.
    pub sync: &'a SyncStats,
    /// The times in which the cluster was as small as it may be.
    pub optimal: &'a OptimalStats,
    /// The enforcement of the minimum.
    pub enforcer: &'a EnforcerStats,
}

impl<'a> History<'a> {
    /// The histories of a state.
    #[must_use]
    pub fn of(state: &'a State) -> Self {
        Self {
            operations: &state.operation_history,
            scaling: &state.scaling,
            sync: &state.sync,
            optimal: &state.optimal,
            enforcer: &state.enforcer,
        }
    }
}
