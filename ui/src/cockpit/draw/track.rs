//! One operation, step by step.

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use windlass::model::{Actor, Direction, WorkerName};

use super::super::filter::short;
use super::super::keys::Act;
use super::super::model::Model;
use super::super::popup::OpenTrack;
use super::super::theme::Theme;
use super::super::timeline::scrolled;
use super::super::track::{End, Row, Stage, Track};
use super::frame::popup;
use super::menus::choices;
use super::text::{fit, fit_end, left, line, right, span, width, wrap};
use crate::describe::describe;
use crate::format;

/// Cells before the bar and the words: pointer, since the start, took, mark, step.
const FIXED: usize = 2 + 8 + 9 + 4 + 12;

/// Draws it; the steps keep at least half of the room.
pub fn draw(model: &Model, open: &OpenTrack, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let track = &open.track;
    let cells = usize::from(screen.width.saturating_sub(10).min(118));
    let facts = facts(model, track, cells);
    let rows = rows(model, open, cells);
    let height = (facts.len() + rows.len() + 6).min(usize::from(screen.height.saturating_sub(2)));
    let title = format!("operation {}", short(track.id));
    let inner = popup(model, screen, cells as u16 + 4, height as u16, &title, buf);
    let room = usize::from(inner.height).saturating_sub(4);
    let top = facts.len().min(room.saturating_sub(rows.len().min(room / 2)));
    for (line, row) in facts.iter().take(top).zip(inner.rows()) {
        buf.set_line(row.x, row.y, line, row.width);
    }
    let heading = format!("{:>10}{:>9}    {:<12}WORKER", "SINCE", "TOOK", "STEP");
    let y = inner.y + top as u16 + 1;
    buf.set_stringn(inner.x, y, heading, cells, model.theme.faint);
    let shown = room - top;
    let offset = scrolled(0, open.cursor, rows.len(), shown);
    for (line, row) in rows.iter().skip(offset).take(shown).zip(inner.rows().skip(top + 2)) {
        buf.set_line(row.x, row.y, line, row.width);
    }
    let filter = model.options.keys.hint(Act::FilterOperation);
    let hints =
        [("j/k", "along the steps"), ("enter", "its event"), (filter.as_str(), "filter by it"), ("esc", "close")];
    choices(model, &hints, inner, buf);
    None
}

fn facts(model: &Model, track: &Track, cells: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let mut lines = Vec::new();
    match &track.what {
        Some(what) => {
            let mark = if what.direction == Direction::Up { "▲" } else { "▼" };
            let text = format!("{mark} scale {} by {}: {}", what.direction, what.count, what.reason);
            lines.extend(wrap(&text, cells).into_iter().map(|text| line([(text, theme.strong)])));
            let (who, style) = match &what.actor {
                Actor::Engine => (format!("the engine ({})", what.origin), theme.text),
                Actor::Person(name) => (name.clone(), theme.person),
            };
            lines.push(line([(left("asked by", 10), theme.faint), (who, style)]));
        }
        None => lines.push(line([("what it was to do is held no more; its events tell this".to_owned(), theme.warn)])),
    }
    if let Some(began) = track.began {
        let ago = format::age(began, model.shown_now());
        let text = format!("{} UTC, {ago} ago", began.format("%Y-%m-%d %H:%M:%S%.3f"));
        lines.push(line([(left("decided", 10), theme.faint), (text, theme.text)]));
    }
    let (text, style) = outcome(model, track);
    for (place, text) in wrap(&text, cells.saturating_sub(10)).into_iter().enumerate() {
        lines.push(line([(left(if place == 0 { "outcome" } else { "" }, 10), theme.faint), (text, style)]));
    }
    if !track.rolled_back.is_empty() {
        let names: Vec<&str> = track.rolled_back.iter().map(WorkerName::as_str).collect();
        let text = fit(&names.join(", "), cells.saturating_sub(12));
        lines.push(line([(left("undone", 10), theme.faint), (format!("↺ {text}"), theme.warn)]));
    }
    lines
}

fn outcome(model: &Model, track: &Track) -> (String, Style) {
    let theme = &model.theme;
    let total =
        |end: DateTime<Utc>| track.began.map_or_else(|| format::UNKNOWN.to_owned(), |began| length(end - began));
    match &track.end {
        End::Running => (format!("… under way for {}", total(model.shown_now())), theme.warn),
        End::Completed(at) => (format!("✓ completed in {}", total(*at)), theme.good),
        End::Failed(at, why) => (format!("✗ failed after {}: {why}", total(*at)), theme.bad),
        End::Unknown => ("unknown: nothing that is held tells".to_owned(), theme.faint),
    }
}

fn rows(model: &Model, open: &OpenTrack, cells: usize) -> Vec<Line<'static>> {
    let track = &open.track;
    let widest = track.rows.iter().filter_map(|row| row.worker.as_ref()).map(|name| width(name.as_str())).max();
    let names = widest.map_or(0, |widest| widest.min(cells / 4) + 2);
    let scale = Scale::of(track, model.shown_now());
    let mut before: Option<&WorkerName> = None;
    let mut lines = Vec::new();
    for (place, row) in track.rows.iter().enumerate() {
        // A worker is named where its steps begin.
        let name = row.worker.as_ref().filter(|name| before != Some(*name)).map_or("", |name| name.as_str());
        before = row.worker.as_ref();
        lines.push(row_line(model, track, row, (place == open.cursor, name, names), scale, cells));
    }
    lines
}

fn row_line(
    model: &Model,
    track: &Track,
    row: &Row,
    (selected, name, names): (bool, &str, usize),
    scale: Option<Scale>,
    cells: usize,
) -> Line<'static> {
    let theme = &model.theme;
    let now = model.shown_now();
    let (mark, style) = mark(row.stage, theme);
    let since = row.at.zip(track.began).map_or_else(String::new, |(at, began)| format!("+{}", length(at - began)));
    let took = match row.stage {
        Stage::UnderWay => row.from.map_or_else(String::new, |from| format!("{}…", length(now - from))),
        Stage::Done | Stage::Failed | Stage::Unseen if row.name != "decided" => {
            row.took().map_or_else(|| format::UNKNOWN.to_owned(), length)
        }
        _ => String::new(),
    };
    let text_style = if row.stage == Stage::Waiting { theme.faint } else { theme.text };
    let mut parts = vec![
        span(if selected { "▸ " } else { "  " }, theme.accent),
        span(right(&since, 8), theme.faint),
        span(right(&took, 9), theme.strong),
        span(format!("  {mark} "), style),
    ];
    let rest = cells.saturating_sub(FIXED + names);
    if row.stage == Stage::After {
        let text = row.event.as_ref().map_or_else(String::new, |event| describe(&event.data));
        parts.push(span(fit(&text, cells.saturating_sub(FIXED - 12)), theme.faint));
        return Line::from(parts);
    }
    parts.push(span(left(row.name, 12), if row.stage == Stage::Failed { style } else { text_style }));
    parts.push(span(left(&fit_end(name, names.saturating_sub(1)), names), theme.text));
    let why = words(row);
    let bar = if why.is_empty() { rest } else { rest / 3 }.min(40);
    if let Some(scale) = scale.filter(|_| bar >= 10) {
        parts.extend(scale.bar(row, now, bar, style, theme));
    }
    if !why.is_empty() {
        let used = if bar >= 10 { bar + 1 } else { 0 };
        parts.push(span(format!(" {}", fit(&why, rest.saturating_sub(used + 1))), style));
    }
    Line::from(parts)
}

/// What is to be said of a step beside its time.
fn words(row: &Row) -> String {
    match (row.stage, &row.event) {
        (Stage::Unseen, _) => "done; its event is held no more".to_owned(),
        (Stage::Waiting, _) => "not reached".to_owned(),
        (Stage::Failed, Some(event)) if row.worker.is_some() => describe(&event.data),
        _ => String::new(),
    }
}

fn mark(stage: Stage, theme: &Theme) -> (&'static str, Style) {
    match stage {
        Stage::Done => ("●", theme.good),
        Stage::Unseen => ("●", theme.faint),
        Stage::UnderWay => ("◑", theme.warn),
        Stage::Waiting => ("○", theme.faint),
        Stage::Failed => ("✗", theme.bad),
        Stage::After => ("→", theme.faint),
    }
}

/// A length of time of a step: below a second in milliseconds.
fn length(time: TimeDelta) -> String {
    match time.num_milliseconds().max(0) {
        millis @ 0..1000 => format!("{millis}ms"),
        millis => format::seconds(millis as f64 / 1000.0),
    }
}

/// From the decision to the end, or to now.
#[derive(Debug, Clone, Copy)]
struct Scale {
    began: DateTime<Utc>,
    millis: f64,
}

impl Scale {
    fn of(track: &Track, now: DateTime<Utc>) -> Option<Self> {
        let began = track.began?;
        let end = match track.end {
            End::Running => now,
            _ => track.end.at()?,
        };
        let millis = (end - began).num_milliseconds();
        (millis > 0).then_some(Self { began, millis: millis as f64 })
    }

    /// When a step was worked on, between the operation's beginning and its end.
    fn bar(self, row: &Row, now: DateTime<Utc>, cells: usize, style: Style, theme: &Theme) -> Vec<Span<'static>> {
        let end = if row.stage == Stage::UnderWay { Some(now) } else { row.at };
        let Some((from, to)) = row.from.zip(end) else {
            return vec![span(" ".repeat(cells), theme.faint)];
        };
        let place = |at: DateTime<Utc>| {
            let share = (at - self.began).num_milliseconds() as f64 / self.millis;
            ((share.clamp(0.0, 1.0) * cells as f64).round() as usize).min(cells)
        };
        let first = place(from).min(cells - 1);
        let length = place(to).saturating_sub(first).max(1);
        vec![
            span("·".repeat(first), theme.faint),
            span("━".repeat(length), style),
            span("·".repeat(cells - first - length), theme.faint),
        ]
    }
}
