//! The command palette.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::super::command_line::{FORMS, Request, parse};
use super::super::model::Model;
use super::super::popup::Palette;
use super::super::timeline::scrolled;
use super::frame::popup;
use super::status::field;
use super::text::{fit, left, line, right};
use crate::describe::describe_action;

const SHOWN: usize = 10;

pub fn draw(model: &Model, open: &Palette, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &model.theme;
    let inner = popup(model, screen, 74, SHOWN as u16 + 6, "command", buf);
    let cells = usize::from(inner.width);
    buf.set_stringn(inner.x, inner.y, ": ", 2, theme.accent);
    let cursor = field(
        &open.input,
        Rect { x: inner.x + 2, width: inner.width.saturating_sub(2), height: 1, ..inner },
        buf,
        model,
    );
    let (text, style) = under(open);
    let style = match style {
        Under::Error => theme.bad,
        Under::Command => theme.good,
        Under::Help => theme.faint,
    };
    buf.set_stringn(inner.x, inner.y + 1, fit(&text, cells), cells, style);
    let offset = scrolled(0, open.cursor, open.found.len(), SHOWN);
    let rows = inner.rows().skip(3).take(SHOWN);
    for ((place, act), row) in open.found.iter().enumerate().skip(offset).zip(rows) {
        let selected = place == open.cursor;
        let keys = model.options.keys.hints(*act);
        let parts = line([
            (if selected { "▸ " } else { "  " }.to_owned(), theme.accent),
            (left(&act.name().replace('_', " "), 20), if selected { theme.strong } else { theme.text }),
            (left(act.help(), cells.saturating_sub(36)), theme.faint),
            (right(&keys, 14), theme.accent),
        ]);
        buf.set_line(row.x, row.y, &parts, row.width);
        if selected {
            buf.set_style(row, theme.selected);
        }
    }
    if open.found.is_empty() {
        for (form, row) in FORMS.iter().zip(inner.rows().skip(3)) {
            buf.set_stringn(row.x + 2, row.y, form, cells.saturating_sub(2), theme.faint);
        }
    }
    cursor
}

enum Under {
    Error,
    Command,
    Help,
}

/// The line under the input: what is wrong, what Enter will do, or what may be typed.
fn under(open: &Palette) -> (String, Under) {
    if let Some(error) = &open.error {
        return (format!("✗ {error}"), Under::Error);
    }
    match parse(open.input.value()) {
        Some(Ok(Request::Command(action, reason))) => {
            (format!("⏎ {}, because: {reason}", describe_action(&action)), Under::Command)
        }
        Some(Ok(Request::Filter(text))) => (format!("⏎ filter the timeline by {text:?}"), Under::Command),
        Some(Err(hint)) => (hint, Under::Help),
        None => ("an action's name, or words: scale up 2 because release day".to_owned(), Under::Help),
    }
}
