//! The workers: one a row, with gauges that have the thresholds marked. What is unknown is `–`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use windlass::model::{ContainerState, ObservedWorker, Thresholds, Worker, WorkerKind, WorkerStatus};

use super::super::layout::Pane;
use super::super::model::Model;
use super::super::theme::Theme;
use super::gauge;
use super::text::{fit, fit_end, left, right, span};
use crate::format;

/// The widths of the columns that have no fixed one.
struct Columns {
    name: usize,
    kind: usize,
    gauge: usize,
    container: bool,
    note: usize,
}

const STATUS: usize = 11;
const CONTAINER: usize = 12;

impl Columns {
    /// The essential ones first; then the container, then wider gauges, then notes.
    fn of(width: usize, widest_name: usize) -> Self {
        let name = widest_name.clamp(10, 28).min(width.saturating_sub(55).max(10));
        let mut columns = Self { name, kind: 6, gauge: 5, container: false, note: 0 };
        let mut spare = width.saturating_sub(columns.used());
        let mut take = |cells: usize| {
            let enough = spare >= cells;
            if enough {
                spare -= cells;
            }
            enough
        };
        columns.container = take(CONTAINER + 1);
        if take(5) {
            columns.kind = 11;
        }
        while columns.gauge < 10 && take(2) {
            columns.gauge += 1;
        }
        if take(16) {
            columns.note = 15;
            while columns.gauge < 18 && columns.note < 40 && take(3) {
                columns.gauge += 1;
                columns.note += 1;
            }
            columns.note += spare;
        } else {
            while take(2) {
                columns.gauge += 1;
            }
        }
        columns
    }

    fn used(&self) -> usize {
        // marker, gaps, two gauges with their percentage, age
        2 + self.name + 1 + self.kind + 1 + STATUS + 1 + 2 * (self.gauge + 6) + 6
    }
}

pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let columns = Columns::of(usize::from(area.width.saturating_sub(1)), model.roster.widest);
    let thresholds = model.view.engine.as_ref().map(|engine| engine.thresholds);
    let mut rows = area.rows();
    if let Some(row) = rows.next() {
        buf.set_line(row.x, row.y, &headings(&columns, thresholds, &model.theme), row.width);
    }
    if model.roster.order.is_empty() {
        if let Some(row) = rows.next() {
            let text = if model.view.engine.is_some() { "  no workers" } else { "  no workers are known yet" };
            buf.set_stringn(row.x, row.y, text, row.width.into(), model.theme.faint);
        }
        return;
    }
    for (name, row) in model.roster.order.iter().skip(model.roster.offset).zip(rows) {
        let Some(worker) = model.view.state.workers.get(name) else {
            continue;
        };
        let selected = model.roster.selected.as_ref() == Some(name);
        let line = worker_line(model, worker, thresholds, &columns, selected);
        buf.set_line(row.x, row.y, &line, row.width);
        if selected && model.focus == Pane::Workers {
            buf.set_style(row, model.theme.selected);
        }
    }
}

fn headings(columns: &Columns, thresholds: Option<Thresholds>, theme: &Theme) -> Line<'static> {
    let load = |name: &str, bounds: Option<(f64, f64)>| {
        let bounds = bounds.map_or_else(String::new, |(low, high)| format!(" {low:.0}·{high:.0}"));
        left(&format!("{name}{bounds}"), columns.gauge + 6)
    };
    let mut text = format!(
        "  {} {} {} {}{}{}",
        left("NAME", columns.name),
        left("KIND", columns.kind),
        left("STATUS", STATUS),
        load("CPU", thresholds.map(|t| (t.cpu_low, t.cpu_high))),
        load("MEM", thresholds.map(|t| (t.memory_low, t.memory_high))),
        right("AGE", 6),
    );
    if columns.container {
        text.push(' ');
        text.push_str(&left("CONTAINER", CONTAINER));
    }
    if columns.note > 0 {
        text.push_str(" NOTE");
    }
    Line::from(span(text, theme.faint))
}

fn worker_line(
    model: &Model,
    worker: &Worker,
    thresholds: Option<Thresholds>,
    columns: &Columns,
    selected: bool,
) -> Line<'static> {
    let theme = &model.theme;
    let seen = model.view.observation.as_deref().and_then(|seen| seen.workers.get(&worker.name));
    let mut parts = vec![
        span(if selected { "▸ " } else { "  " }, theme.accent),
        span(
            left(&fit_end(worker.name.as_str(), columns.name), columns.name),
            if selected { theme.strong } else { theme.text },
        ),
        span(" ", theme.text),
    ];
    parts.extend(kind(worker, columns.kind, theme));
    let (mark, style) = status_mark(worker.status, theme);
    parts.push(span(left(&format!(" {mark} {}", worker.status), STATUS + 1), style));
    parts.push(span(" ", theme.text));
    let ticks =
        |low: Option<f64>, high: Option<f64>| [low, high].into_iter().flatten().map(|p| p / 100.0).collect::<Vec<_>>();
    let cpu = seen.and_then(|seen| seen.cpu_percent);
    let memory = seen.and_then(|seen| seen.memory_percent);
    let cpu_ticks = ticks(thresholds.map(|t| t.cpu_low), thresholds.map(|t| t.cpu_high));
    let memory_ticks = ticks(thresholds.map(|t| t.memory_low), thresholds.map(|t| t.memory_high));
    parts.extend(load(cpu, columns.gauge, &cpu_ticks, thresholds.map_or(100.0, |t| t.cpu_high), theme));
    parts.extend(load(memory, columns.gauge, &memory_ticks, thresholds.map_or(100.0, |t| t.memory_high), theme));
    parts.push(span(right(&format::age(worker.created_at, model.shown_now()), 6), theme.text));
    if columns.container {
        parts.push(span(format!(" {}", left(worker.container_id.short(), CONTAINER)), theme.faint));
    }
    if columns.note > 0 {
        let (text, style) = note(worker, seen, theme);
        parts.push(span(format!(" {}", fit(&text, columns.note)), style));
    }
    Line::from(parts)
}

/// The mark that goes with a status's word.
pub fn status_mark(status: WorkerStatus, theme: &Theme) -> (&'static str, Style) {
    match status {
        WorkerStatus::Starting => ("◔", theme.warn),
        WorkerStatus::Ready => ("●", theme.good),
        WorkerStatus::Unhealthy => ("✗", theme.bad),
        WorkerStatus::Draining => ("◌", theme.person),
    }
}

fn kind(worker: &Worker, cells: usize, theme: &Theme) -> Vec<Span<'static>> {
    let word = match (worker.kind, cells < 11) {
        (WorkerKind::Permanent, true) => "perm",
        (WorkerKind::Dynamic, true) => "dyn",
        (WorkerKind::Permanent, false) => "permanent",
        (WorkerKind::Dynamic, false) => "dynamic",
    };
    let style = if worker.kind == WorkerKind::Permanent { theme.accent } else { theme.text };
    match worker.protected {
        Some(_) => vec![span(left(word, cells - 2), style), span(" ◆", theme.person)],
        None => vec![span(left(word, cells), style)],
    }
}

fn load(value: Option<f64>, cells: usize, ticks: &[f64], high: f64, theme: &Theme) -> Vec<Span<'static>> {
    let style = gauge::level(value, high, theme);
    let mut parts = gauge::line(value.map(|value| value / 100.0), cells, ticks, style, theme);
    parts.push(span(format!("{} ", right(&format::percent(value), 5)), style));
    parts
}

/// What is unusual about a worker.
fn note(worker: &Worker, seen: Option<&ObservedWorker>, theme: &Theme) -> (String, Style) {
    if let Some(protection) = &worker.protected {
        return (format!("{}: {}", protection.actor, protection.reason), theme.person);
    }
    match seen.map(|seen| &seen.state) {
        None => ("not seen in the cluster".to_owned(), theme.warn),
        Some(ContainerState::Exited { code: Some(code) }) => (format!("exited with {code}"), theme.bad),
        Some(ContainerState::Exited { code: None }) => ("exited".to_owned(), theme.bad),
        Some(ContainerState::Paused) => ("container paused".to_owned(), theme.warn),
        Some(ContainerState::Restarting) => ("container restarting".to_owned(), theme.warn),
        Some(ContainerState::Created) => ("container created".to_owned(), theme.warn),
        Some(ContainerState::Running) => match seen.and_then(|seen| seen.node.as_deref()) {
            Some(node) => (format!("node {node}"), theme.faint),
            None => (String::new(), theme.faint),
        },
    }
}
