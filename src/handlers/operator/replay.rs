//! Events of the log, given to one handler again because an operator says so.

use super::because;
use crate::bus::replay::Logged;
use crate::bus::webhooks;
use crate::config::Config;
use crate::handlers::{Draft, World, alert_manager, all};
use crate::model::command::REPLAYED_AT_ONCE;
use crate::model::event::EventsReplayed;
use crate::model::{Command, Event};
use crate::policy::operator::Refusal;
use crate::store::Settled;

/// Puts what the handler subscribes to back on the stream, for it alone. `span` is one event more than [`REPLAYED_AT_ONCE`] where there
/// are more.
pub(super) fn replay(
    command: &Command,
    handler: &str,
    span: &[Logged],
    world: &World<'_>,
    draft: &mut Draft,
) -> Result<Vec<Settled>, Refusal> {
    let refuse = |detail| Err(Refusal { reason: "replay", detail });
    let running = alert_manager::listeners(world.config);
    if !running.iter().any(|name| name == handler) {
        return refuse(format!("{handler} does not run (autoscaler.events); there are {}", running.join(", ")));
    }
    if span.len() > REPLAYED_AT_ONCE {
        let detail = format!(
            "there are more than {REPLAYED_AT_ONCE} events between these ends: name a shorter span, and replay the rest after it"
        );
        return refuse(detail);
    }
    let wanted: Vec<&Logged> = span.iter().filter(|logged| wants(handler, &logged.event, world.config)).collect();
    let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else {
        return refuse(format!("the log has nothing for {handler} between these ends; `windlass events` lists it"));
    };
    let data = EventsReplayed {
        handler: handler.to_owned(),
        count: wanted.len(),
        from: first.event.timestamp,
        to: last.event.timestamp,
        reason: command.reason.clone(),
    };
    draft.emit(data, because(command));
    let back = |logged: &Logged| Settled::Replayed { event: logged.text.clone(), handler: handler.to_owned() };
    Ok(wanted.into_iter().map(back).collect())
}

fn wants(handler: &str, event: &Event, config: &Config) -> bool {
    let route = alert_manager::route(config);
    let target = route.targets.iter().find(|target| webhooks::group(&target.name) == handler);
    target.is_some_and(|target| alert_manager::wants(target, event))
        || all().iter().any(|other| other.name() == handler && other.subscribes().contains(&event.event_type()))
}
