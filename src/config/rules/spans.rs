//! Durations: none so short that something spins, none so long that it never comes.

use serde_json::Value;

use super::super::{Span, pointer};
use super::{Relation, Rules};

const SECOND: Span = Span::seconds(1);
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Every duration with the shortest and the longest that is allowed.
const RANGES: [(&str, Span, Span); 25] = [
    ("autoscaler.check_interval", Span::millis(200), Span::seconds(5 * MINUTE)),
    ("autoscaler.cooldowns.scale_down", Span::millis(0), Span::seconds(7 * DAY)),
    ("autoscaler.cooldowns.scale_up", Span::millis(0), Span::seconds(7 * DAY)),
    ("autoscaler.enforcement.min_violation_check_interval", Span::millis(200), Span::seconds(HOUR)),
    ("autoscaler.events.reminder_interval", SECOND, Span::seconds(DAY)),
    ("autoscaler.events.retry.first_pause", Span::millis(10), Span::seconds(HOUR)),
    ("autoscaler.events.retry.longest_pause", Span::millis(10), Span::seconds(HOUR)),
    ("autoscaler.holds.default_duration", SECOND, Span::seconds(365 * DAY)),
    ("autoscaler.holds.max_duration", SECOND, Span::seconds(365 * DAY)),
    ("autoscaler.operations.backoff.first_pause", Span::millis(100), Span::seconds(DAY)),
    ("autoscaler.operations.backoff.longest_pause", Span::millis(100), Span::seconds(DAY)),
    ("autoscaler.operations.timeouts.confirm", SECOND, Span::seconds(DAY)),
    ("autoscaler.operations.timeouts.create", SECOND, Span::seconds(DAY)),
    ("autoscaler.operations.timeouts.drain", SECOND, Span::seconds(DAY)),
    ("autoscaler.operations.timeouts.register", SECOND, Span::seconds(DAY)),
    ("autoscaler.operations.timeouts.remove", SECOND, Span::seconds(DAY)),
    ("autoscaler.windows.pressure", Span::millis(0), Span::seconds(DAY)),
    ("autoscaler.windows.underutilization", Span::millis(0), Span::seconds(DAY)),
    ("cluster.docker.timeout", Span::millis(100), Span::seconds(10 * MINUTE)),
    ("leader.lease", Span::millis(500), Span::seconds(5 * MINUTE)),
    ("pools.check_interval", Span::millis(200), Span::seconds(5 * MINUTE)),
    ("pools.stop_timeout", SECOND, Span::seconds(HOUR)),
    ("redis.timeout", Span::millis(10), Span::seconds(MINUTE)),
    ("workers.ready_timeout", SECOND, Span::seconds(DAY)),
    ("workers.stop_timeout", SECOND, Span::seconds(HOUR)),
];

/// What is allowed for a setting that is a duration, in words.
pub(in super::super) fn range(path: &str) -> Option<String> {
    let (_, shortest, longest) = RANGES.iter().find(|(of, ..)| *of == path)?;
    Some(format!("a duration from {shortest} to {longest}"))
}

impl Rules<'_> {
    pub(super) fn spans(&mut self) {
        let values = serde_json::to_value(self.config).unwrap_or_default();
        for (path, shortest, longest) in RANGES {
            let at = pointer::of_path(path);
            let span = values.pointer(&at).and_then(Value::as_str).and_then(|text| text.parse::<Span>().ok());
            let Some(span) = span.filter(|span| !(shortest..=longest).contains(span)) else { continue };
            self.report(&at, span.to_string(), format!("a duration from {shortest} to {longest}"), None);
            // Comparing it with others would only say the same again.
            self.findings.wrong.insert(at);
        }
        let retry = self.config.autoscaler.events.retry;
        self.ordered(
            &("autoscaler.events.retry.first_pause", retry.first_pause),
            &("autoscaler.events.retry.longest_pause", retry.longest_pause),
            Relation::LessOrEqual,
        );
        let backoff = self.config.autoscaler.operations.backoff;
        self.ordered(
            &("autoscaler.operations.backoff.first_pause", backoff.first_pause),
            &("autoscaler.operations.backoff.longest_pause", backoff.longest_pause),
            Relation::LessOrEqual,
        );
        let holds = self.config.autoscaler.holds;
        self.ordered(
            &("autoscaler.holds.default_duration", holds.default_duration),
            &("autoscaler.holds.max_duration", holds.max_duration),
            Relation::LessOrEqual,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::settings;
    use super::*;

    #[test]
    fn every_duration_has_a_range() {
        let durations = settings().iter().filter(|setting| setting.place.words().starts_with("a duration"));
        let paths: Vec<&str> = durations.map(|setting| setting.path.as_str()).collect();
        assert_eq!(paths, RANGES.map(|(path, ..)| path));
    }
}
