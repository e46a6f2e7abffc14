//! Popups that ask: confirmation, hold, release, quit.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use windlass::model::{Direction, Scope};

use super::super::consequences::{Weight, consequences};
use super::super::model::Model;
use super::super::popup::{Confirm, DURATIONS, HoldMenu, HoldStage, Menu, SCOPES};
use super::frame::popup;
use super::status::field;
use super::text::{line, span, wrap};
use crate::describe::{describe_action, scope_words};
use crate::format;

const WIDTH: u16 = 66;

/// "Shall this be done?", with what follows.
pub fn confirm(model: &Model, confirm: &Confirm, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &model.theme;
    let cells = usize::from(WIDTH) - 6;
    let mut lines = Vec::new();
    for (place, found) in consequences(&model.view, &confirm.action, model.now).into_iter().enumerate() {
        let (mark, style) = match found.weight {
            Weight::Follows => ("→", theme.text),
            Weight::Beware => ("▲", theme.warn),
            Weight::Refused => ("✗", theme.bad),
        };
        // The first line is the one that counts: workers before and after.
        let style = if place == 0 { style.patch(theme.strong) } else { style };
        for (row, text) in wrap(&found.text, cells).into_iter().enumerate() {
            lines.push(line([(if row == 0 { format!("{mark} ") } else { "  ".to_owned() }, style), (text, style)]));
        }
    }
    let title = format!("{}?", describe_action(&confirm.action));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(6);
    let inner = popup(model, screen, WIDTH, height, &title, buf);
    for (line, row) in lines.iter().zip(inner.rows().skip(1)) {
        buf.set_line(row.x, row.y, line, row.width);
    }
    let why = inner.bottom().saturating_sub(2);
    let label = if confirm.editing { "why: " } else { "why  " };
    buf.set_stringn(inner.x, why, label, 5, if confirm.editing { theme.accent } else { theme.faint });
    let place = Rect { x: inner.x + 5, y: why, width: inner.width.saturating_sub(5), height: 1 };
    let cursor = field(&confirm.reason, place, buf, model);
    if confirm.reason.value().is_empty() {
        buf.set_stringn(place.x, why, "manual", place.width.into(), theme.faint);
    }
    let hints: &[(&str, &str)] = if confirm.editing {
        &[("enter", "yes"), ("esc", "no")]
    } else {
        &[("y", "yes"), ("n", "no"), ("e", "change why")]
    };
    choices(model, hints, inner, buf);
    cursor.filter(|_| confirm.editing)
}

/// The keys of a popup, on its last line.
pub fn choices(model: &Model, hints: &[(&str, &str)], inner: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let mut parts: Vec<Span<'static>> = Vec::new();
    for (key, word) in hints {
        parts.push(span((*key).to_owned(), theme.accent.patch(theme.strong)));
        parts.push(span(format!(" {word}   "), theme.faint));
    }
    buf.set_line(inner.x, inner.bottom().saturating_sub(1), &Line::from(parts), inner.width);
}

/// The lines of a menu, each with the key that chooses it.
fn menu(model: &Model, lines: &[(char, String)], cursor: usize, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    for ((place, (key, text)), row) in lines.iter().enumerate().zip(area.rows()) {
        let mark = if place == cursor { "▸ " } else { "  " };
        let style = if place == cursor { theme.strong } else { theme.text };
        let parts = line([
            (mark.to_owned(), theme.accent),
            (format!("{key}  "), theme.accent.patch(theme.strong)),
            (text.clone(), style),
        ]);
        buf.set_line(row.x, row.y, &parts, row.width);
    }
}

/// Direction, then duration, of a hold. Its reason is asked with the confirmation.
pub fn hold(model: &Model, hold: &HoldMenu, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &model.theme;
    let hints = [("j/k", "move"), ("enter", "choose"), ("esc", "close")];
    let (title, lines): (String, Vec<(char, String)>) = match &hold.stage {
        HoldStage::Scope => ("hold what?".to_owned(), scopes(model)),
        HoldStage::Duration(scope) | HoldStage::Typed(scope, _) => {
            let mut lines: Vec<_> = DURATIONS.iter().map(|(key, words, _)| (*key, (*words).to_owned())).collect();
            lines.push(('t', "as typed".to_owned()));
            (format!("hold {} for how long?", scope_words(*scope)), lines)
        }
    };
    let height = lines.len() as u16 + 6;
    let inner = popup(model, screen, 56, height, &title, buf);
    let mut body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(2), ..inner };
    let cursor = if let HoldStage::Typed(_, input) = &hold.stage {
        menu(model, &lines, lines.len() - 1, body, buf);
        body.y += lines.len() as u16 - 1;
        field(input, Rect { x: body.x + 15, width: body.width.saturating_sub(15), height: 1, ..body }, buf, model)
    } else {
        menu(model, &lines, hold.menu.cursor, body, buf);
        None
    };
    if let Some(error) = &hold.error {
        let y = inner.bottom().saturating_sub(2);
        buf.set_stringn(inner.x, y, super::text::fit(error, inner.width.into()), inner.width.into(), theme.bad);
    }
    choices(model, &hints, inner, buf);
    cursor
}

/// The directions, with what already holds them.
fn scopes(model: &Model) -> Vec<(char, String)> {
    let held = |direction: Direction| {
        model.view.state.hold(direction, model.now).map_or_else(String::new, |hold| {
            format!("   held by {}, {} left", hold.actor, format::left(hold.until, model.now))
        })
    };
    SCOPES
        .iter()
        .map(|(key, scope)| {
            let suffix = match scope {
                Scope::Up => held(Direction::Up),
                Scope::Down => held(Direction::Down),
                Scope::All => String::new(),
            };
            (*key, format!("{}{suffix}", scope_words(*scope)))
        })
        .collect()
}

/// Which hold is to end.
pub fn release(model: &Model, open: Menu, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let lines = scopes(model);
    let inner = popup(model, screen, 56, lines.len() as u16 + 5, "release what?", buf);
    menu(model, &lines, open.cursor, Rect { y: inner.y + 1, height: inner.height.saturating_sub(2), ..inner }, buf);
    choices(model, &[("j/k", "move"), ("enter", "choose"), ("esc", "close")], inner, buf);
    None
}

/// "Shall the engine end?"
pub fn quit(model: &Model, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &model.theme;
    let mut lines = vec![line([("→ the engine in this process ends too; its workers go on".to_owned(), theme.text)])];
    lines.push(line([("→ cooldowns, holds and counters stay in Redis".to_owned(), theme.text)]));
    for operation in model.view.state.operations.values() {
        let text = format!(
            "▲ scaling {} by {} is at {}: the next start finishes it",
            operation.direction,
            operation.count,
            format::percent(Some(operation.progress() * 100.0))
        );
        lines.push(line([(text, theme.warn)]));
    }
    let inner = popup(model, screen, WIDTH, lines.len() as u16 + 5, "quit?", buf);
    for (line, row) in lines.iter().zip(inner.rows().skip(1)) {
        buf.set_line(row.x, row.y, line, row.width);
    }
    choices(model, &[("y", "yes"), ("n", "no")], inner, buf);
    None
}
