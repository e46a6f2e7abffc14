//! What became of events on their way: the dead letters, and how the webhook targets are doing.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Style;
use ratatui::text::Line;
use windlass::model::{Deliveries, Letter, TargetHealth};

use super::super::model::Model;
use super::super::popup::Letters;
use super::super::theme::Theme;
use super::super::timeline::scrolled;
use super::frame::popup;
use super::menus::choices;
use super::page::Page;
use super::text::{fit, left, line, right, span, wrap};
use crate::describe::describe;
use crate::format;

fn cells_on(screen: Size) -> usize {
    usize::from(screen.width.saturating_sub(10).min(118))
}

/// The dead letters, and all that is known of the selected one.
pub fn letters(model: &Model, open: &Letters, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &model.theme;
    let cells = cells_on(screen.as_size());
    let Some(known) = model.view.deliveries.as_deref().filter(|known| !known.letters.is_empty()) else {
        let text = if model.view.deliveries.is_some() { "there are none" } else { "not read yet" };
        let inner = popup(model, screen, 74, 5, "dead letters", buf);
        buf.set_stringn(inner.x, inner.y, fit(text, inner.width.into()), inner.width.into(), theme.text);
        choices(model, &[("esc", "close")], inner, buf);
        return None;
    };
    let index = open.index(known);
    let facts = known.letters.get(index).map(|letter| letter_facts(letter, cells, theme)).unwrap_or_default();
    let rows = known.letters.len();
    let height = (rows + facts.len() + 6).min(usize::from(screen.height.saturating_sub(2)));
    let inner = popup(model, screen, cells as u16 + 4, height as u16, &title(known), buf);
    let room = usize::from(inner.height).saturating_sub(3);
    let bottom = facts.len().min(room.saturating_sub(rows.min((room / 2).max(1))));
    let shown = room - bottom;
    let heading = format!("  {:>6}  {:<28}{:<26}TRIES", "AGE", "HANDLER", "EVENT");
    buf.set_stringn(inner.x, inner.y, heading, cells, theme.faint);
    let offset = scrolled(0, index, rows, shown);
    let lines = known.letters.iter().enumerate().skip(offset).take(shown);
    for ((place, letter), row) in lines.zip(inner.rows().skip(1)) {
        buf.set_line(row.x, row.y, &letter_line(model, letter, place == index, cells), row.width);
        if place == index {
            buf.set_style(row, theme.selected);
        }
    }
    for (line, row) in facts.iter().take(bottom).zip(inner.rows().skip(1 + shown)) {
        buf.set_line(row.x, row.y, line, row.width);
    }
    choices(
        model,
        &[("j/k", "move"), ("r", "retry"), ("d", "drop"), ("enter", "its event"), ("esc", "close")],
        inner,
        buf,
    );
    None
}

fn title(known: &Deliveries) -> String {
    let all = format::count(known.dead);
    if known.dead > known.letters.len() as u64 {
        format!("dead letters: the newest {} of {all}", known.letters.len())
    } else {
        format!("dead letters: {all}")
    }
}

fn letter_line(model: &Model, letter: &Letter, selected: bool, cells: usize) -> Line<'static> {
    let theme = &model.theme;
    let event = letter.event().map_or("not readable", |event| event.event_type().name());
    line([
        (if selected { "▸ " } else { "  " }.to_owned(), theme.accent),
        (right(&format::age(letter.at, model.shown_now()), 6), theme.faint),
        (format!("  {}", left(&letter.handler, 28)), theme.text),
        (left(event, 26), theme.strong),
        (left(&format::count(letter.tries.into()), 6), theme.text),
        (fit(&letter.error, cells.saturating_sub(70)), theme.bad),
    ])
}

fn letter_facts(letter: &Letter, cells: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    let field = |lines: &mut Vec<Line<'static>>, label: &str, value: &str, style: Style| {
        for (place, text) in wrap(value, cells.saturating_sub(10)).into_iter().enumerate().take(4) {
            lines.push(line([(left(if place == 0 { label } else { "" }, 10), theme.faint), (text, style)]));
        }
    };
    let what = letter.event().map_or_else(|| letter.text.clone(), |event| describe(&event.data));
    field(&mut lines, "event", &what, theme.strong);
    field(&mut lines, "error", &letter.error, theme.bad);
    let given_up = letter.at.format("%Y-%m-%d %H:%M:%S");
    let tries = format::count(letter.tries.into());
    field(&mut lines, "given up", &format!("{given_up} UTC after {tries} tries by {}", letter.handler), theme.text);
    field(&mut lines, "letter", &format!("{}, from {} on the event stream", letter.entry, letter.source), theme.faint);
    lines
}

/// How the webhook targets are doing.
pub fn targets(model: &Model, screen: Size) -> Page {
    let cells = cells_on(screen);
    Page { title: "webhook targets".to_owned(), cells, lines: target_lines(model, cells) }
}

fn target_lines(model: &Model, cells: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let Some(known) = model.view.deliveries.as_deref() else {
        return vec![line([("not read yet".to_owned(), theme.faint)])];
    };
    if known.targets.is_empty() {
        let text =
            "nobody is told of events: alerts.targets in the configuration is empty, or no engine has led with it";
        return wrap(text, cells).into_iter().map(|text| line([(text, theme.text)])).collect();
    }
    let heading = format!("{:<19}{:<21}{:>9}{:>11}{:>9}", "  TARGET", "STATE", "WAITING", "DELIVERED", "DROPPED");
    let mut lines = vec![line([(heading, theme.faint)])];
    for target in &known.targets {
        lines.extend(target_rows(model, target, cells));
    }
    lines
}

fn target_rows(model: &Model, target: &TargetHealth, cells: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let now = model.shown_now();
    let (mark, state, style) = match (target.consecutive_failures, target.last_success) {
        (0, None) => ("○", "nothing sent yet".to_owned(), theme.faint),
        (0, Some(at)) => ("●", format!("told {} ago", format::age(at, now)), theme.good),
        (failures, _) => ("✗", format!("failed {} in a row", format::count(failures)), theme.bad),
    };
    let waiting = target.waiting.map_or_else(|| format::UNKNOWN.to_owned(), format::count);
    let dropped = if target.dropped > 0 { theme.bad } else { theme.text };
    let mut lines = vec![Line::from(vec![
        span(format!("{mark} "), style),
        span(left(target.name.as_str(), 16), theme.strong),
        span(format!(" {}", left(&state, 21)), style),
        span(right(&waiting, 9), theme.text),
        span(right(&format::count(target.delivered), 11), theme.text),
        span(right(&format::count(target.dropped), 9), dropped),
    ])];
    let error = target.last_error.as_ref().zip(target.last_failure);
    if let Some((error, at)) = error {
        // An error of the past is told as well, less loudly.
        let style = if target.consecutive_failures > 0 { theme.bad } else { theme.faint };
        let since = target
            .last_success
            .map_or_else(|| "never told".to_owned(), |at| format!("last told {} ago", format::age(at, now)));
        let next = target
            .next_attempt
            .filter(|next| *next > now)
            .map(|next| format!(", next try in {}", format::left(next, now)));
        let text = format!("{} ago: {error}", format::age(at, now));
        lines.extend(
            wrap(&text, cells.saturating_sub(2)).into_iter().take(3).map(|text| line([(format!("  {text}"), style)])),
        );
        if target.consecutive_failures > 0 {
            let text = format!("  {since}{}", next.unwrap_or_default());
            lines.push(line([(fit(&text, cells), theme.warn)]));
        }
    }
    lines
}
