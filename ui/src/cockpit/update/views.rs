//! New pictures, the passing of time, and the answers to commands.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use windlass::handlers::operator;
use windlass::model::{Action, Event, EventType, View};

use super::super::model::{Model, Toast, Tone, Waiting};
use super::super::popup::Popup;
use crate::describe::{describe, describe_action};

/// How long a line about something just done stays.
const TOAST: TimeDelta = TimeDelta::seconds(8);
/// After this long without an answer the operator is told so.
const PATIENCE: TimeDelta = TimeDelta::seconds(5);
/// After this long no answer is waited for: the engine refuses commands this old.
const FORGET: TimeDelta = TimeDelta::seconds(windlass::model::command::STALE_AFTER.as_secs().cast_signed());

/// Says something.
pub(super) fn toast(model: &mut Model, tone: Tone, text: impl Into<String>) {
    model.toast = Some(Toast { tone, text: text.into(), until: model.now + TOAST });
    model.stale_screen = true;
}

pub(super) fn arrived(model: &mut Model, view: Arc<View>) {
    if view.at > model.now {
        model.now = view.at;
    }
    answers(model, &view);
    if let Some(paused) = &mut model.paused {
        let events = events_since(&model.view, &view);
        model.stale_screen |= events != paused.events;
        paused.events = events;
        paused.latest = view;
        return;
    }
    model.stale_screen |= !shows_the_same(&model.view, &view);
    model.show(view);
    refresh_popups(model);
}

/// Ages move on with the tick; a picture that only carries a newer time is no reason to draw.
fn shows_the_same(a: &View, b: &View) -> bool {
    Arc::ptr_eq(&a.state, &b.state)
        && Arc::ptr_eq(&a.events, &b.events)
        && same(a.observation.as_ref(), b.observation.as_ref())
        && same(a.verdict.as_ref(), b.verdict.as_ref())
        && same(a.redis.as_ref(), b.redis.as_ref())
        && same(a.deliveries.as_ref(), b.deliveries.as_ref())
        && same(a.pools.as_ref(), b.pools.as_ref())
        && a.store == b.store
        && a.leader == b.leader
        && a.engine == b.engine
}

fn same<T>(a: Option<&Arc<T>>, b: Option<&Arc<T>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// How many events `now` has that `then` had not.
fn events_since(then: &View, now: &View) -> usize {
    let seen = then.events.back().and_then(|last| now.events.iter().rposition(|event| event.event_id == last.event_id));
    seen.map_or(now.events.len(), |seen| now.events.len() - seen - 1)
}

/// An open event may have had effects since; an open worker reads the picture itself.
fn refresh_popups(model: &mut Model) {
    let view = Arc::clone(&model.view);
    for popup in &mut model.popups {
        match popup {
            Popup::Event(detail) => detail.refresh(&view.events),
            Popup::Track(open) => open.refresh(&view),
            Popup::Pool(open) => open.refresh(&view),
            Popup::Letters(open) => {
                if let Some(known) = view.deliveries.as_deref() {
                    open.refresh(known);
                }
            }
            _ => {}
        }
    }
}

pub(super) fn tick(model: &mut Model, now: DateTime<Utc>) {
    model.now = now;
    // Ages stand still with a paused picture.
    model.stale_screen |= model.paused.is_none();
    if model.toast.as_ref().is_some_and(|toast| toast.until <= now) {
        model.toast = None;
        model.stale_screen = true;
    }
    let unanswered = model.waiting.iter_mut().find(|waiting| !waiting.told && now - waiting.since >= PATIENCE);
    if let Some(waiting) = unanswered {
        waiting.told = true;
        let text = format!("no answer to \"{}\" for 5 s; it may still come: is an engine leading?", waiting.text);
        toast(model, Tone::Bad, text);
    }
    model.waiting.retain(|waiting| now - waiting.since < FORGET);
}

pub(super) fn sent(model: &mut Model, command_id: Uuid, action: &Action, at: DateTime<Utc>) {
    let text = describe_action(action);
    toast(model, Tone::Sent, format!("sent: {text}"));
    model.waiting.push(Waiting { command_id, text, since: at, told: false });
}

pub(super) fn send_failed(model: &mut Model, action: &Action) {
    let text = format!("not sent: {}; nothing takes commands any more, restart windlass", describe_action(action));
    toast(model, Tone::Bad, text);
}

/// Looks for the events that answer commands: those that a command caused.
fn answers(model: &mut Model, view: &View) {
    if model.waiting.is_empty() {
        return;
    }
    let answer_to = |waiting: &Waiting| -> Option<Arc<Event>> {
        view.events.iter().rev().find(|event| operator::answers(event, waiting.command_id)).cloned()
    };
    let answered: Vec<_> =
        model.waiting.iter().filter_map(|waiting| Some((waiting.command_id, answer_to(waiting)?))).collect();
    for (command_id, event) in answered {
        model.waiting.retain(|waiting| waiting.command_id != command_id);
        let text = describe(&event.data);
        match event.event_type() {
            EventType::CommandRefused => toast(model, Tone::Bad, text),
            _ => toast(model, Tone::Good, format!("taken: {text}")),
        }
    }
}
