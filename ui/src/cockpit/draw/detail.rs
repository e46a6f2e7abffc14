//! Popups that tell: an event with its data and its chain of causes, a worker with its story.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::{Line, Span};
use serde_json::Value;
use windlass::model::{Event, WorkerName};

use super::super::chain::{Chain, Root};
use super::super::keys::Act;
use super::super::model::Model;
use super::super::popup::EventDetail;
use super::super::timeline::scrolled;
use super::super::track::operation_of;
use super::frame::popup;
use super::menus::choices;
use super::page::Page;
use super::text::{fit, left, line, span, width, wrap};
use super::timeline::{actor_style, event_line, severity_mark};
use super::workers::status_mark;
use crate::describe::{describe, workers_of};
use crate::format;

/// An event with all its data, what caused it, and what followed.
pub fn event(model: &Model, detail: &EventDetail, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let event = detail.event()?;
    let cells = usize::from(screen.width.saturating_sub(10).min(118));
    let facts = facts(model, event, cells);
    let links = chain_lines(model, &detail.chain, detail.cursor, cells);
    let height = (facts.len() + links.len() + 5).min(usize::from(screen.height.saturating_sub(2)));
    let inner = popup(model, screen, cells as u16 + 4, height as u16, event.event_type().name(), buf);
    // At least a third is the chain's: "why?" is what one opens an event for.
    let room = usize::from(inner.height).saturating_sub(3);
    let top = facts.len().min(room.saturating_sub(links.len().min((room / 3).max(4))));
    for (line, row) in facts.iter().take(top).zip(inner.rows()) {
        buf.set_line(row.x, row.y, line, row.width);
    }
    let (heading, rows) = (inner.y + top as u16, room - top);
    buf.set_stringn(inner.x, heading, rule("what led to it, and what followed", cells), cells, model.theme.faint);
    let offset = scrolled(0, detail.cursor + 1, links.len(), rows);
    for (line, row) in links.iter().skip(offset).take(rows).zip(inner.rows().skip(top + 1)) {
        buf.set_line(row.x, row.y, line, row.width);
    }
    let keys = &model.options.keys;
    let (open, filter) = (keys.hint(Act::Operation), keys.hint(Act::FilterOperation));
    let mut hints = vec![("j/k", "along the chain"), ("enter", "open")];
    if detail.chosen().and_then(|event| operation_of(event)).is_some() {
        hints.extend([(open.as_str(), "operation"), (filter.as_str(), "filter")]);
    }
    hints.push(("esc", "close"));
    choices(model, &hints, inner, buf);
    None
}

fn rule(text: &str, cells: usize) -> String {
    format!("{text} {}", "─".repeat(cells.saturating_sub(width(text) + 1)))
}

fn facts(model: &Model, event: &Event, cells: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let (mark, style) = severity_mark(event.severity(), theme);
    let mut lines: Vec<_> =
        wrap(&describe(&event.data), cells).into_iter().map(|text| line([(text, theme.strong)])).collect();
    lines.push(line([(fit(event.event_type().when().trim(), cells), theme.faint)]));
    lines.push(Line::default());
    let when = format!(
        "{} UTC, {} ago",
        event.timestamp.format("%Y-%m-%d %H:%M:%S%.3f"),
        format::age(event.timestamp, model.shown_now())
    );
    lines.push(line([(left("when", 10), theme.faint), (when, theme.text)]));
    lines.push(Line::from(vec![
        span(left("severity", 10), theme.faint),
        span(format!("{mark} {}", event.severity()), style),
        span("   by ", theme.faint),
        span(event.actor.to_string(), actor_style(&event.actor, theme)),
        span(format!("   from {}", event.source), theme.faint),
    ]));
    lines.push(line([(left("id", 10), theme.faint), (event.event_id.to_string(), theme.faint)]));
    if let Some(operation) = event.correlation_id {
        lines.push(line([(left("operation", 10), theme.faint), (operation.to_string(), theme.faint)]));
    }
    lines.push(Line::default());
    lines.extend(data_lines(model, event, cells));
    lines
}

/// Each field of the event's data with its value and what it means.
fn data_lines(model: &Model, event: &Event, cells: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let json = serde_json::to_value(&event.data).unwrap_or_default();
    let fields = event.event_type().fields();
    let widest = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    fields
        .iter()
        .map(|(name, meaning)| {
            let value = shown(json.get("data").and_then(|data| data.get(name)));
            let value = fit(&value, cells.saturating_sub(widest + 2));
            let rest = cells.saturating_sub(widest + 2 + width(&value) + 3);
            let meaning = if rest > 12 { format!("   {}", fit(meaning.trim(), rest)) } else { String::new() };
            line([(left(name, widest + 2), theme.accent), (value, theme.text), (meaning, theme.faint)])
        })
        .collect()
}

/// A value as a person reads it; null is unknown.
fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "unknown".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number
            .as_f64()
            .filter(|_| number.is_f64())
            .map_or_else(|| number.to_string(), |value| format!("{value:.1}")),
        Some(Value::Array(items)) if items.is_empty() => "none".to_owned(),
        Some(Value::Array(items)) => items.iter().map(|item| shown(Some(item))).collect::<Vec<_>>().join(", "),
        Some(other) => other.to_string(),
    }
}

fn chain_lines(model: &Model, chain: &Chain, cursor: usize, cells: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let root = match &chain.root {
        Root::Itself => "it began with what was observed:".to_owned(),
        Root::Command(name) => format!("it began with a command by {name}:"),
        Root::Older(id) => format!("it began before what is held here: {id}"),
    };
    let mut lines = vec![line([(format!("  {}", fit(&root, cells.saturating_sub(2))), theme.faint)])];
    for (place, link) in chain.links.iter().enumerate() {
        let (mark, style) = severity_mark(link.event.severity(), theme);
        let name = link.event.event_type().name();
        let (pointer, own) = (if place == cursor { "▸ " } else { "  " }, place == chain.own);
        let indent = "  ".repeat(link.depth.min(12));
        let branch = if place == 0 && chain.root == Root::Itself { "" } else { "└ " };
        let age = format::age(link.event.timestamp, model.shown_now());
        let head = format!("{indent}{branch}");
        let used = 2 + width(&head) + 2 + name.len() + 1 + 8;
        let text = fit(&describe(&link.event.data), cells.saturating_sub(used));
        let parts: Vec<Span<'static>> = vec![
            span(pointer, theme.accent),
            span(head, theme.faint),
            span(format!("{mark} "), style),
            span(name, if own { theme.accent.patch(theme.strong) } else { style.patch(theme.strong) }),
            span(format!(" {}", left(&age, 6)), theme.faint),
            span(format!(" {text}"), theme.text),
        ];
        lines.push(Line::from(parts));
    }
    if chain.left_out > 0 {
        lines.push(line([(format!("  … and at least {} more", chain.left_out), theme.faint)]));
    }
    lines
}

/// A worker with all that is known of it, and the events that name it.
pub fn worker(model: &Model, name: &WorkerName, screen: Size) -> Page {
    let cells = usize::from(screen.width.saturating_sub(10).min(110));
    Page { title: name.to_string(), cells, lines: worker_lines(model, name, cells) }
}

fn worker_lines(model: &Model, name: &WorkerName, cells: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let now = model.shown_now();
    let field = |label: &str, value: String| line([(left(label, 12), theme.faint), (value, theme.text)]);
    let mut lines = Vec::new();
    if let Some(worker) = model.view.state.workers.get(name) {
        let (mark, style) = status_mark(worker.status, theme);
        lines.push(line([
            (left("status", 12), theme.faint),
            (format!("{mark} {}", worker.status), style),
            (format!("   {}", worker.kind), theme.text),
        ]));
        let created = worker.created_at.format("%Y-%m-%d %H:%M:%S");
        lines.push(field("created", format!("{created} UTC, {} ago", format::age(worker.created_at, now))));
        lines.push(field("last seen", format!("{} ago", format::age(worker.last_seen, now))));
        lines.push(field("container", worker.container_id.0.clone()));
        if let Some(protection) = &worker.protected {
            let since = format::age(protection.since, now);
            lines.push(line([
                (left("protected", 12), theme.faint),
                (format!("◆ by {} for {since}: {}", protection.actor, protection.reason), theme.person),
            ]));
        }
    } else {
        lines.push(line([("it is gone; this is what the timeline tells".to_owned(), theme.warn)]));
    }
    if let Some(seen) = model.view.observation.as_deref().and_then(|seen| seen.workers.get(name)) {
        let load =
            format!("cpu {}   memory {}", format::percent(seen.cpu_percent), format::percent(seen.memory_percent));
        lines.push(field("load", load));
        if let Some(node) = &seen.node {
            lines.push(field("node", node.clone()));
        }
    }
    if let Some(step) = model.view.state.operation_of(name).and_then(|operation| operation.step_of(name)) {
        lines.push(field("operation", format!("under way: {step}")));
    }
    lines.push(Line::default());
    lines.push(line([(rule("its events, newest first", cells), theme.faint)]));
    let events = model.view.events.iter().rev().filter(|event| workers_of(&event.data).contains(name)).take(100);
    lines.extend(events.map(|event| Line::from(event_line(model, event, cells))));
    lines
}
