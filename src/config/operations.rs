//! How operations are carried out: how many at once, how long a step may take, how long to rest after a failure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

/// How operations are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OperationsConfig {
    /// So many operations run at the same time, at the most.
    #[schemars(range(min = 1, max = 16))]
    pub max_concurrent: u32,
    /// How long a worker may take for a step; then it is rolled back. For readiness: `workers.ready_timeout`.
    pub timeouts: TimeoutsConfig,
    /// How long a direction rests after operations that failed.
    pub backoff: BackoffConfig,
}

impl Default for OperationsConfig {
    fn default() -> Self {
        Self { max_concurrent: 3, timeouts: TimeoutsConfig::default(), backoff: BackoffConfig::default() }
    }
}

/// How long a worker may take from one step to the next. Becoming ready has `workers.ready_timeout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TimeoutsConfig {
    /// Up: from its name to its container; also from a decision to its start.
    pub create: Span,
    /// Up: from its container to its being seen running, its node having joined.
    pub register: Span,
    /// Down: until it is empty.
    pub drain: Span,
    /// Down: from empty to removed.
    pub remove: Span,
    /// Down: until a look does not show it any more.
    pub confirm: Span,
}

impl Default for TimeoutsConfig {
    fn default() -> Self {
        Self {
            create: Span::seconds(60),
            register: Span::seconds(60),
            drain: Span::seconds(300),
            remove: Span::seconds(60),
            confirm: Span::seconds(60),
        }
    }
}

/// How long a direction rests after failed operations: the first pause doubles with every further one, and a success ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BackoffConfig {
    /// After the first failure.
    pub first_pause: Span,
    /// The longest.
    pub longest_pause: Span,
}

impl Default for BackoffConfig {
    fn default() -> Self {
        Self { first_pause: Span::seconds(5), longest_pause: Span::seconds(300) }
    }
}
