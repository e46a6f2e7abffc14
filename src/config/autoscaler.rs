//! The scaling rules: when to act, how far, and how long to rest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EventsConfig, OperationsConfig, Span};
use crate::model::{Limits, Thresholds};

/// The scaling rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AutoscalerConfig {
    /// Observe, decide and report, and change nothing at all.
    pub dry_run: bool,
    /// How often the cluster is looked at.
    pub check_interval: Span,
    /// How few and how many workers.
    pub limits: Limits,
    /// When to act.
    pub thresholds: Thresholds,
    /// For how long a condition must last.
    pub windows: WindowsConfig,
    /// How long to wait after an action.
    pub cooldowns: CooldownsConfig,
    /// How many workers at a time.
    pub steps: StepsConfig,
    /// How operations are carried out.
    pub operations: OperationsConfig,
    /// The minimum.
    pub enforcement: EnforcementConfig,
    /// Holds that operators place.
    pub holds: HoldsConfig,
    /// The event stream.
    pub events: EventsConfig,
}

impl Default for AutoscalerConfig {
    fn default() -> Self {
        Self {
            dry_run: false,
            check_interval: Span::seconds(5),
            limits: Limits::default(),
            thresholds: Thresholds::default(),
            windows: WindowsConfig::default(),
            cooldowns: CooldownsConfig::default(),
            steps: StepsConfig::default(),
            operations: OperationsConfig::default(),
            enforcement: EnforcementConfig::default(),
            holds: HoldsConfig::default(),
            events: EventsConfig::default(),
        }
    }
}

/// For how long a condition must last before it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WindowsConfig {
    /// Underutilization, before a scale-down.
    pub underutilization: Span,
    /// Pressure, before a scale-up.
    pub pressure: Span,
}

impl Default for WindowsConfig {
    fn default() -> Self {
        Self { underutilization: Span::seconds(300), pressure: Span::seconds(0) }
    }
}

/// How long a direction rests after an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CooldownsConfig {
    /// After a scale-up, before the next one.
    pub scale_up: Span,
    /// After any scaling, before a scale-down.
    pub scale_down: Span,
}

impl Default for CooldownsConfig {
    fn default() -> Self {
        Self { scale_up: Span::seconds(60), scale_down: Span::seconds(300) }
    }
}

/// How many workers one decision adds or removes at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StepsConfig {
    /// Workers added at a time, at the most.
    #[schemars(range(min = 1, max = 100))]
    pub up: u32,
    /// Workers removed at a time, at the most.
    #[schemars(range(min = 1, max = 100))]
    pub down: u32,
}

impl Default for StepsConfig {
    fn default() -> Self {
        Self { up: 2, down: 1 }
    }
}

/// The minimum, and how it is kept (seed 002).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EnforcementConfig {
    /// Restore the minimum at once.
    pub auto_scale_to_min: bool,
    /// How often the minimum is checked besides whenever a worker goes.
    pub min_violation_check_interval: Span,
    /// So many workers lost together are an emergency: as many are added at once.
    #[schemars(range(min = 1, max = 100))]
    pub emergency_scale_threshold: u32,
}

impl Default for EnforcementConfig {
    fn default() -> Self {
        Self { auto_scale_to_min: true, min_violation_check_interval: Span::seconds(10), emergency_scale_threshold: 2 }
    }
}

/// Holds that operators place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HoldsConfig {
    /// How long, where the operator does not say.
    pub default_duration: Span,
    /// The longest there is: a hold always ends.
    pub max_duration: Span,
}

impl Default for HoldsConfig {
    fn default() -> Self {
        Self { default_duration: Span::seconds(1800), max_duration: Span::seconds(7 * 86_400) }
    }
}
