//! Keys on the function pools.

use crossterm::event::KeyEvent;
use windlass::model::{Action, Direction, Pool};

use super::super::keys::Act;
use super::super::layout::Pane;
use super::super::message::Effect;
use super::super::model::{Model, Tone};
use super::super::pools::{OpenPool, find};
use super::super::popup::{Confirm, Popup};
use super::acts::{MANUAL, ask};
use super::navigate::Go;
use super::popups::{Done, closing};
use super::views::toast;

/// What an action means for pools. Adding and removing workers means adding and removing containers while one stands on the pools.
pub(super) const fn meaning(act: Act, on_pools: bool) -> Option<Meaning> {
    Some(match act {
        Act::PoolUp => Meaning::Scale(Direction::Up),
        Act::PoolDown => Meaning::Scale(Direction::Down),
        Act::PoolDrain => Meaning::Drain,
        Act::PoolWake => Meaning::Wake,
        Act::ScaleUp if on_pools => Meaning::Scale(Direction::Up),
        Act::ScaleDown if on_pools => Meaning::Scale(Direction::Down),
        Act::ScaleDownSelected if on_pools => Meaning::Drain,
        _ => return None,
    })
}

/// What is to be done with a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Scale(Direction),
    Drain,
    Wake,
}

/// Does it with the selected pool.
pub(super) fn perform(model: &mut Model, meaning: Meaning) -> Vec<Effect> {
    let Some(pool) = selected(model).cloned() else {
        toast(model, Tone::Note, nothing(model));
        return Vec::new();
    };
    match meaning {
        // Which container is chosen among the pool's.
        Meaning::Drain => {
            let empty = pool.containers.is_empty();
            if empty {
                toast(model, Tone::Note, format!("pool {} has no container to drain", pool.spec.function));
            } else {
                model.popups.push(Popup::Pool(OpenPool::of(&pool)));
            }
            Vec::new()
        }
        other => match action(&pool, None, other) {
            Ok(action) => ask(model, action, MANUAL),
            Err(why) => {
                toast(model, Tone::Note, why);
                Vec::new()
            }
        },
    }
}

/// Opens the selected pool.
pub(super) fn open(model: &mut Model) {
    match selected(model).map(OpenPool::of) {
        Some(open) => model.popups.push(Popup::Pool(open)),
        None => toast(model, Tone::Note, nothing(model)),
    }
}

fn selected(model: &Model) -> Option<&Pool> {
    find(&model.view, model.pools.selected.as_ref()?)
}

/// Why there is no pool to look at.
pub(super) fn nothing(model: &Model) -> &'static str {
    if model.view.pools.is_some() { "there are no function pools" } else { "the function pools were not read yet" }
}

/// The command that is meant, or why there is nothing to command.
fn action(pool: &Pool, container: Option<&str>, meaning: Meaning) -> Result<Action, String> {
    let function = pool.spec.function.clone();
    match (meaning, container) {
        (Meaning::Scale(direction), _) => Ok(Action::PoolScale { function, direction, count: 1 }),
        (Meaning::Drain, Some(name)) => Ok(Action::PoolDrain { function, container: name.to_owned() }),
        (Meaning::Drain, None) => Err(format!("pool {function} has no container to drain")),
        (Meaning::Wake, _) if pool.containers.is_empty() => Ok(Action::PoolWake { function }),
        (Meaning::Wake, _) => Err(format!("pool {function} is awake")),
    }
}

/// Keys while a pool is open.
pub(super) fn on_key(model: &mut Model, open: &mut OpenPool, key: KeyEvent, act: Option<Act>) -> Done {
    let close = closing(key, act, &[Act::Detail, Act::Quit]);
    let Some(pool) = find(&model.view, &open.function).cloned() else {
        return close;
    };
    if let Some(go) = act.and_then(Go::of) {
        open.select(go.from(open.index(&pool), pool.containers.len(), 10), &pool);
        return Done::Stay;
    }
    let Some(meaning) = act.and_then(|act| meaning(act, true)) else {
        return close;
    };
    let container = open.container(&pool).map(|container| container.name.as_str());
    match action(&pool, container, meaning) {
        Ok(action) if model.options.confirm => Done::Open(Popup::Confirm(Confirm::new(action, MANUAL))),
        Ok(action) => Done::Send(Effect::Send { action, reason: MANUAL.to_owned() }),
        Err(why) => {
            toast(model, Tone::Note, why);
            Done::Stay
        }
    }
}

/// Whether the pools have taken the whole body because there is no place for them beside the other panes.
pub(super) fn stand_alone(model: &Model) -> bool {
    model.focus == Pane::Pools && !model.zoomed && model.places().is_some_and(|places| places.panes.len() == 1)
}
