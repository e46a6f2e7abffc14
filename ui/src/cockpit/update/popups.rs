//! Keys while a popup is open.

use crossterm::event::{KeyCode, KeyEvent};
use tui_input::Input;
use uuid::Uuid;
use windlass::model::{Action, Scope};

use super::super::command_line::duration;
use super::super::draw::{Page, page_of};
use super::super::keys::Act;
use super::super::message::Effect;
use super::super::model::Model;
use super::super::popup::{Confirm, DURATIONS, EventDetail, HoldStage, Menu, OpenTrack, Popup, SCOPES};
use super::super::track::operation_of;
use super::navigate::Go;
use super::{acts, letters, palette, paste_into, pools, type_into};

/// What a key did to a popup.
pub(super) enum Done {
    /// It stays.
    Stay,
    /// It closes.
    Close,
    /// Another one takes its place.
    Become(Popup),
    /// Another one lies over it.
    Open(Popup),
    /// It closes and something is done.
    Do(Effect),
    /// It stays and something is done.
    Send(Effect),
    /// All close and the timeline shows this operation.
    FilterBy(Uuid),
}

pub(super) fn on_key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    if matches!(model.popup(), Some(Popup::Palette(_))) {
        return palette::on_key(model, key);
    }
    let go = model.options.keys.act(key).and_then(Go::of);
    let act = model.options.keys.act(key);
    let Some(mut popup) = model.popups.pop() else {
        return Vec::new();
    };
    let page = page_of(model, &popup, model.size);
    let done = match &mut popup {
        Popup::Confirm(confirm) => on_confirm(confirm, key),
        Popup::Hold(_) => on_hold(model, &mut popup, key, go),
        Popup::Release(menu) => on_release(menu, key, go),
        Popup::Event(detail) => on_event(model, detail, key, act, go),
        Popup::Track(open) => on_track(model, open, key, act, go),
        Popup::Letters(open) => letters::on_key(model, open, key, act),
        Popup::Pool(open) => pools::on_key(model, open, key, act),
        Popup::Targets(offset) => {
            read(offset, go, page.as_ref(), model);
            closing(key, act, &[Act::Targets, Act::Quit])
        }
        Popup::Worker(_, offset) => {
            read(offset, go, page.as_ref(), model);
            closing(key, act, &[Act::Detail, Act::Quit])
        }
        Popup::Help(offset) => {
            read(offset, go, page.as_ref(), model);
            closing(key, act, &[Act::Help, Act::Quit])
        }
        Popup::Quit => match key.code {
            KeyCode::Char('y' | 'Y' | 'q') | KeyCode::Enter => Done::Do(Effect::Quit),
            KeyCode::Char('n' | 'N') | KeyCode::Esc => Done::Close,
            _ => Done::Stay,
        },
        Popup::Palette(_) => Done::Stay,
    };
    match done {
        Done::Stay => model.popups.push(popup),
        Done::Close => {}
        Done::Become(other) => model.popups.push(other),
        Done::Open(other) => model.popups.extend([popup, other]),
        Done::Do(effect) => return vec![effect],
        Done::Send(effect) => {
            model.popups.push(popup);
            return vec![effect];
        }
        Done::FilterBy(operation) => {
            model.popups.clear();
            acts::filter_by(model, operation);
        }
    }
    Vec::new()
}

pub(super) fn on_paste(model: &mut Model, text: &str) {
    match model.popup() {
        Some(Popup::Confirm(confirm)) if confirm.editing => paste_into(&mut confirm.reason, text),
        Some(Popup::Palette(open)) => {
            paste_into(&mut open.input, text);
            *open = palette::search(open.input.clone());
        }
        Some(Popup::Hold(hold)) => {
            if let HoldStage::Typed(_, input) = &mut hold.stage {
                paste_into(input, text);
            }
        }
        _ => {}
    }
}

/// Closes on Esc and on these actions.
pub(super) fn closing(key: KeyEvent, act: Option<Act>, acts: &[Act]) -> Done {
    let close = key.code == KeyCode::Esc || act.is_some_and(|act| acts.contains(&act));
    if close { Done::Close } else { Done::Stay }
}

/// Moves in a popup that is read.
fn read(offset: &mut usize, go: Option<Go>, page: Option<&Page>, model: &Model) {
    if let Some((go, page)) = go.zip(page) {
        let (len, room) = page.extent(model.size);
        *offset = go.scroll(*offset, len, room);
    }
}

fn on_confirm(confirm: &mut Confirm, key: KeyEvent) -> Done {
    match (key.code, confirm.editing) {
        (KeyCode::Enter, _) | (KeyCode::Char('y' | 'Y'), false) => {
            let reason = match confirm.reason.value().trim() {
                "" => "manual".to_owned(),
                reason => reason.to_owned(),
            };
            Done::Do(Effect::Send { action: confirm.action.clone(), reason })
        }
        (KeyCode::Esc, _) | (KeyCode::Char('n' | 'N'), false) => Done::Close,
        (KeyCode::Tab, _) | (KeyCode::Char('e' | 'r'), false) => {
            confirm.editing = !confirm.editing;
            Done::Stay
        }
        (_, true) => {
            type_into(&mut confirm.reason, key);
            Done::Stay
        }
        (_, false) => Done::Stay,
    }
}

/// The line that a key chooses: its own letter, or the line one stands on with Enter.
fn choice(menu: &mut Menu, key: KeyEvent, go: Option<Go>, letters: &[char]) -> Option<usize> {
    if let KeyCode::Char(c) = key.code
        && let Some(index) = letters.iter().position(|letter| *letter == c)
    {
        return Some(index);
    }
    if key.code == KeyCode::Enter {
        return Some(menu.cursor);
    }
    if let Some(go) = go {
        menu.cursor = go.from(menu.cursor, letters.len(), letters.len());
    }
    None
}

fn on_release(menu: &mut Menu, key: KeyEvent, go: Option<Go>) -> Done {
    if key.code == KeyCode::Esc {
        return Done::Close;
    }
    match choice(menu, key, go, &SCOPES.map(|(letter, _)| letter)) {
        Some(index) => {
            Done::Do(Effect::Send { action: Action::Release { scope: SCOPES[index].1 }, reason: "manual".to_owned() })
        }
        None => Done::Stay,
    }
}

fn on_hold(model: &Model, popup: &mut Popup, key: KeyEvent, go: Option<Go>) -> Done {
    let Popup::Hold(hold) = popup else {
        return Done::Stay;
    };
    if key.code == KeyCode::Esc {
        return Done::Close;
    }
    match &mut hold.stage {
        HoldStage::Scope => {
            if let Some(index) = choice(&mut hold.menu, key, go, &SCOPES.map(|(letter, _)| letter)) {
                hold.stage = HoldStage::Duration(SCOPES[index].1);
                hold.menu = Menu { cursor: 1 };
            }
        }
        HoldStage::Duration(scope) => {
            let scope = *scope;
            let letters = ['1', '2', '3', '4', 't'];
            match choice(&mut hold.menu, key, go, &letters).map(|index| DURATIONS.get(index)) {
                Some(Some((_, _, seconds))) => match held(model, scope, *seconds) {
                    Ok(next) => return Done::Become(next),
                    Err(error) => hold.error = Some(error),
                },
                Some(None) => hold.stage = HoldStage::Typed(scope, Input::default()),
                None => {}
            }
        }
        HoldStage::Typed(scope, input) => {
            if key.code == KeyCode::Enter {
                match duration(input.value()).and_then(|seconds| held(model, *scope, seconds)) {
                    Ok(next) => return Done::Become(next),
                    Err(error) => hold.error = Some(error),
                }
            } else {
                hold.error = None;
                type_into(input, key);
            }
        }
    }
    Done::Stay
}

/// The question about a hold that is put together; an error where it would be too long.
fn held(model: &Model, scope: Scope, seconds: u64) -> Result<Popup, String> {
    match model.view.engine.as_ref().map(|engine| engine.max_hold) {
        Some(most) if seconds as f64 > most => {
            Err(format!("too long: a hold lasts at most {} here", crate::format::seconds(most)))
        }
        _ => Ok(Popup::Confirm(Confirm::asking_why(Action::Hold { scope, seconds }))),
    }
}

fn on_event(model: &Model, detail: &mut EventDetail, key: KeyEvent, act: Option<Act>, go: Option<Go>) -> Done {
    let len = detail.chain.links.len();
    if let Some(go) = go {
        detail.cursor = go.from(detail.cursor, len, 10);
        return Done::Stay;
    }
    let chosen = detail.chosen();
    let operation = chosen.and_then(|event| operation_of(event));
    match (act, chosen, operation) {
        (Some(Act::Detail), Some(event), _) if detail.cursor != detail.chain.own => {
            Done::Open(Popup::Event(EventDetail::of(event, &model.view.events)))
        }
        (Some(Act::Operation), _, Some(id)) => Done::Open(Popup::Track(OpenTrack::of(id, &model.view))),
        (Some(Act::FilterOperation), _, Some(id)) => Done::FilterBy(id),
        _ => closing(key, act, &[Act::Detail, Act::Quit]),
    }
}

fn on_track(model: &Model, open: &mut OpenTrack, key: KeyEvent, act: Option<Act>, go: Option<Go>) -> Done {
    if let Some(go) = go {
        open.cursor = go.from(open.cursor, open.track.rows.len(), 10);
        return Done::Stay;
    }
    match (act, open.event()) {
        (Some(Act::Detail), Some(event)) => Done::Open(Popup::Event(EventDetail::of(event, &model.view.events))),
        (Some(Act::FilterOperation), _) => Done::FilterBy(open.track.id),
        _ => closing(key, act, &[Act::Operation, Act::Quit]),
    }
}
