//! Keys while the dead letters are open.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};
use windlass::model::Action;

use super::super::keys::Act;
use super::super::message::Effect;
use super::super::model::Model;
use super::super::popup::{Confirm, EventDetail, Letters, Popup};
use super::navigate::Go;
use super::popups::{Done, closing};

/// Moves, retries, drops, or opens the letter's event.
pub(super) fn on_key(model: &Model, open: &mut Letters, key: KeyEvent, act: Option<Act>) -> Done {
    let Some(known) = model.view.deliveries.as_deref().filter(|known| !known.letters.is_empty()) else {
        return closing(key, act, &[Act::DeadLetters, Act::Quit]);
    };
    let letter = known.letters.get(open.index(known));
    let entry = letter.map(|letter| letter.entry.clone());
    match (key.code, entry) {
        (KeyCode::Char('r'), Some(entry)) => ask(model, Action::DeadLetterRetry { entry }),
        (KeyCode::Char('d'), Some(entry)) => ask(model, Action::DeadLetterDrop { entry }),
        (KeyCode::Enter, Some(_)) => letter.and_then(windlass::model::Letter::event).map_or(Done::Stay, |event| {
            Done::Open(Popup::Event(EventDetail::of(&Arc::new(event), &model.view.events)))
        }),
        _ => match act.and_then(Go::of) {
            Some(go) => {
                open.select(go.from(open.index(known), known.letters.len(), 10), known);
                Done::Stay
            }
            None => closing(key, act, &[Act::DeadLetters, Act::Quit]),
        },
    }
}

/// Asks, unless the operator does not want to be asked; the letters stay open.
fn ask(model: &Model, action: Action) -> Done {
    if model.options.confirm {
        Done::Open(Popup::Confirm(Confirm::new(action, "manual")))
    } else {
        Done::Send(Effect::Send { action, reason: "manual".to_owned() })
    }
}
