//! The command palette: every action by name, and commands in words.

use crossterm::event::{KeyCode, KeyEvent};
use tui_input::Input;
use windlass::model::Action;

use super::super::command_line::{Request, parse};
use super::super::keys::Act;
use super::super::message::Effect;
use super::super::model::{Model, Tone};
use super::super::popup::{Palette, Popup};
use super::{acts, set_filter, type_into, views};

pub(super) fn open(model: &mut Model) {
    model.popups.push(Popup::Palette(search(Input::default())));
}

/// The palette for what was typed.
pub(super) fn search(input: Input) -> Palette {
    let mut found: Vec<_> = Act::ALL.iter().filter_map(|act| Some((score(*act, input.value())?, *act))).collect();
    found.sort_by_key(|(score, _)| *score);
    Palette { found: found.into_iter().map(|(_, act)| act).collect(), input, cursor: 0, error: None }
}

/// How badly an action fits what was typed, 0 best: letters in order, those of its name before those of its help. `None`: not at all.
fn score(act: Act, typed: &str) -> Option<usize> {
    let typed = typed.trim().to_lowercase();
    let name = act.name().replace('_', " ");
    if name.starts_with(&typed) {
        return Some(0);
    }
    if let Some(at) = name.find(&typed) {
        return Some(1 + at);
    }
    if let Some(gaps) = gaps(&name, &typed) {
        return Some(100 + gaps);
    }
    act.help().to_lowercase().find(&typed).map(|at| 1000 + at)
}

/// How many letters lie between the letters of `typed` in `text`; `None`: they are not all there in order.
fn gaps(text: &str, typed: &str) -> Option<usize> {
    let mut letters = text.chars();
    let mut gaps = 0;
    for wanted in typed.chars().filter(|c| !c.is_whitespace()) {
        loop {
            match letters.next() {
                Some(c) if c == wanted => break,
                Some(_) => gaps += 1,
                None => return None,
            }
        }
    }
    Some(gaps)
}

pub(super) fn on_key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let Some(Popup::Palette(palette)) = model.popup() else {
        return Vec::new();
    };
    let last = palette.found.len().saturating_sub(1);
    match key.code {
        KeyCode::Esc => {
            model.popups.pop();
        }
        KeyCode::Down => palette.cursor = (palette.cursor + 1).min(last),
        KeyCode::Up => palette.cursor = palette.cursor.saturating_sub(1),
        KeyCode::Tab => {
            if let Some(act) = palette.found.get(palette.cursor) {
                *palette = search(Input::new(act.name().replace('_', " ")));
            }
        }
        KeyCode::Enter => return enter(model),
        _ => {
            let before = palette.input.value().to_owned();
            type_into(&mut palette.input, key);
            if palette.input.value() != before {
                *palette = search(palette.input.clone());
            }
        }
    }
    Vec::new()
}

/// A command in words goes before an action that happens to fit; an action chosen with the arrows goes before both.
fn enter(model: &mut Model) -> Vec<Effect> {
    let Some(Popup::Palette(palette)) = model.popup() else {
        return Vec::new();
    };
    let chosen = palette.found.get(palette.cursor).copied();
    let exact = chosen.filter(|act| palette.cursor > 0 || act.name().replace('_', " ") == palette.input.value().trim());
    match (exact, parse(palette.input.value())) {
        (None, Some(Ok(request))) => {
            model.popups.pop();
            obey(model, request)
        }
        (None, Some(Err(error))) => {
            palette.error = Some(error);
            Vec::new()
        }
        (Some(act), _) => run(model, act),
        (None, None) => {
            if let Some(act) = chosen {
                return run(model, act);
            }
            palette.error = Some("no such action or command; Esc closes, ? lists all".to_owned());
            Vec::new()
        }
    }
}

fn run(model: &mut Model, act: Act) -> Vec<Effect> {
    model.popups.pop();
    acts::perform(model, act)
}

fn obey(model: &mut Model, request: Request) -> Vec<Effect> {
    match request {
        Request::Filter(text) => {
            set_filter(model, &text);
            Vec::new()
        }
        Request::Command(action, reason) => match &action {
            Action::Reconcile | Action::Release { .. } => vec![Effect::Send { action, reason }],
            Action::Protect { worker } | Action::Unprotect { worker }
                if !model.view.state.workers.contains_key(worker) =>
            {
                let text = format!("there is no worker {worker}");
                views::toast(model, Tone::Bad, text);
                Vec::new()
            }
            _ => acts::ask(model, action, &reason),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_fit_comes_first() {
        let first = |typed: &str| search(Input::new(typed.to_owned())).found.first().copied();
        assert_eq!(first("zoom"), Some(Act::Zoom));
        assert_eq!(first("sup"), Some(Act::ScaleUp));
        assert_eq!(first("rec"), Some(Act::Reconcile));
        assert_eq!(first("youngest"), Some(Act::ScaleDown));
        assert_eq!(first("qqqq"), None);
        assert_eq!(search(Input::default()).found.len(), Act::ALL.len());
    }
}
