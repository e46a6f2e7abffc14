//! The two lines at the top: who, where and how; how many and how loaded. And the banner for what is wrong.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use windlass::model::{Direction, StoreHealth};

use super::super::model::{Model, Trouble};
use super::gauge;
use super::text::{fit, left, right, span};
use crate::format;

pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    spread(identity(model, area.width), standing(model, area.width), area.y, area, buf);
    spread(numbers(model, area.width), directions(model), area.y + 1, area, buf);
}

/// One line with something at both ends; the left end gives way.
fn spread(start: Vec<Span<'static>>, end: Vec<Span<'static>>, y: u16, area: Rect, buf: &mut Buffer) {
    let (start, end) = (Line::from(start), Line::from(end));
    let wanted = end.width() as u16;
    let room = area.width.saturating_sub(wanted);
    buf.set_line(area.x, y, &start, room);
    buf.set_line(area.x + room, y, &end, wanted.min(area.width));
}

fn identity(model: &Model, width: u16) -> Vec<Span<'static>> {
    let theme = &model.theme;
    let view = &model.view;
    let mut parts =
        vec![span(" windlass ", theme.badge), span(format!(" {}", fit(view.cluster_id.as_str(), 24)), theme.strong)];
    if let Some(event) = view.events.back().filter(|event| width >= 100 && !event.metadata.region.is_empty()) {
        parts.push(span(format!(" · {}", fit(&event.metadata.region, 16)), theme.faint));
    }
    if let Some(engine) = view.engine.as_ref().filter(|_| width >= 110) {
        parts.push(span(format!(" · {} · v{}", engine.cluster, engine.version), theme.faint));
    }
    parts
}

fn standing(model: &Model, width: u16) -> Vec<Span<'static>> {
    let theme = &model.theme;
    let view = &model.view;
    let mut parts = Vec::new();
    if let Some(paused) = &model.paused {
        parts.push(span(format!(" PAUSED +{} ", format::count(paused.events as u64)), theme.alarm));
        parts.push(span(" ", theme.text));
    }
    let dead = view.deliveries.as_ref().map_or(0, |known| known.dead);
    if dead > 0 {
        parts.push(span(format!(" ✖ {} dead ", format::count(dead)), theme.alarm));
        parts.push(span(" ", theme.text));
    }
    match &view.leader {
        Some(leader) => {
            // `host:pid:random`: the last part tells an operator nothing.
            let name = leader.replica.0.rsplit_once(':').map_or(leader.replica.0.as_str(), |(name, _)| name);
            let room = if width >= 110 { 30 } else { 14 };
            parts.push(match view.store {
                StoreHealth::Up => span("● ", theme.good),
                // The lease cannot be read: whoever it was may lead no more.
                StoreHealth::Down { .. } => span("? ", theme.warn),
            });
            parts.push(span("leader ", theme.faint));
            parts.push(span(format!("{} ", fit(name, room)), theme.text));
            // Where there is room for one of the two, the others tell more than the epoch.
            let others = view.replicas_running(model.options.lease).filter(|count| *count > 1);
            if others.is_none() || width >= 100 {
                parts.push(span(format!("e{} ", short(leader.epoch)), theme.faint));
            }
            if let Some(count) = others {
                let text = if width >= 100 { format!("· {count} replicas ") } else { format!("of {count} ") };
                parts.push(span(text, theme.faint));
            }
        }
        None => parts.push(span("○ no engine ", theme.bad)),
    }
    if (model.paused.is_none() && dead == 0) || width >= 100 {
        parts.push(span(format!("· {} ", model.options.mode.text()), theme.faint));
    }
    if view.engine.as_ref().is_some_and(|engine| engine.dry_run) {
        parts.push(span(" DRY RUN ", theme.alarm));
    } else if view.engine.is_some() && view.leader.is_some() {
        parts.push(span(" LIVE ", theme.badge));
    }
    parts.push(match view.store {
        StoreHealth::Up => span(" ● redis ", theme.good),
        StoreHealth::Down { .. } => span(" ✗ redis ", theme.alarm),
    });
    parts
}

fn numbers(model: &Model, width: u16) -> Vec<Span<'static>> {
    let theme = &model.theme;
    let state = &model.view.state;
    let engine = model.view.engine.as_ref();
    let now = state.worker_count();
    let coming = state.operations.values().map(windlass::model::Operation::workers_coming).sum();
    let mut parts = vec![span(" workers ", theme.faint), span(format!("{now:<3}"), theme.strong)];
    if let Some(limits) = engine.map(|engine| engine.limits) {
        let style = if now < limits.min_nodes { theme.bad } else { theme.good };
        parts.push(span(format!("{} ", limits.min_nodes), theme.faint));
        parts.extend(gauge::workers(now, coming, limits.max_nodes, if width < 100 { 8 } else { 12 }, style, theme));
        parts.push(span(format!(" {}", limits.max_nodes), theme.faint));
    }
    let seen = model.view.observation.as_deref();
    let high = |cpu: bool| engine.map_or(100.0, |e| if cpu { e.thresholds.cpu_high } else { e.thresholds.memory_high });
    let cells = sparkline_cells(width);

    let loads = [
        ("cpu", seen.and_then(windlass::model::Observation::cpu_avg), &model.history.cpu, high(true)),
        ("mem", seen.and_then(windlass::model::Observation::memory_avg), &model.history.memory, high(false)),
    ];
    for (name, value, history, high) in loads {
        let style = gauge::level(value, high, theme);
        parts.push(span(format!("  {name} "), theme.faint));
        parts.push(span(gauge::sparkline(history.iter(), cells), style));
        parts.push(span(right(&format::percent(value), if cells > 0 { 5 } else { 4 }), style.patch(theme.strong)));
    }
    let pending = seen.and_then(|seen| seen.pending.as_ref()).map(|pending| pending.count);
    let style = if pending.is_some_and(|count| count > 0) { theme.warn } else { theme.text };
    parts.push(span("  pend ", theme.faint));
    parts.push(span(left(&pending.map_or_else(|| format::UNKNOWN.to_owned(), |n| n.to_string()), 3), style));
    parts
}

const fn sparkline_cells(width: u16) -> usize {
    match width {
        150.. => 24,
        110.. => 12,
        96.. => 6,
        _ => 0,
    }
}

/// In a word or two, what each direction may do now.
fn directions(model: &Model) -> Vec<Span<'static>> {
    let theme = &model.theme;
    let (state, now) = (&model.view.state, model.shown_now());
    let mut parts = Vec::new();
    for (direction, mark) in [(Direction::Up, "▲"), (Direction::Down, "▼")] {
        let (text, style) = if model.view.engine.is_none() {
            (format::UNKNOWN.to_owned(), theme.faint)
        } else if state.hold(direction, now).is_some() {
            ("held".to_owned(), theme.person)
        } else if let Some(until) = state.cooldown(direction, now) {
            (format::left(until, now), theme.warn)
        } else {
            ("free".to_owned(), theme.good)
        };
        parts.push(span(format!("{mark} "), theme.faint));
        parts.push(span(left(&text, 7), style));
    }
    parts
}

/// An epoch for people. It begins at the time in microseconds; its last digits tell one leader from the next.
fn short(epoch: u64) -> String {
    if epoch < 1_000_000 { epoch.to_string() } else { format!("…{:04}", epoch % 10_000) }
}

/// What is wrong with what is shown.
pub fn banner(model: &Model, area: Rect, buf: &mut Buffer) {
    let Some(trouble) = model.trouble() else {
        return;
    };
    let text = match trouble {
        Trouble::StoreDown { since, error, protects } => {
            let age = format::age(since, model.now);
            // What the engine does comes first: the end is cut off on a narrow screen.
            match protects {
                None => format!(
                    " ✗ Redis does not answer for {age}. What you see is what was last read; nothing is removed. {error}"
                ),
                Some(true) => {
                    format!(" ✗ Redis is down for {age}. The minimum is protected, nothing is removed. {error}")
                }
                Some(false) => format!(" ✗ Redis is down for {age}. Nothing is changed until it is back. {error}"),
            }
        }
        Trouble::ClusterSilent { since, error } => {
            let age = format::age(since, model.now);
            format!(
                " ✗ the cluster does not answer for {age}. What you see of it was last seen before; nothing is removed. {error}"
            )
        }
        Trouble::Unreadable { count: 1, first } => {
            format!(" ✗ a value in Redis cannot be read: {first}. The leader sets it aside; nothing is deleted.")
        }
        Trouble::Unreadable { count, first } => {
            format!(
                " ✗ {count} values in Redis cannot be read: {first}, … The leader sets them aside; nothing is deleted."
            )
        }
        Trouble::NoLeader => " ○ no engine runs; this is what Redis remembers".to_owned(),
        Trouble::Ended => {
            " ✗ the engine in this process has ended; this is the last that was seen. q leaves".to_owned()
        }
    };
    buf.set_style(area, model.theme.alarm);
    buf.set_stringn(area.x, area.y, fit(&text, area.width.into()), area.width.into(), model.theme.alarm);
}
