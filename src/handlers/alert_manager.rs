//! Which event goes to which webhook target. Pure; the targets' consumer groups and the delivery are in [`crate::bus::webhooks`].

use crate::bus::webhooks::{Route, group};
use crate::config::{AlertFormat, Config, HandlerName, TargetConfig};
use crate::model::{Event, EventData, EventType};

/// Who is told of what; nobody where `AlertManager` is not among the handlers that run.
#[must_use]
pub fn route(config: &Config) -> Route<'_> {
    let events = &config.autoscaler.events;
    let enabled = events.handlers.contains(&HandlerName::AlertManager);
    Route { targets: if enabled { &events.alerts.targets } else { &[] }, wants }
}

/// Every consumer group that is read with this configuration.
#[must_use]
pub fn listeners(config: &Config) -> Vec<String> {
    let handlers = config.autoscaler.events.handlers.iter().filter(|name| **name != HandlerName::AlertManager);
    let handlers = handlers.map(|handler| handler.name().to_owned());
    handlers.chain(route(config).targets.iter().map(|target| group(&target.name))).collect()
}

/// Whether a target is told of an event: by its severity or its type. The end of what an alert fired for is wanted with it, or it would
/// fire on. That a target itself could not be told is never told to it.
#[must_use]
pub fn wants(target: &TargetConfig, event: &Event) -> bool {
    if let EventData::EventDeadLettered(data) = &event.data
        && data.handler == group(&target.name)
    {
        return false;
    }
    let wanted = |event_type: EventType| {
        let severe = target.min_severity.is_some_and(|least| event_type.severity() >= least);
        !target.exclude.contains(&event_type) && (severe || target.types.contains(&event_type))
    };
    let event_type = event.event_type();
    let began = event_type.ends().filter(|_| target.format == AlertFormat::Alertmanager);
    wanted(event_type) || (!target.exclude.contains(&event_type) && began.is_some_and(wanted))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::event::{CooldownEnded, EventDeadLettered, ResourcePressureEnded, StoreDegraded};
    use crate::model::{Actor, Direction, Metadata, Severity};

    fn event(data: impl Into<EventData>) -> Event {
        Event {
            event_id: Uuid::nil(),
            timestamp: chrono::DateTime::UNIX_EPOCH,
            source: "test".to_owned(),
            data: data.into(),
            metadata: Metadata { cluster_id: "c1".parse().unwrap(), region: "here".to_owned() },
            caused_by: None,
            correlation_id: None,
            actor: Actor::Engine,
        }
    }

    fn target() -> TargetConfig {
        TargetConfig::new("ops".parse().unwrap(), "https://ops.example")
    }

    fn degraded() -> Event {
        event(StoreDegraded { error: "gone".to_owned(), since: chrono::DateTime::UNIX_EPOCH })
    }

    fn cooled() -> Event {
        event(CooldownEnded { direction: Direction::Up })
    }

    #[test]
    fn severity_or_type_and_never_what_is_excluded() {
        let mut target = target();
        assert!(wants(&target, &degraded()) && !wants(&target, &cooled()));
        target.types = vec![EventType::CooldownEnded];
        assert!(wants(&target, &cooled()));
        target.min_severity = None;
        assert!(wants(&target, &cooled()) && !wants(&target, &degraded()));
        target.min_severity = Some(Severity::Info);
        target.exclude = vec![EventType::CooldownEnded];
        assert!(!wants(&target, &cooled()) && wants(&target, &degraded()));
    }

    #[test]
    fn an_alert_that_fires_is_resolved() {
        let mut target = target();
        let ended = event(ResourcePressureEnded { cpu_avg: None, memory_avg: None, duration: 1.0 });
        assert!(!wants(&target, &ended));
        target.format = AlertFormat::Alertmanager;
        assert!(wants(&target, &ended), "a warning began it");
        target.min_severity = Some(Severity::Critical);
        assert!(!wants(&target, &ended), "it did not fire");
    }

    #[test]
    fn a_targets_own_dead_letters_are_not_sent_to_it() {
        let dead = |handler: &str| {
            let (event, error) = (String::new(), String::new());
            self::event(EventDeadLettered { handler: handler.to_owned(), event, error, tries: 1 })
        };
        assert!(!wants(&target(), &dead("AlertManager:ops")));
        assert!(wants(&target(), &dead("AlertManager:other")) && wants(&target(), &dead("NodeManager")));
    }

    #[test]
    fn where_it_does_not_run_nobody_is_told() {
        let mut config = Config::default();
        config.autoscaler.events.alerts.targets = vec![target()];
        assert_eq!(route(&config).targets.len(), 1);
        assert!(listeners(&config).contains(&"AlertManager:ops".to_owned()));
        config.autoscaler.events.handlers.retain(|handler| *handler != HandlerName::AlertManager);
        assert!(route(&config).targets.is_empty());
        assert!(!listeners(&config).contains(&"AlertManager:ops".to_owned()));
    }
}
