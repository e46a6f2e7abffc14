//! Tests of the cockpit as a whole: what is on the screen, and what each key does.

mod acts;
mod answers;
mod deliveries;
mod log;
mod pools;
mod popups;
mod screens;
mod styles;
mod track;

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;
use windlass::model::View;

use super::chord::Chord;
use super::{Effect, KeyMap, Message, Mode, Model, Options, Theme, draw, gallery, open, update};

/// A cockpit on the gallery's picture.
fn model(width: u16, height: u16) -> Model {
    model_of(gallery::view(), width, height)
}

fn model_of(view: View, width: u16, height: u16) -> Model {
    let now = view.at;
    let keys = KeyMap::new(&BTreeMap::new()).unwrap();
    let options = Options {
        actor: "anna".to_owned(),
        confirm: true,
        keys,
        mode: Mode::Attached,
        lease: gallery::LEASE,
        color: true,
    };
    let mut model = open(options, Theme::ansi(), Size { width, height }, Arc::new(view));
    model.history = super::history::History::default();
    if model.view.observation.is_some() {
        (0..40).rev().for_each(|looks| model.history.push(&gallery::earlier_observation(now, looks)));
    }
    model
}

/// Presses keys as an operator names them, apart by spaces; returns what is to be done outside.
fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    keys.split_whitespace()
        .flat_map(|key| {
            let chord: Chord = key.parse().unwrap();
            update(model, Message::Key(chord.event()))
        })
        .collect()
}

/// Types text, letter by letter.
fn type_text(model: &mut Model, text: &str) -> Vec<Effect> {
    let keys: Vec<_> = text.chars().map(|c| if c == ' ' { "space".to_owned() } else { c.to_string() }).collect();
    press(model, &keys.join(" "))
}

/// What is on the screen.
fn screen(model: &Model) -> String {
    terminal(model).backend().to_string()
}

fn buffer(model: &Model) -> Buffer {
    terminal(model).backend().buffer().clone()
}

fn terminal(model: &Model) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(model.size.width, model.size.height)).unwrap();
    terminal.draw(|frame| draw(model, frame)).unwrap();
    terminal
}
