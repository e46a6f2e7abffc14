//! The verdict: its conclusion as a sentence, then each gate with what was found, what it is held against, and when that may change.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use windlass::model::{Conclusion, Direction, Gate, GateKind, Unit, Verdict};

use super::super::model::Model;
use super::text::{fit, left, line, right, span, width, wrap};
use crate::format;

/// From this width on, both directions stand side by side.
const SIDE_BY_SIDE: usize = 70;
/// With the whole screen to itself the verdict rather has long lines than columns below this width.
const ZOOMED_SIDE_BY_SIDE: usize = 110;
/// From this width on, a gate's numbers have columns of their own; its words hold them anyway.
const WITH_NUMBERS: usize = 58;
const LABEL: usize = 9;

pub fn lines(model: &Model, area: Rect) -> Vec<Line<'static>> {
    let cells = usize::from(area.width);
    let Some(verdict) = model.view.verdict.as_deref() else {
        return vec![line([("no verdict yet: nothing was looked at so far".to_owned(), model.theme.faint)])];
    };
    let mut lines = conclusion(model, verdict, cells);
    lines.truncate(if area.height < 8 { 2 } else { 3 });
    let room = usize::from(area.height).saturating_sub(lines.len());
    match model.why {
        None if cells >= if model.zoomed { ZOOMED_SIDE_BY_SIDE } else { SIDE_BY_SIDE } => {
            let half = (cells - 1) / 2;
            let up = column(model, verdict, Direction::Up, half, room);
            let down = column(model, verdict, Direction::Down, half, room);
            for row in 0..up.len().max(down.len()) {
                let mut parts = up.get(row).cloned().unwrap_or_default();
                let used: usize = parts.iter().map(Span::width).sum();
                parts.push(span(" ".repeat((half + 1).saturating_sub(used)), model.theme.text));
                parts.extend(down.get(row).cloned().unwrap_or_default());
                lines.push(Line::from(parts));
            }
        }
        None if model.zoomed => {
            for direction in Direction::BOTH {
                lines.extend(column(model, verdict, direction, cells, room).into_iter().map(Line::from));
            }
        }
        None => lines.extend(column(model, verdict, matters(verdict), cells, room).into_iter().map(Line::from)),
        Some(direction) => {
            lines.extend(column(model, verdict, direction, cells, room).into_iter().map(Line::from));
        }
    }
    lines
}

/// The direction an operator would ask about.
fn matters(verdict: &Verdict) -> Direction {
    match &verdict.conclusion {
        Conclusion::ScaleUp { .. } => Direction::Up,
        Conclusion::ScaleDown { .. } => Direction::Down,
        Conclusion::Blocked { direction, .. } => *direction,
        // Nearer to happening: the one with fewer gates in its way.
        Conclusion::Steady { .. } => {
            let failed = |gates: &[Gate]| gates.iter().filter(|gate| !gate.passed).count();
            if failed(&verdict.down) < failed(&verdict.up) { Direction::Down } else { Direction::Up }
        }
    }
}

fn conclusion(model: &Model, verdict: &Verdict, cells: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let now = model.shown_now();
    let (mark, text, style) = match &verdict.conclusion {
        Conclusion::ScaleUp { count, reason } => ("▲", format!("scale up by {count}: {reason}"), theme.good),
        Conclusion::ScaleDown { workers, reason } => {
            let names: Vec<_> = workers.iter().map(windlass::model::WorkerName::as_str).collect();
            ("▼", format!("scale down, {} goes: {reason}", names.join(", ")), theme.good)
        }
        Conclusion::Blocked { direction, by, detail, clears_at } => {
            let left = clears_at.filter(|at| *at > now).map(|at| format::left(at, now));
            let text = match (by, left) {
                // Its words are that time, as it was when the verdict was given.
                (GateKind::Cooldown, Some(left)) => format!("scale {direction} wanted, cooldown blocks it for {left}"),
                (by, Some(left)) => {
                    format!("scale {direction} wanted, {} blocks: {detail}; clears in {left}", label(*by))
                }
                (by, None) => format!("scale {direction} wanted, {} blocks: {detail}", label(*by)),
            };
            ("■", text, theme.warn)
        }
        Conclusion::Steady { detail } => ("●", format!("steady: {detail}"), theme.good),
    };
    let text = if verdict.dry_run { format!("(dry run) {text}") } else { text };
    let rows = wrap(&text, cells.saturating_sub(2));
    rows.into_iter()
        .enumerate()
        .map(|(row, text)| {
            line([(if row == 0 { format!("{mark} ") } else { "  ".to_owned() }, style), (text, theme.strong)])
        })
        .collect()
}

/// One direction's gates under a heading. Where not all fit, those that block come first and the others are counted.
fn column(
    model: &Model,
    verdict: &Verdict,
    direction: Direction,
    cells: usize,
    room: usize,
) -> Vec<Vec<Span<'static>>> {
    let theme = &model.theme;
    let gates = verdict.gates(direction);
    let passed = gates.iter().filter(|gate| gate.passed).count();
    let mark = if direction == Direction::Up { "▲" } else { "▼" };
    let heading = format!("{mark} {}   {passed} of {} gates pass", direction.word(), gates.len());
    let mut rows = vec![vec![span(fit(&heading, cells), theme.accent)]];
    if gates.len() < room || model.zoomed {
        rows.extend(gates.iter().map(|gate| gate_row(model, gate, cells)));
        return rows;
    }
    let (open, closed): (Vec<_>, Vec<_>) = gates.iter().partition(|gate| !gate.passed);
    rows.extend(open.into_iter().map(|gate| gate_row(model, gate, cells)));
    let spare = room.saturating_sub(rows.len() + 1);
    let counted = closed.len().saturating_sub(spare);
    let names: Vec<_> = closed.iter().skip(spare).map(|gate| label(gate.gate)).collect();
    rows.extend(closed.iter().take(spare).map(|gate| gate_row(model, gate, cells)));
    if counted > 0 {
        rows.push(vec![span("✓ ", theme.good), span(fit(&names.join(", "), cells.saturating_sub(2)), theme.faint)]);
    }
    rows
}

fn gate_row(model: &Model, gate: &Gate, cells: usize) -> Vec<Span<'static>> {
    let theme = &model.theme;
    let now = model.shown_now();
    let (mark, style) = mark_of(gate, model);
    let clears = gate.clears_at.filter(|at| !gate.passed && *at > now).map(|at| format::left(at, now));
    let mut parts =
        vec![span(format!("{mark} "), style), span(left(label(gate.gate), LABEL), style), span(" ", theme.text)];
    let mut room = cells.saturating_sub(LABEL + 3);
    if cells >= WITH_NUMBERS {
        let (found, bound) = (number(gate.value, gate.unit), number(gate.bound, gate.unit));
        let text =
            if gate.unit == Unit::None { String::new() } else { format!("{}/{}", right(&found, 6), left(&bound, 6)) };
        parts.push(span(left(&text, 14), theme.text));
        room = room.saturating_sub(14);
    }
    let tail = clears.map_or_else(String::new, |clears| format!(" {}", right(&format!("in {clears}"), 9)));
    let detail = left(&gate.detail, room.saturating_sub(width(&tail)));
    parts.push(span(detail, if gate.passed { theme.faint } else { theme.text }));
    parts.push(span(tail, theme.warn));
    parts
}

/// A gate that means "not wanted" is not an obstacle: it has another mark than one that blocks.
fn mark_of(gate: &Gate, model: &Model) -> (&'static str, Style) {
    let theme = &model.theme;
    match (gate.passed, gate.gate.is_wish()) {
        (true, _) => ("✓", theme.good),
        (false, true) => ("○", theme.faint),
        (false, false) => ("✗", theme.bad),
    }
}

fn number(value: Option<f64>, unit: Unit) -> String {
    match (value, unit) {
        (_, Unit::None) => String::new(),
        (None, _) => format::UNKNOWN.to_owned(),
        (Some(value), Unit::Percent) => format!("{value:.0}%"),
        (Some(value), Unit::Count) => format!("{value:.0}"),
        (Some(value), Unit::Seconds) => format::seconds(value.round()),
    }
}

/// A gate's name in at most nine cells.
pub fn label(gate: GateKind) -> &'static str {
    match gate {
        GateKind::Demand => "demand",
        GateKind::CpuLow => "cpu low",
        GateKind::MemoryLow => "mem low",
        GateKind::Window => "window",
        GateKind::NothingPending => "pending",
        GateKind::Healthy => "health",
        GateKind::Hold => "hold",
        GateKind::Cooldown => "cooldown",
        GateKind::Maximum => "max",
        GateKind::Minimum => "min",
        GateKind::Operations => "in flight",
        GateKind::Candidate => "candidate",
        GateKind::Observation => "observed",
        GateKind::Memory => "redis",
    }
}
