//! The two lines at the bottom: what was just done, and what may be done.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use windlass::model::{Actor, Outcome};

use super::super::keys::Act;
use super::super::layout::{Pane, Places};
use super::super::model::{Model, Tone};
use super::text::{fit, line, span, width};
use crate::format;

/// Draws both lines; returns the text cursor where a filter is being typed.
pub fn draw(model: &Model, places: &Places, buf: &mut Buffer) -> Option<Position> {
    hints(model, places.hints, buf);
    if let Some(input) = &model.filtering {
        return Some(filter(model, input, places.status, buf));
    }
    let area = places.status;
    buf.set_line(area.x, area.y, &said(model, area.width.into()), area.width);
    None
}

fn filter(model: &Model, input: &tui_input::Input, area: Rect, buf: &mut Buffer) -> Position {
    let theme = &model.theme;
    let label = " filter / ";
    let (help, style) = if let Some(mistake) = model.timeline.filter.mistake() {
        (format!("{mistake} "), theme.bad)
    } else {
        let found = format::count(model.timeline.rows.len() as u64);
        let of = format::count(model.view.events.len() as u64);
        let keys = match area.width {
            130.. => "words, type: severity: worker: function: operation: actor:   enter keeps, ",
            100.. => "enter keeps, ",
            _ => "",
        };
        (format!("{found} of {of} match   {keys}esc clears "), theme.faint)
    };
    let help = fit(&help, usize::from(area.width).saturating_sub(label.len() + 12));
    let room = usize::from(area.width).saturating_sub(label.len() + width(&help) + 2);
    field(input, Rect { x: area.x + label.len() as u16, width: room as u16, ..area }, buf, model)
        .inspect(|_| {
            buf.set_stringn(area.x, area.y, label, label.len(), theme.accent);
            let cells = width(&help);
            buf.set_stringn(area.right().saturating_sub(cells as u16), area.y, &help, cells, style);
        })
        .unwrap_or(area.as_position())
}

/// A text field; returns where its cursor is, unless there is no room at all.
pub fn field(input: &tui_input::Input, area: Rect, buf: &mut Buffer, model: &Model) -> Option<Position> {
    let cells = usize::from(area.width);
    if cells < 2 {
        return None;
    }
    let scroll = input.visual_scroll(cells - 1);
    let mut skipped = 0;
    let shown: String = input
        .value()
        .chars()
        .skip_while(|c| {
            let skip = skipped < scroll;
            skipped += width(c.encode_utf8(&mut [0; 4]));
            skip
        })
        .collect();
    buf.set_stringn(area.x, area.y, shown, cells, model.theme.strong);
    let at = input.visual_cursor().saturating_sub(scroll).min(cells - 1);
    Some(Position::new(area.x + at as u16, area.y))
}

/// What was just done; where nothing was, the last scaling.
fn said(model: &Model, cells: usize) -> Line<'static> {
    let theme = &model.theme;
    if let Some(toast) = &model.toast {
        let (mark, style) = match toast.tone {
            Tone::Sent => ("…", theme.accent),
            Tone::Good => ("✓", theme.good),
            Tone::Bad => ("✗", theme.bad),
            Tone::Note => ("·", theme.accent),
        };
        let text = fit(&toast.text, cells.saturating_sub(4));
        return line([(format!(" {mark} "), style), (text, style.patch(theme.strong))]);
    }
    if let Some(waiting) = model.waiting.first() {
        let text =
            format!(" … waiting for an answer to \"{}\", {}", waiting.text, format::age(waiting.since, model.now));
        return line([(fit(&text, cells), theme.accent)]);
    }
    let Some(record) = model.view.state.operation_history.front() else {
        return line([(" nothing has been scaled yet".to_owned(), theme.faint)]);
    };
    let operation = &record.operation;
    let who = match &operation.actor {
        Actor::Engine => operation.origin.to_string(),
        Actor::Person(name) => name.clone(),
    };
    let end = if record.outcome == Outcome::Completed { "scaled" } else { "failed to scale" };
    let ago = format::age(record.ended_at, model.shown_now());
    let text =
        format!(" last: {end} {} by {}, {ago} ago, {who}: {}", operation.direction, operation.count, operation.reason);
    line([(fit(&text, cells), theme.faint)])
}

fn hints(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let here: &[(Act, &str)] = match model.focus {
        Pane::Workers => &[
            (Act::Detail, "detail"),
            (Act::Protect, "protect"),
            (Act::Sort, "sort"),
            (Act::Pause, "pause"),
            (Act::Filter, "filter"),
            (Act::Zoom, "zoom"),
        ],
        Pane::Timeline => &[
            (Act::Filter, "filter"),
            (Act::Detail, "detail"),
            (Act::Operation, "operation"),
            (Act::Follow, "follow"),
            (Act::Pause, "pause"),
            (Act::Zoom, "zoom"),
        ],
        Pane::Why => &[(Act::WhyDirection, "up/down"), (Act::Zoom, "zoom"), (Act::Pause, "pause")],
        Pane::Pools => &[
            (Act::Detail, "open"),
            (Act::PoolUp, "add"),
            (Act::PoolDown, "take"),
            (Act::PoolDrain, "drain"),
            (Act::PoolWake, "wake"),
            (Act::Filter, "filter"),
        ],
        Pane::Operations => &[(Act::Detail, "steps"), (Act::Zoom, "zoom"), (Act::Pause, "pause")],
        _ => &[(Act::Zoom, "zoom"), (Act::Pause, "pause")],
    };
    let first = [(Act::ScaleUp, "up"), (Act::ScaleDown, "down"), (Act::Hold, "hold"), (Act::Release, "release")];
    let last = [(Act::Palette, "command"), (Act::Help, "help"), (Act::Quit, "quit")];
    let hint = |(act, word): &(Act, &str)| {
        let key = model.options.keys.hint(*act).replace("enter", "⏎");
        (width(&key) + word.len() + 3, key, (*word).to_owned())
    };
    let cells = |hints: &[(usize, String, String)]| hints.iter().map(|(cells, ..)| cells).sum::<usize>();
    let mut shown: Vec<_> = first.iter().map(hint).collect();
    let end: Vec<_> = last.iter().map(hint).collect();
    // The way to everything else is always shown; what fits this pane only where there is room.
    let room = usize::from(area.width) + 1;
    for extra in here.iter().map(hint) {
        if 1 + cells(&shown) + extra.0 + cells(&end) <= room {
            shown.push(extra);
        }
    }
    let mut parts = vec![span(" ", theme.text)];
    for (_, key, word) in shown.into_iter().chain(end) {
        parts.push(span(key, theme.accent.patch(theme.strong)));
        parts.push(span(format!(" {word}  "), theme.faint));
    }
    buf.set_line(area.x, area.y, &Line::from(parts), area.width);
}
