//! One function pool: its containers, what is known of the selected one, and what happened.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use windlass::model::{ContainerStatus, Pool, PoolContainer};

use super::super::keys::Act;
use super::super::model::Model;
use super::super::pools::{OpenPool, find};
use super::super::timeline::scrolled;
use super::frame::popup;
use super::menus::choices;
use super::pools::{container_mark, load, note};
use super::text::{fit, fit_end, left, line, right, span};
use super::timeline::event_line;
use crate::describe::function_of;
use crate::format;

/// Of a pool's events, at most so many are shown.
const EVENTS: usize = 8;

pub fn draw(model: &Model, open: &OpenPool, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &model.theme;
    let cells = usize::from(screen.width.saturating_sub(6).min(118));
    let title = format!("pool {}", open.function);
    let Some(pool) = find(&model.view, &open.function) else {
        let inner = popup(model, screen, 74, 5, &title, buf);
        buf.set_stringn(inner.x, inner.y, "it is kept no longer", inner.width.into(), theme.warn);
        choices(model, &[("esc", "close")], inner, buf);
        return None;
    };
    let told = events(model, pool, cells);
    let rows = pool.containers.len().max(1);
    let height = (rows + told.len() + 8).min(usize::from(screen.height.saturating_sub(2)));
    let inner = popup(model, screen, cells as u16 + 4, height as u16, &title, buf);
    let head = heading(model, pool, open.container(pool), cells);
    for (line, row) in head.iter().zip(inner.rows()) {
        buf.set_line(row.x, row.y, line, row.width);
    }
    let room = usize::from(inner.height).saturating_sub(head.len() + 2);
    let bottom = told.len().min(room.saturating_sub(rows.min(room)));
    let shown = room - bottom;
    let index = open.index(pool);
    let offset = scrolled(0, index, rows, shown);
    let body = inner.rows().skip(head.len());
    if pool.containers.is_empty() {
        let key = model.options.keys.hint(Act::PoolWake);
        let text = format!("  no containers; {key} wakes it");
        buf.set_stringn(inner.x, inner.y + head.len() as u16, text, cells, theme.faint);
    }
    for ((place, container), row) in pool.containers.iter().enumerate().skip(offset).take(shown).zip(body) {
        buf.set_line(row.x, row.y, &container_line(model, pool, container, place == index, cells), row.width);
        if place == index {
            buf.set_style(row, theme.selected);
        }
    }
    for (line, row) in told.iter().take(bottom).zip(inner.rows().skip(head.len() + shown)) {
        buf.set_line(row.x, row.y, line, row.width);
    }
    hints(model, inner, buf);
    None
}

fn hints(model: &Model, inner: Rect, buf: &mut Buffer) {
    let keys = &model.options.keys;
    let [up, down, drain, wake] = [Act::PoolUp, Act::PoolDown, Act::PoolDrain, Act::PoolWake].map(|act| keys.hint(act));
    let hints =
        [("j/k", "move"), (&*up, "add"), (&*down, "take"), (&*drain, "drain it"), (&*wake, "wake"), ("esc", "close")];
    choices(model, &hints, inner, buf);
}

/// What the pool is, how it is doing, the selected container, and the headings.
fn heading(model: &Model, pool: &Pool, container: Option<&PoolContainer>, cells: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let spec = &pool.spec;
    let (text, style) = note(model, pool);
    let size = format!("{} of {}–{}", pool.containers.len(), spec.min, spec.max);
    let monitoring = &spec.monitoring;
    let rules = format!(
        "overloaded from {:.0}% cpu or {:.0}% memory, idle up to {:.0}% cpu, goes after {}",
        monitoring.cpu_overload_threshold,
        monitoring.memory_overload_threshold,
        monitoring.cooldown_cpu_threshold,
        format::seconds(monitoring.cooldown_duration),
    );
    let id = container.map_or_else(String::new, |container| {
        let active = format::age(container.last_active, model.shown_now());
        format!("container {}, last active {active} ago", container.id.short())
    });
    vec![
        line([
            (fit(&format!("{} port {}", spec.image, spec.port), cells.saturating_sub(30)), theme.text),
            (format!("   {size}   "), theme.strong),
            (text, style),
        ]),
        line([(fit(&rules, cells), theme.faint)]),
        line([(fit(&id, cells), theme.faint)]),
        line([(
            format!(
                "    {} {}{}{}ADDRESS{}IDLE",
                left("STATE", 10),
                left(" NAME", name_cells(cells) + 2),
                load_heading("CPU", cells),
                load_heading("MEM", cells),
                " ".repeat(address_cells(cells).saturating_sub(7) + 1),
            ),
            theme.faint,
        )]),
    ]
}

/// A name's end tells it apart from others.
fn name_cells(cells: usize) -> usize {
    cells.saturating_sub(15 + 2 * (gauge_cells(cells) + 6) + address_cells(cells) + 17).clamp(8, 40)
}

/// Any IPv4 address with its port, and most others where there is room.
const fn address_cells(cells: usize) -> usize {
    if cells >= 110 { 30 } else { 21 }
}

/// On a small terminal numbers have to do.
const fn gauge_cells(cells: usize) -> usize {
    if cells >= 90 { 5 } else { 0 }
}

/// Over the gauge, or over the number where there is none.
fn load_heading(text: &str, cells: usize) -> String {
    let gauge = gauge_cells(cells);
    if gauge > 0 { left(text, gauge + 6) } else { format!("{} ", right(text, 5)) }
}

fn container_line(
    model: &Model,
    pool: &Pool,
    container: &PoolContainer,
    selected: bool,
    cells: usize,
) -> Line<'static> {
    let theme = &model.theme;
    let monitoring = &pool.spec.monitoring;
    let (mark, style) = container_mark(container.status, theme);
    let name = name_cells(cells);
    let mut parts = vec![
        span(if selected { "▸ " } else { "  " }, theme.accent),
        span(format!("{mark} {} ", left(container.status.name(), 10)), style),
        span(
            format!(" {} ", left(&fit_end(&container.name, name), name)),
            if selected { theme.strong } else { theme.text },
        ),
    ];
    parts.extend(load(container.cpu_percent, gauge_cells(cells), monitoring.cpu_overload_threshold, theme));
    parts.extend(load(container.memory_percent, gauge_cells(cells), monitoring.memory_overload_threshold, theme));
    let address = container.address.map_or_else(
        || format::UNKNOWN.to_owned(),
        |address| std::net::SocketAddr::new(address, container.port).to_string(),
    );
    parts.push(span(format!("{} ", left(&address, address_cells(cells))), theme.text));
    let idle = container.idle_since.filter(|_| container.status == ContainerStatus::Idle).map_or_else(
        || format::UNKNOWN.to_owned(),
        |since| {
            let of = format::seconds(monitoring.cooldown_duration);
            format!("{} of {of}", format::age(since, model.shown_now()))
        },
    );
    parts.push(span(idle, theme.text));
    Line::from(parts)
}

/// The pool's newest events, newest first.
fn events(model: &Model, pool: &Pool, cells: usize) -> Vec<Line<'static>> {
    let function = &pool.spec.function;
    let of_pool = model.view.events.iter().rev().filter(|event| function_of(&event.data) == Some(function));
    let found: Vec<_> = of_pool.take(EVENTS).map(|event| Line::from(event_line(model, event, cells))).collect();
    if found.is_empty() { found } else { std::iter::once(Line::default()).chain(found).collect() }
}
