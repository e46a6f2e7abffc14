//! The function pools: one a row. What is unknown is `–`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use windlass::model::{ContainerStatus, Pool};

use super::super::layout::Pane;
use super::super::model::Model;
use super::super::pools::{find, idle, mean};
use super::super::theme::Theme;
use super::gauge;
use super::text::{fit, left, right, span, wrap};
use crate::format;

/// Cells for each state's number, with its mark.
const COUNT: usize = 4;
/// Cells for the fewest and the most.
const LIMITS: usize = 7;

/// The widths of the columns that have no fixed one.
struct Columns {
    name: usize,
    gauge: usize,
    note: usize,
    image: usize,
}

impl Columns {
    /// The essential ones first; then notes, wider gauges, and the image.
    fn of(width: usize, widest_name: usize) -> Self {
        let name = widest_name.clamp(8, 28).min(width.saturating_sub(64).max(8));
        let mut columns = Self { name, gauge: 5, note: 0, image: 0 };
        let mut spare = width.saturating_sub(columns.used());
        columns.note = spare.min(20);
        spare -= columns.note;
        let wider = (spare / 4).min(13);
        columns.gauge += wider;
        spare -= wider * 2;
        if spare > 12 {
            columns.image = spare.min(40);
        }
        columns
    }

    fn used(&self) -> usize {
        // marker, gaps, two gauges with their percentage, a gap before the note
        2 + self.name + 1 + COUNT * 4 + LIMITS + 2 + 2 * (self.gauge + 6) + 1
    }
}

/// The mark and the style of a container's state.
pub fn container_mark(status: ContainerStatus, theme: &Theme) -> (&'static str, Style) {
    match status {
        ContainerStatus::Healthy => ("●", theme.good),
        ContainerStatus::Overloaded => ("▲", theme.bad),
        ContainerStatus::Idle => ("○", theme.text),
        ContainerStatus::Draining => ("◌", theme.person),
    }
}

/// How a load is shown: a gauge with its threshold marked, and the number.
pub fn load(value: Option<f64>, cells: usize, high: f64, theme: &Theme) -> Vec<Span<'static>> {
    // At its threshold a container is overloaded already.
    let style = gauge::level(value.map(|value| if value >= high { value.max(high + 1.0) } else { value }), high, theme);
    let mut parts = gauge::line(value.map(|value| value / 100.0), cells, &[high / 100.0], style, theme);
    parts.push(span(format!("{} ", right(&format::percent(value), 5)), style));
    parts
}

pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    if model.pools.order.is_empty() {
        let text = if model.view.pools.is_some() {
            "no function pools: `pools.functions` in the configuration keeps some"
        } else {
            "the function pools were not read yet"
        };
        for (text, row) in wrap(text, usize::from(area.width).saturating_sub(4)).into_iter().zip(area.rows()) {
            buf.set_stringn(row.x + 2, row.y, text, row.width.into(), theme.faint);
        }
        return;
    }
    let widest = model.pools.order.iter().map(|name| name.as_str().len()).max().unwrap_or(0);
    let columns = Columns::of(usize::from(area.width.saturating_sub(1)), widest);
    let mut rows = area.rows();
    if let Some(row) = rows.next() {
        buf.set_line(row.x, row.y, &headings(&columns, theme), row.width);
    }
    for (name, row) in model.pools.order.iter().skip(model.pools.offset).zip(rows) {
        let Some(pool) = find(&model.view, name) else {
            continue;
        };
        let selected = model.pools.selected.as_ref() == Some(name);
        buf.set_line(row.x, row.y, &pool_line(model, pool, &columns, selected), row.width);
        if selected && model.focus == Pane::Pools {
            buf.set_style(row, theme.selected);
        }
    }
}

fn headings(columns: &Columns, theme: &Theme) -> Line<'static> {
    let mut text = format!(
        "  {} {}{}  {}{} ",
        left("FUNCTION", columns.name),
        left("CONTAINERS", COUNT * 4),
        right("MIN–MAX", LIMITS),
        left("CPU", columns.gauge + 6),
        left("MEM", columns.gauge + 6),
    );
    text.push_str(&left("NOTE", columns.note));
    if columns.image > 0 {
        text.push_str(" IMAGE");
    }
    Line::from(span(text, theme.faint))
}

fn pool_line(model: &Model, pool: &Pool, columns: &Columns, selected: bool) -> Line<'static> {
    let theme = &model.theme;
    let spec = &pool.spec;
    let mut parts = vec![
        span(if selected { "▸ " } else { "  " }, theme.accent),
        span(left(spec.function.as_str(), columns.name), if selected { theme.strong } else { theme.text }),
        span(" ", theme.text),
    ];
    for status in ContainerStatus::ALL {
        let (mark, style) = container_mark(status, theme);
        let (text, style) = match pool.count(status) {
            0 => (format!("{mark}·"), theme.faint),
            count => (format!("{mark}{count}"), style),
        };
        parts.push(span(left(&text, COUNT), style));
    }
    let limits = format!("{}–{}", spec.min, spec.max);
    parts.push(span(format!("{}  ", right(&limits, LIMITS)), theme.text));
    let monitoring = &spec.monitoring;
    let (cpu, memory) =
        (mean(pool, |container| container.cpu_percent), mean(pool, |container| container.memory_percent));
    parts.extend(load(cpu, columns.gauge, monitoring.cpu_overload_threshold, theme));
    parts.extend(load(memory, columns.gauge, monitoring.memory_overload_threshold, theme));
    let (text, style) = note(model, pool);
    parts.push(span(format!(" {}", left(&fit(&text, columns.note), columns.note)), style));
    if columns.image > 0 {
        parts.push(span(format!(" {}", fit(&spec.image, columns.image - 1)), theme.faint));
    }
    Line::from(parts)
}

/// What is unusual about a pool; where nothing is, the idle clock that runs out first.
pub fn note(model: &Model, pool: &Pool) -> (String, Style) {
    let theme = &model.theme;
    let count = pool.containers.len();
    let staying = count - pool.count(ContainerStatus::Draining);
    let overloaded = staying > 0 && pool.count(ContainerStatus::Overloaded) == staying;
    if !pool.verified {
        ("? unverified".to_owned(), theme.warn)
    } else if count == 0 && pool.spec.min == 0 {
        ("asleep".to_owned(), theme.faint)
    } else if count < pool.spec.min as usize {
        ("below its min".to_owned(), theme.warn)
    } else if overloaded && count >= pool.spec.max as usize {
        ("saturated".to_owned(), theme.bad)
    } else if overloaded {
        ("all overloaded".to_owned(), theme.warn)
    } else if let Some(idled) = idle(pool, model.shown_now()) {
        let of = format::seconds(pool.spec.monitoring.cooldown_duration);
        // At its minimum nothing goes, however long it idles.
        let of = if count > pool.spec.min as usize { format!("/{of}") } else { String::new() };
        (format!("idle {}{of}", format::seconds(idled.as_secs() as f64)), theme.text)
    } else {
        (String::new(), theme.faint)
    }
}
