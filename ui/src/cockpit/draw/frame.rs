//! The panes' frames. Neighbours share a border; the focused pane's is drawn last, titles after all borders.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use ratatui::symbols::merge::MergeStrategy;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Widget};
use windlass::model::ContainerStatus;

use super::super::layout::{Pane, Places};
use super::super::model::{Model, Trouble};
use super::super::roster::Sort;
use super::pools::container_mark;
use super::text::{fit, span};
use crate::format;

pub fn draw(model: &Model, places: &Places, buf: &mut Buffer) {
    let (focused, others): (Vec<_>, Vec<_>) = places.panes.iter().partition(|(pane, _)| *pane == model.focus);
    for (pane, area) in others.iter().chain(&focused) {
        // A shared border is drawn twice; the focused pane's must not stay faint.
        let accent = model.theme.accent.remove_modifier(Modifier::DIM);
        let style = if *pane == model.focus { accent } else { model.theme.faint };
        Block::bordered()
            .border_type(BorderType::Rounded)
            .merge_borders(MergeStrategy::Fuzzy)
            .border_style(style)
            .render(*area, buf);
    }
    for (pane, area) in &places.panes {
        titles(model, *pane, *area, places.tabbed, buf);
    }
}

fn titles(model: &Model, pane: Pane, area: Rect, tabbed: bool, buf: &mut Buffer) {
    let right = aside(model, pane, area.width);
    let left = if tabbed && pane.is_tab() { tabs(model, pane) } else { title(model, pane, pane.title()) };
    let (left, right) = (Line::from(left), Line::from(right));
    let room = area.width.saturating_sub(4);
    buf.set_line(area.x + 2, area.y, &left, room);
    let (used, wanted) = (left.width() as u16, right.width() as u16);
    if wanted > 0 && used + wanted < room {
        buf.set_line(area.right() - 2 - wanted, area.y, &right, wanted);
    }
}

fn title(model: &Model, pane: Pane, text: &str) -> Vec<Span<'static>> {
    let theme = &model.theme;
    let style = if pane == model.focus { theme.accent.patch(theme.strong) } else { theme.strong.fg(Color::Reset) };
    let style = style.remove_modifier(Modifier::DIM);
    vec![span(format!(" {} ", pane.number()), theme.faint), span(format!("{text} "), style)]
}

fn tabs(model: &Model, shown: Pane) -> Vec<Span<'static>> {
    let theme = &model.theme;
    let tab = |pane: Pane| {
        let short = if pane == Pane::Operations { "ops" } else { pane.title() };
        if pane == shown {
            title(model, pane, &format!("[{short}]"))
        } else {
            vec![span(format!(" {} {short} ", pane.number()), theme.faint)]
        }
    };
    [Pane::Guards, Pane::Operations, Pane::Redis].into_iter().flat_map(tab).collect()
}

/// What stands at the right end of a pane's title.
fn aside(model: &Model, pane: Pane, width: u16) -> Vec<Span<'static>> {
    let theme = &model.theme;
    let note = |text: String| vec![span(text, theme.faint)];
    let stale = matches!(model.trouble(), Some(Trouble::StoreDown { .. } | Trouble::Ended));
    if stale && !matches!(pane, Pane::Workers | Pane::Timeline | Pane::Pools) {
        return vec![span(" stale ", theme.warn)];
    }
    match pane {
        Pane::Workers => workers(model, stale),
        Pane::Why => why(model),
        Pane::Pools => pools(model, stale),
        Pane::Timeline => timeline(model, stale, width),
        Pane::Operations if model.zoomed => note(format!(" {} running ", model.view.state.operations.len())),
        Pane::Redis => match &model.view.redis {
            Some(report) => note(format!(" {} {} ", report.server, report.version)),
            None => Vec::new(),
        },
        Pane::Guards | Pane::Operations => Vec::new(),
    }
}

fn workers(model: &Model, stale: bool) -> Vec<Span<'static>> {
    let theme = &model.theme;
    let mut parts = Vec::new();
    if stale {
        parts.push(span(" stale", theme.warn));
    }
    if model.view.state.workers.values().any(|worker| worker.protected.is_some()) {
        parts.push(span(" ◆", theme.person));
        parts.push(span(" protected ·", theme.faint));
    }
    let place = match (model.roster.index(), model.roster.sort) {
        (Some(index), sort) => {
            let order = if sort == Sort::Name { String::new() } else { format!("by {} · ", sort.word()) };
            format!(
                " {order}{} of {} ",
                format::count(index as u64 + 1),
                format::count(model.roster.order.len() as u64)
            )
        }
        (None, _) => " none ".to_owned(),
    };
    parts.push(span(place, theme.faint));
    parts
}

/// The marks of the containers' states, and where one stands.
fn pools(model: &Model, outdated: bool) -> Vec<Span<'static>> {
    let theme = &model.theme;
    let mut parts = if outdated { vec![span(" stale", theme.warn)] } else { Vec::new() };
    for status in ContainerStatus::ALL {
        let (mark, style) = container_mark(status, theme);
        parts.push(span(format!(" {mark}"), style));
        parts.push(span(format!(" {status}"), theme.faint));
    }
    let place = match model.pools.order.len() {
        0 => " · none ".to_owned(),
        len => format!(" · {} of {} ", format::count(model.pools.index() as u64 + 1), format::count(len as u64)),
    };
    parts.push(span(place, theme.faint));
    parts
}

fn why(model: &Model) -> Vec<Span<'static>> {
    let theme = &model.theme;
    match &model.view.verdict {
        Some(verdict) => {
            let dry = if verdict.dry_run { "dry run · " } else { "" };
            vec![span(format!(" {dry}{} ago ", format::age(verdict.at, model.shown_now())), theme.faint)]
        }
        None => Vec::new(),
    }
}

fn timeline(model: &Model, stale: bool, width: u16) -> Vec<Span<'static>> {
    let theme = &model.theme;
    let timeline = &model.timeline;
    let (warnings, criticals) = timeline.marked;
    let mut parts = Vec::new();
    if stale {
        parts.push(span(" stale ·", theme.warn));
    }
    let of = timeline.rows.len() as u64;
    let (filtered, wide) = (!timeline.filter.is_empty(), width >= 110);
    if filtered {
        let all = format::count(model.view.events.len() as u64);
        parts.push(span(format!(" /{}", fit(timeline.filter.text(), if wide { 40 } else { 15 })), theme.accent));
        parts.push(span(format!(" {} of {all} match", format::count(of)), theme.faint));
        parts.push(span(if wide { " ·" } else { "" }, theme.faint));
    }
    // Where there is little room, how many match is told rather than how bad they are.
    let marks = [
        span(format!(" ✖ {}", format::count(criticals as u64)), if criticals > 0 { theme.bad } else { theme.faint }),
        span(format!(" ▲ {}", format::count(warnings as u64)), if warnings > 0 { theme.warn } else { theme.faint }),
    ];
    if wide || !filtered {
        parts.extend(marks);
    }
    let events = if filtered { String::new() } else { format!(" · {}", format::plural(of, "event")) };
    if timeline.follow {
        parts.push(span(format!("{events} · following "), theme.faint));
        return parts;
    }
    let place = format::count(timeline.selected.map_or(0, |index| index + 1) as u64);
    let of = if filtered { String::new() } else { format!(" of {}", format::count(of)) };
    let at = if wide || !filtered { format!(" · at {place}{of} ·") } else { String::new() };
    parts.push(span(format!("{at} frozen "), theme.faint));
    if timeline.fresh > 0 {
        parts.push(span(format!("+{} new ", format::count(timeline.fresh as u64)), theme.warn));
    }
    parts
}

/// A popup's frame in the middle of the screen; returns the place inside it, one column of air at each side.
pub fn popup(model: &Model, screen: Rect, width: u16, height: u16, title: &str, buf: &mut Buffer) -> Rect {
    let (width, height) = (width.min(screen.width.saturating_sub(2)), height.min(screen.height.saturating_sub(2)));
    let area = Rect::new(screen.x + (screen.width - width) / 2, screen.y + (screen.height - height) / 2, width, height);
    // A wide character cut in half by the popup's left edge would shift its row.
    Clear.render(area, buf);
    let heading = Line::from(span(format!(" {title} "), model.theme.accent.patch(model.theme.strong)));
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(model.theme.accent)
        .title(heading)
        .render(area, buf);
    Rect::new(area.x + 2, area.y + 1, area.width.saturating_sub(4), area.height.saturating_sub(2))
}
