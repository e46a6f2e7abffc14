//! What each action does.

use std::sync::Arc;

use tui_input::Input;
use uuid::Uuid;
use windlass::model::{Action, Direction, Event, WorkerKind};
use windlass::policy::candidates;

use super::super::Mode;
use super::super::keys::Act;
use super::super::layout::Pane;
use super::super::message::Effect;
use super::super::model::{Model, Paused, Tone};
use super::super::popup::{Confirm, EventDetail, HoldMenu, HoldStage, Letters, Menu, OpenTrack, Popup};
use super::super::track::operation_of;
use super::views::toast;
use super::{navigate, palette, pools, set_filter};
use crate::describe::workers_of;

/// The reason that is given where none was asked for.
pub(super) const MANUAL: &str = "manual";

/// Performs an action.
pub(super) fn perform(model: &mut Model, act: Act) -> Vec<Effect> {
    if let Some(meaning) = pools::meaning(act, model.focus == Pane::Pools) {
        return pools::perform(model, meaning);
    }
    match act {
        Act::ScaleUp => return scale(model, Direction::Up, None),
        Act::ScaleDown => {
            if candidates(&model.view.state).is_empty() {
                toast(model, Tone::Bad, "no worker may go: all are permanent, protected or busy");
                return Vec::new();
            }
            return scale(model, Direction::Down, None);
        }
        Act::ScaleDownSelected => match model.roster.selected.clone() {
            Some(worker) => return scale(model, Direction::Down, Some(worker)),
            None => toast(model, Tone::Bad, "there is no worker to remove"),
        },
        Act::Hold => {
            model.popups.push(Popup::Hold(HoldMenu { stage: HoldStage::Scope, menu: Menu::default(), error: None }));
        }
        Act::Release => {
            let held = |direction| model.view.state.hold(direction, model.now).is_some();
            if held(Direction::Up) || held(Direction::Down) {
                model.popups.push(Popup::Release(Menu::default()));
            } else {
                toast(model, Tone::Note, "nothing is held");
            }
        }
        Act::Protect => protect(model),
        Act::Reconcile => return vec![Effect::Send { action: Action::Reconcile, reason: MANUAL.to_owned() }],
        Act::Detail => open_detail(model),
        Act::Filter => {
            model.focus = Pane::Timeline;
            model.filtering = Some(Input::new(model.timeline.filter.text().to_owned()));
        }
        Act::Operation => match selected_operation(model) {
            Ok(id) => model.popups.push(Popup::Track(OpenTrack::of(id, &model.view))),
            Err(why) => toast(model, Tone::Note, why),
        },
        Act::FilterOperation => match selected_operation(model) {
            Ok(id) => filter_by(model, id),
            Err(why) => toast(model, Tone::Note, why),
        },
        Act::ClearFilter => set_filter(model, ""),
        Act::Follow => {
            let follow = !model.timeline.follow;
            model.timeline.set_follow(follow);
        }
        Act::DeadLetters => model.popups.push(Popup::Letters(Letters::of(model.view.deliveries.as_deref()))),
        Act::Targets => model.popups.push(Popup::Targets(0)),
        Act::Pause => pause(model),
        Act::Zoom if pools::stand_alone(model) => model.focus = Pane::Workers,
        Act::Zoom => model.zoomed = !model.zoomed,
        Act::Sort => {
            model.roster.sort = model.roster.sort.next();
            model.roster.refresh(&model.view);
        }
        Act::WhyDirection => {
            model.scroll.why = 0;
            model.why = match model.why {
                None => Some(Direction::Up),
                Some(Direction::Up) => Some(Direction::Down),
                Some(Direction::Down) => None,
            };
        }
        Act::Help => model.popups.push(Popup::Help(0)),
        Act::Palette => palette::open(model),
        Act::Quit => return quit(model),
        _ => navigate::perform(model, act),
    }
    Vec::new()
}

/// Asks, unless the operator does not want to be asked.
fn scale(model: &mut Model, direction: Direction, worker: Option<windlass::model::WorkerName>) -> Vec<Effect> {
    ask(model, Action::Scale { direction, count: 1, worker, honor_cooldown: false }, MANUAL)
}

/// Asks about a command and shows what will follow; without `cockpit.confirm` it is sent at once.
pub(super) fn ask(model: &mut Model, action: Action, reason: &str) -> Vec<Effect> {
    if model.options.confirm {
        model.popups.push(Popup::Confirm(Confirm::new(action, reason)));
        Vec::new()
    } else {
        vec![Effect::Send { action, reason: reason.to_owned() }]
    }
}

fn protect(model: &mut Model) {
    let Some(worker) = model.roster.selected.as_ref().and_then(|name| model.view.state.workers.get(name)) else {
        toast(model, Tone::Bad, "there is no worker to protect");
        return;
    };
    let name = worker.name.clone();
    if worker.protected.is_some() {
        model.popups.push(Popup::Confirm(Confirm::asking_why(Action::Unprotect { worker: name })));
    } else if worker.kind == WorkerKind::Permanent {
        toast(model, Tone::Note, format!("{name} is permanent: scaling never removes it anyway"));
    } else {
        model.popups.push(Popup::Confirm(Confirm::asking_why(Action::Protect { worker: name })));
    }
}

fn open_detail(model: &mut Model) {
    if model.focus == Pane::Timeline {
        if let Some(event) = model.timeline.event() {
            model.popups.push(Popup::Event(EventDetail::of(event, &model.view.events)));
        }
    } else if model.focus == Pane::Workers {
        if let Some(name) = model.roster.selected.clone() {
            model.popups.push(Popup::Worker(name, 0));
        }
    } else if model.focus == Pane::Pools {
        pools::open(model);
    } else if model.focus == Pane::Operations && model.ledger.selected().is_some() {
        perform(model, Act::Operation);
    } else {
        model.zoomed = !model.zoomed;
    }
}

/// The operation of what is selected in the focused pane; an error says why there is none.
fn selected_operation(model: &Model) -> Result<Uuid, String> {
    let view = &model.view;
    match model.focus {
        Pane::Operations => model.ledger.selected().ok_or_else(|| "there is no operation yet".to_owned()),
        Pane::Workers => {
            let name = model.roster.selected.as_ref().ok_or("there is no worker to look at")?;
            let running = view.state.operation_of(name).map(|operation| operation.id);
            let of_worker = |event: &Event| workers_of(&event.data).contains(name);
            let told =
                || view.events.iter().rev().filter(|event| of_worker(event)).find_map(|event| operation_of(event));
            running.or_else(told).ok_or_else(|| format!("no operation of {name} is held"))
        }
        _ => {
            let event = model.timeline.event().ok_or("there is no event to look at")?;
            operation_of(event).ok_or_else(|| format!("this {} belongs to no operation", event.event_type()))
        }
    }
}

/// Shows only the events of an operation beside what is filtered already, or ends that.
pub(super) fn filter_by(model: &mut Model, operation: Uuid) {
    let text = model.timeline.filter.toggled(operation);
    model.focus = Pane::Timeline;
    set_filter(model, &text);
}

fn pause(model: &mut Model) {
    match model.paused.take() {
        Some(paused) => model.show(paused.latest),
        None => model.paused = Some(Paused { since: model.now, latest: Arc::clone(&model.view), events: 0 }),
    }
}

/// A demo leaves nothing behind, and an attached cockpit ends nothing: neither asks.
fn quit(model: &mut Model) -> Vec<Effect> {
    if model.options.mode == Mode::EngineHere && model.options.confirm {
        model.popups.push(Popup::Quit);
        Vec::new()
    } else {
        vec![Effect::Quit]
    }
}
