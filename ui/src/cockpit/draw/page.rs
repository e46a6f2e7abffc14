//! Popups that are read: lines of which as many are seen as fit, and one way to move among them.

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::text::Line;

use super::super::model::Model;
use super::frame::popup;
use super::menus::choices;

/// What such a popup has to tell.
pub struct Page {
    /// What it is about.
    pub title: String,
    /// How wide its lines are.
    pub cells: usize,
    /// All of them.
    pub lines: Vec<Line<'static>>,
}

impl Page {
    /// How many lines there are, and for how many a screen has room.
    #[must_use]
    pub fn extent(&self, screen: Size) -> (usize, usize) {
        // A line stays free above and below, two are the frame's, and the keys and the line above them take two.
        (self.lines.len(), usize::from(screen.height.saturating_sub(6)))
    }

    /// As high as its lines or the screen, scrolled to a line.
    pub(super) fn draw(&self, model: &Model, offset: usize, screen: Rect, buf: &mut Buffer) {
        let (len, room) = self.extent(screen.as_size());
        let inner = popup(model, screen, self.cells as u16 + 4, (len.min(room) + 4) as u16, &self.title, buf);
        let offset = offset.min(len.saturating_sub(room));
        for (line, row) in self.lines.iter().skip(offset).take(room).zip(inner.rows()) {
            buf.set_line(row.x, row.y, line, row.width);
        }
        let hints: &[(&str, &str)] =
            if len > room { &[("j/k", "more"), ("esc", "close")] } else { &[("esc", "close")] };
        choices(model, hints, inner, buf);
    }
}
