//! Running operations with the step of each worker, then the ended ones, newest first.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use uuid::Uuid;
use windlass::model::{Actor, Direction, Operation, OperationRecord, Outcome, Step};

use super::super::layout::Pane;
use super::super::model::Model;
use super::super::theme::Theme;
use super::gauge;
use super::text::{fit, fit_end, left, line, right, span};
use crate::format;

pub fn lines(model: &Model, area: Rect) -> Vec<Line<'static>> {
    let width = usize::from(area.width).saturating_sub(1);
    let state = &model.view.state;
    let mut lines = Vec::new();
    if state.operations.is_empty() {
        lines.push(line([(" nothing under way".to_owned(), model.theme.faint)]));
    }
    let selected = model.ledger.selected();
    let mut add = |id: Uuid, of_one: Vec<Line<'static>>| {
        let here = selected == Some(id);
        for (place, mut text) in of_one.into_iter().enumerate() {
            let pointer = if here && place == 0 { "▸" } else { " " };
            text.spans.insert(0, span(pointer, model.theme.accent));
            if here && place == 0 && model.focus == Pane::Operations {
                text = filled(text, width + 1).patch_style(model.theme.selected);
            }
            lines.push(text);
        }
    };
    state.operations.values().for_each(|operation| add(operation.id, running(model, operation, width)));
    state.operation_history.iter().for_each(|record| add(record.operation.id, vec![ended(model, record, width)]));
    lines
}

/// The line at which the selected operation begins, and how many lines there are.
#[must_use]
pub fn place(model: &Model, area: Rect) -> (usize, usize) {
    let state = &model.view.state;
    let heights = state.operations.values().map(|operation| (operation.id, 2 + operation.workers.len().max(1)));
    let ended = state.operation_history.iter().map(|record| (record.operation.id, 1));
    let (mut first, mut len) = (0, usize::from(state.operations.is_empty()));
    for (id, height) in heights.chain(ended) {
        if model.ledger.selected() == Some(id) {
            // The whole of it where there is room; its beginning in any case.
            first = if height <= usize::from(area.height) { len + height - 1 } else { len };
        }
        len += height;
    }
    (first, len)
}

/// A line that goes on to the end of its row.
fn filled(mut text: Line<'static>, cells: usize) -> Line<'static> {
    let used = text.width();
    text.spans.push(span(" ".repeat(cells.saturating_sub(used)), Style::new()));
    text
}

fn mark(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "▲",
        Direction::Down => "▼",
    }
}

fn sign(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "+",
        Direction::Down => "-",
    }
}

fn running(model: &Model, operation: &Operation, width: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let who = match &operation.actor {
        Actor::Engine => operation.origin.to_string(),
        Actor::Person(name) => name.clone(),
    };
    let title = format!(
        "{} scale {} {}{}  ",
        mark(operation.direction),
        operation.direction,
        sign(operation.direction),
        operation.count
    );
    let why = fit(&format!("{who} · {}", operation.reason), width.saturating_sub(title.chars().count()));
    let mut lines = vec![line([(title, theme.strong), (why, theme.faint)])];
    lines.push(progress(model, operation, width));
    let cells = width.saturating_sub(14).min(32);
    for worker in &operation.workers {
        let (step, style) = step_mark(worker.step, theme);
        lines.push(line([
            (format!("  {step} "), style),
            (left(&fit_end(worker.name.as_str(), cells), cells), theme.text),
            (left(&worker.step.to_string(), 10), style),
        ]));
    }
    if operation.workers.is_empty() {
        lines.push(line([("  names are being given".to_owned(), theme.faint)]));
    }
    lines
}

fn progress(model: &Model, operation: &Operation, width: usize) -> Line<'static> {
    let theme = &model.theme;
    let share = operation.progress();
    let elapsed = format::age(operation.decided_at, model.shown_now());
    let mut parts = vec![span("  ", theme.text)];
    parts.extend(gauge::line(Some(share), width.saturating_sub(16).clamp(4, 40), &[], theme.warn, theme));
    parts.push(span(right(&format::percent(Some(share * 100.0)), 5), theme.strong));
    parts.push(span(format!(" {}", right(&elapsed, 6)), theme.text));
    Line::from(parts)
}

/// A running operation in one line.
pub fn brief(model: &Model, operation: &Operation, width: usize) -> Line<'static> {
    let theme = &model.theme;
    let title = format!("{} {}{}", mark(operation.direction), sign(operation.direction), operation.count);
    let elapsed = format::age(operation.decided_at, model.shown_now());
    let share = operation.progress();
    let mut parts = vec![span(left(&title, 8), theme.text)];
    parts.extend(gauge::line(Some(share), width.saturating_sub(20).clamp(4, 38), &[], theme.warn, theme));
    parts.push(span(right(&format::percent(Some(share * 100.0)), 5), theme.strong));
    parts.push(span(format!(" {}", right(&elapsed, 6)), theme.text));
    Line::from(parts)
}

fn step_mark(step: Step, theme: &Theme) -> (&'static str, Style) {
    match step {
        Step::Allocated | Step::Chosen => ("○", theme.faint),
        Step::Created | Step::Registered | Step::Drained | Step::Removed => ("◑", theme.warn),
        Step::Ready | Step::Confirmed => ("●", theme.good),
        Step::Failed => ("✗", theme.bad),
    }
}

fn ended(model: &Model, record: &OperationRecord, width: usize) -> Line<'static> {
    let theme = &model.theme;
    let operation = &record.operation;
    let (outcome, style) = match record.outcome {
        Outcome::Completed => ("✓", theme.good),
        Outcome::Failed => ("✗", theme.bad),
    };
    let took = format::age(operation.decided_at, record.ended_at);
    let who = match &operation.actor {
        Actor::Engine => operation.origin.to_string(),
        Actor::Person(name) => name.clone(),
    };
    let count = format!("{} {}{:<2}", mark(operation.direction), sign(operation.direction), operation.count);
    let fixed = format!(" {count} {} ", right(&took, 6));
    let ago = right(&format::age(record.ended_at, model.shown_now()), 6);
    let ago = if width < 40 { format!(" {ago}") } else { format!(" {ago} ago") };
    let room = width.saturating_sub(fixed.chars().count() + ago.len() + 1);
    let why =
        record.error.as_ref().map_or_else(|| format!("{who}: {}", operation.reason), |error| format!("{who}: {error}"));
    line([(outcome.to_owned(), style), (fixed, theme.text), (left(&why, room), theme.faint), (ago, theme.faint)])
}
