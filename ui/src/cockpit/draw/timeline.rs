//! The events that pass the filter, newest at the bottom: age, severity, type, a sentence, and who.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use windlass::model::{Actor, Event, Severity};

use super::super::layout::Pane;
use super::super::model::Model;
use super::super::theme::Theme;
use super::text::{fit, left, right, span};
use crate::describe::describe;
use crate::format;

/// The longest name of an event's type.
const TYPE: usize = 23;

pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let timeline = &model.timeline;
    if timeline.rows.is_empty() {
        let text = if timeline.filter.is_empty() { "no events yet" } else { "no event passes the filter; x clears it" };
        buf.set_stringn(area.x, area.y, text, area.width.into(), model.theme.faint);
        return;
    }
    for ((index, event), row) in timeline.rows.iter().enumerate().skip(timeline.offset).zip(area.rows()) {
        let selected = timeline.selected == Some(index);
        let mut parts = vec![span(if selected { "▸" } else { " " }, model.theme.accent)];
        parts.extend(event_line(model, event, usize::from(row.width).saturating_sub(1)));
        buf.set_line(row.x, row.y, &Line::from(parts), row.width);
        if selected && model.focus == Pane::Timeline {
            buf.set_style(row, model.theme.selected);
        }
    }
}

/// One event in a row of so many cells.
pub fn event_line(model: &Model, event: &Event, cells: usize) -> Vec<Span<'static>> {
    let theme = &model.theme;
    let (mark, style) = severity_mark(event.severity(), theme);
    let actor = if cells >= 100 { 12 } else { 7 };
    let room = cells.saturating_sub(6 + 3 + TYPE + 1 + 1 + actor);
    let text_style = if event.severity() == Severity::Critical { theme.strong } else { theme.text };
    vec![
        span(right(&format::age(event.timestamp, model.shown_now()), 6), theme.faint),
        span(format!(" {mark} "), style),
        span(left(event.event_type().name(), TYPE + 1), style),
        span(left(&describe(&event.data), room), text_style),
        span(format!(" {}", fit(&event.actor.to_string(), actor)), actor_style(&event.actor, theme)),
    ]
}

/// The mark that goes with a severity.
pub fn severity_mark(severity: Severity, theme: &Theme) -> (&'static str, Style) {
    match severity {
        Severity::Info => ("·", theme.faint),
        Severity::Warning => ("▲", theme.warn),
        Severity::Critical => ("✖", theme.bad),
    }
}

/// People stand out from the engine.
pub fn actor_style(actor: &Actor, theme: &Theme) -> Style {
    match actor {
        Actor::Engine => theme.faint,
        Actor::Person(_) => theme.person,
    }
}
