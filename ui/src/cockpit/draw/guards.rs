//! What keeps each direction from moving: cooldowns with the time they have left, holds with their owner and reason.

use chrono::TimeDelta;
use ratatui::layout::Rect;
use ratatui::text::Line;
use windlass::model::{Direction, Hold};

use super::super::model::Model;
use super::text::{fit, left, line, right, span, wrap};
use super::{gauge, operations};
use crate::format;

pub fn lines(model: &Model, area: Rect) -> Vec<Line<'static>> {
    let width = usize::from(area.width);
    let mut lines = Vec::new();
    if model.places().is_some_and(|places| places.tabbed) {
        // Operations have no place of their own here; a running one must not go unseen.
        lines.extend(model.view.state.operations.values().map(|running| operations::brief(model, running, width)));
    }
    for (direction, mark) in [(Direction::Up, "▲"), (Direction::Down, "▼")] {
        let label = format!("{mark} {:<6}", direction.word());
        lines.extend(direction_lines(model, direction, &label, width));
    }
    lines
}

fn direction_lines(model: &Model, direction: Direction, label: &str, width: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let now = model.shown_now();
    let state = &model.view.state;
    let mut lines = Vec::new();
    if let Some(hold) = state.hold(direction, now) {
        lines.extend(hold_lines(model, hold, label, width));
    }
    if let Some(until) = state.cooldown(direction, now) {
        let whole = model.view.engine.as_ref().map(|engine| match direction {
            Direction::Up => engine.cooldown_up,
            Direction::Down => engine.cooldown_down,
        });
        let share = whole.map(|whole| seconds(until - now) / whole.max(1.0));
        let label = if lines.is_empty() { label.to_owned() } else { " ".repeat(8) };
        let mut line = vec![span(label, theme.text), span("cooling ", theme.warn)];
        line.extend(gauge::line(share, bar(width), &[], theme.warn, theme));
        line.push(span(remaining(&format::left(until, now), width), theme.warn));
        lines.push(Line::from(line));
    }
    if lines.is_empty() {
        lines.push(line([(label.to_owned(), theme.text), ("free    ".to_owned(), theme.good)]));
    }
    lines
}

fn hold_lines(model: &Model, hold: &Hold, label: &str, width: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let now = model.shown_now();
    let share = seconds(hold.until - now) / seconds(hold.until - hold.placed_at).max(1.0);
    let mut first = vec![span(label.to_owned(), theme.text), span("HELD    ", theme.person.patch(theme.strong))];
    first.extend(gauge::line(Some(share), bar(width), &[], theme.person, theme));
    first.push(span(remaining(&format::left(hold.until, now), width), theme.person));
    let words = format!("{}: {}", hold.actor, hold.reason);
    let mut why = wrap(&words, width.saturating_sub(8));
    if width < ROOMY {
        why = vec![fit(&words, width.saturating_sub(8))];
    } else if why.len() > 2 {
        let rest = why.split_off(1).join(" ");
        why.push(fit(&rest, width.saturating_sub(8)));
    }
    let mut lines = vec![Line::from(first)];
    lines.extend(why.into_iter().map(|text| line([(left("", 8), theme.text), (text, theme.faint)])));
    lines
}

/// What is left for the bar after label, word and time.
fn bar(width: usize) -> usize {
    width.saturating_sub(if width < ROOMY { 24 } else { 29 }).clamp(2, 30)
}

/// Below this width the word "left" goes to the bar.
const ROOMY: usize = 38;

fn remaining(time: &str, width: usize) -> String {
    format!(" {}{}", right(time, 6), if width < ROOMY { "" } else { " left" })
}

fn seconds(length: TimeDelta) -> f64 {
    length.num_milliseconds() as f64 / 1000.0
}
