//! Events of the log, given to one handler again because an operator says so.

use super::{Found, because};
use crate::bus::replay::Logged;
use crate::bus::webhooks;
use crate::handlers::{Draft, World, alert_manager};
use crate::model::command::REPLAYED_AT_ONCE;
use crate::model::event::EventsReplayed;
use crate::model::{Command, Event};
use crate::policy::operator::Refusal;
use crate::store::Settled;

/// Puts what the handler subscribes to back on the stream, for it alone. Its span is one event more than
/// [`REPLAYED_AT_ONCE`] where there are more.
pub(super) fn replay(
    command: &Command,
    handler: &str,
    found: &Found,
    world: &World<'_>,
    draft: &mut Draft,
) -> Result<Vec<Settled>, Refusal> {
    let refuse = |detail| Err(Refusal { reason: "replay", detail });
    let route = alert_manager::route(world.config);
    let target = route.targets.iter().find(|target| webhooks::group(&target.name) == handler);
    if found.subscribes.is_none() && target.is_none() {
        let running = alert_manager::listeners(world.config).join(", ");
        return refuse(format!("{handler} does not run (autoscaler.events); there are {running}"));
    }
    let wants = |event: &Event| {
        target.is_some_and(|target| alert_manager::wants(target, event))
            || found.subscribes.is_some_and(|types| types.contains(&event.event_type()))
    };
    let span = &found.span;
    if span.len() > REPLAYED_AT_ONCE {
        let detail = format!(
            "there are more than {REPLAYED_AT_ONCE} events between these ends: name a shorter span, and replay the rest after it"
        );
        return refuse(detail);
    }
    let wanted: Vec<&Logged> = span.iter().filter(|logged| wants(&logged.event)).collect();
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
