//! From one model to the next. Pure: time arrives in messages, what is to be done outside leaves as effects.

mod acts;
mod letters;
mod navigate;
mod palette;
mod pools;
mod popups;
mod views;

use std::sync::Arc;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Size;
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;
use windlass::model::View;

use super::filter::Filter;
use super::message::{Effect, Message};
use super::model::Model;
use super::options::Options;
use super::theme::Theme;
use navigate::settle;

/// A cockpit that shows its first view, on a terminal of a size.
#[must_use]
pub fn open(options: Options, theme: Theme, size: Size, view: Arc<View>) -> Model {
    let mut model = Model::new(options, theme, size, view);
    settle(&mut model);
    model
}

/// Takes a message in. Whether the screen must be drawn anew is asked by [`Model::take_stale_screen`].
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let effects = match message {
        Message::Key(key) if key.kind == KeyEventKind::Press => {
            model.stale_screen = true;
            on_key(model, key)
        }
        Message::Key(_) => Vec::new(),
        Message::Paste(text) => {
            model.stale_screen = true;
            on_paste(model, &text);
            Vec::new()
        }
        Message::Resize(width, height) => {
            model.size = Size { width, height };
            model.stale_screen = true;
            Vec::new()
        }
        Message::View(view) => {
            views::arrived(model, view);
            Vec::new()
        }
        Message::ViewsEnded => {
            model.ended = true;
            model.stale_screen = true;
            Vec::new()
        }
        Message::Tick(now) => {
            views::tick(model, now);
            Vec::new()
        }
        Message::Sent { command_id, action, at } => {
            views::sent(model, command_id, &action, at);
            Vec::new()
        }
        Message::SendFailed { action } => {
            views::send_failed(model, &action);
            Vec::new()
        }
    };
    settle(model);
    effects
}

fn on_key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        match key.code {
            KeyCode::Char('c') => return vec![Effect::Quit],
            KeyCode::Char('z') => return vec![Effect::Suspend],
            _ => {}
        }
    }
    if model.places().is_none() {
        // Nothing can be seen, so nothing may be done but leave.
        return if key.code == KeyCode::Char('q') { vec![Effect::Quit] } else { Vec::new() };
    }
    if !model.popups.is_empty() {
        return popups::on_key(model, key);
    }
    if model.filtering.is_some() {
        on_filter_key(model, key);
        return Vec::new();
    }
    if let Some(act) = model.options.keys.act(key) {
        return acts::perform(model, act);
    }
    if key.code == KeyCode::Esc {
        on_escape(model);
    }
    Vec::new()
}

/// Esc undoes what was last put on: the toast, the zoom, pools over everything else, the filter.
fn on_escape(model: &mut Model) {
    if model.toast.take().is_some() {
        return;
    }
    if std::mem::take(&mut model.zoomed) {
        return;
    }
    if pools::stand_alone(model) {
        model.focus = super::layout::Pane::Workers;
        return;
    }
    if !model.timeline.filter.is_empty() {
        set_filter(model, "");
    }
}

fn on_filter_key(model: &mut Model, key: KeyEvent) {
    match key.code {
        KeyCode::Enter => model.filtering = None,
        KeyCode::Esc => {
            model.filtering = None;
            set_filter(model, "");
        }
        _ => {
            if let Some(input) = &mut model.filtering {
                type_into(input, key);
                let text = input.value().to_owned();
                set_filter(model, &text);
            }
        }
    }
}

/// Filters the timeline.
fn set_filter(model: &mut Model, text: &str) {
    model.timeline.set_filter(Filter::parse(text), &model.view.events);
}

/// Gives a key to a text field.
fn type_into(input: &mut Input, key: KeyEvent) {
    input.handle_event(&TerminalEvent::Key(key));
}

/// Puts pasted text where the cursor is; line ends become spaces, so that a paste never confirms anything.
fn paste_into(input: &mut Input, text: &str) {
    for c in text.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }) {
        input.handle(tui_input::InputRequest::InsertChar(c));
    }
}

fn on_paste(model: &mut Model, text: &str) {
    if !model.popups.is_empty() {
        popups::on_paste(model, text);
    } else if let Some(input) = &mut model.filtering {
        paste_into(input, text);
        let text = input.value().to_owned();
        set_filter(model, &text);
    }
}
