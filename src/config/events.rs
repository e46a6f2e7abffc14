//! The event stream and the handlers that read it (seed 002).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AlertsConfig, Span};

/// The event stream (seed 002).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventsConfig {
    /// The bus.
    pub event_bus: EventBusConfig,
    /// The handlers that run.
    pub handlers: Vec<HandlerName>,
    /// A condition that lasts is reported again after this long.
    pub reminder_interval: Span,
    /// How a handler that fails is tried again.
    pub retry: RetryConfig,
    /// Who is told of events.
    pub alerts: AlertsConfig,
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self {
            event_bus: EventBusConfig::default(),
            handlers: HandlerName::ALL.to_vec(),
            reminder_interval: Span::seconds(600),
            retry: RetryConfig::default(),
            alerts: AlertsConfig::default(),
        }
    }
}

/// The bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventBusConfig {
    /// Always `redis_streams`.
    #[serde(rename = "type")]
    pub kind: EventBusKind,
    /// The stream's key, behind the cluster's hash tag.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.-]{1,64}$"), extend("x-allowed" = "1 to 64 letters, digits, '_', '.' or '-'"))]
    pub stream_name: String,
    /// Older entries are trimmed, approximately.
    #[schemars(range(min = 100, max = 10_000_000))]
    pub max_stream_length: u64,
}

impl Default for EventBusConfig {
    fn default() -> Self {
        Self {
            kind: EventBusKind::RedisStreams,
            stream_name: "autoscaler_events".to_owned(),
            max_stream_length: 10_000,
        }
    }
}

/// What carries the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventBusKind {
    /// Redis Streams.
    RedisStreams,
}

/// The handlers of seed 002, under its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum HandlerName {
    /// Turns observations into events.
    MetricsListener,
    /// Decides.
    ScalingDecisionEngine,
    /// Carries out.
    NodeManager,
    /// Keeps the minimum.
    MinimumNodeEnforcer,
    /// Keeps state and cluster the same.
    StateSynchronizer,
    /// Tells the targets in `alerts`.
    AlertManager,
}

impl HandlerName {
    /// Every handler.
    pub const ALL: [Self; 6] = [
        Self::MetricsListener,
        Self::ScalingDecisionEngine,
        Self::NodeManager,
        Self::MinimumNodeEnforcer,
        Self::StateSynchronizer,
        Self::AlertManager,
    ];

    /// Its name: its consumer group, and the `source` of its events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MetricsListener => "MetricsListener",
            Self::ScalingDecisionEngine => "ScalingDecisionEngine",
            Self::NodeManager => "NodeManager",
            Self::MinimumNodeEnforcer => "MinimumNodeEnforcer",
            Self::StateSynchronizer => "StateSynchronizer",
            Self::AlertManager => "AlertManager",
        }
    }
}

/// How a handler that fails is tried again: exponentially further apart, with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetryConfig {
    /// After so many tries the event goes to the dead-letter stream.
    #[schemars(range(min = 1, max = 100))]
    pub tries: u32,
    /// The first pause.
    pub first_pause: Span,
    /// The longest pause.
    pub longest_pause: Span,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self { tries: 5, first_pause: Span::millis(200), longest_pause: Span::seconds(10) }
    }
}
