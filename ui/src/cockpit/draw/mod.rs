//! From a model to a frame. Pure: it reads the model and writes cells, and only the rows that are seen.

mod deliveries;
mod detail;
mod frame;
mod gauge;
mod guards;
mod header;
mod help;
mod menus;
mod operations;
mod page;
mod palette;
mod pool;
mod pools;
mod redis;
mod status;
mod text;
mod timeline;
mod track;
mod why;
mod workers;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::Line;

use super::layout::{Pane, Places, SMALLEST};
use super::model::Model;
use super::popup::Popup;

pub use operations::place as operation_place;
pub use page::Page;

/// Draws the whole screen.
pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    if let Some(cursor) = paint(model, area, frame.buffer_mut()) {
        frame.set_cursor_position(cursor);
    }
}

/// Draws the whole screen; returns where the text cursor is, if there is one.
fn paint(model: &Model, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let Some(places) = model.places_on(area.as_size()) else {
        too_small(model, area, buf);
        return None;
    };
    header::draw(model, places.header, buf);
    if let Some(banner) = places.banner {
        header::banner(model, banner, buf);
    }
    frame::draw(model, &places, buf);
    for (pane, _) in &places.panes {
        draw_pane(model, *pane, places.inner(*pane), buf);
    }
    let mut cursor = status::draw(model, &places, buf);
    for popup in &model.popups {
        cursor = match popup {
            Popup::Confirm(confirm) => menus::confirm(model, confirm, area, buf),
            Popup::Hold(hold) => menus::hold(model, hold, area, buf),
            Popup::Release(menu) => menus::release(model, *menu, area, buf),
            Popup::Quit => menus::quit(model, area, buf),
            Popup::Event(event) => detail::event(model, event, area, buf),
            Popup::Track(open) => track::draw(model, open, area, buf),
            Popup::Letters(open) => deliveries::letters(model, open, area, buf),
            Popup::Pool(open) => pool::draw(model, open, area, buf),
            Popup::Targets(offset) | Popup::Worker(_, offset) | Popup::Help(offset) => {
                if let Some(page) = page_of(model, popup, area.as_size()) {
                    page.draw(model, *offset, area, buf);
                }
                None
            }
            Popup::Palette(open) => palette::draw(model, open, area, buf),
        };
    }
    cursor
}

/// The page of a popup that is read; `None` for one that asks or in which something is selected.
#[must_use]
pub fn page_of(model: &Model, popup: &Popup, screen: Size) -> Option<Page> {
    match popup {
        Popup::Targets(_) => Some(deliveries::targets(model, screen)),
        Popup::Worker(name, _) => Some(detail::worker(model, name, screen)),
        Popup::Help(_) => Some(help::page(model, screen)),
        _ => None,
    }
}

fn draw_pane(model: &Model, pane: Pane, area: Rect, buf: &mut Buffer) {
    match pane {
        Pane::Workers => workers::draw(model, area, buf),
        Pane::Pools => pools::draw(model, area, buf),
        Pane::Timeline => timeline::draw(model, area, buf),
        _ => {
            let lines = lines_of(model, pane, area);
            let mut scroll = model.scroll;
            let most = lines.len().saturating_sub(area.height.into());
            let offset = match pane {
                Pane::Operations => scroll.operations,
                _ => scroll.of(pane).map_or(0, |offset| *offset),
            };
            let offset = offset.min(most);
            for (line, row) in lines.iter().skip(offset).zip(area.rows()) {
                buf.set_line(row.x, row.y, line, row.width);
            }
        }
    }
}

fn lines_of(model: &Model, pane: Pane, area: Rect) -> Vec<Line<'static>> {
    match pane {
        Pane::Why => why::lines(model, area),
        Pane::Guards => guards::lines(model, area),
        Pane::Operations => operations::lines(model, area),
        Pane::Redis => redis::lines(model, area),
        Pane::Workers | Pane::Timeline | Pane::Pools => Vec::new(),
    }
}

/// How many rows a pane without a selection has to show.
#[must_use]
pub fn length_of(model: &Model, pane: Pane) -> usize {
    let area = model.places().as_ref().map_or(Rect::ZERO, |places: &Places| places.inner(pane));
    lines_of(model, pane, area).len()
}

fn too_small(model: &Model, area: Rect, buf: &mut Buffer) {
    let text =
        format!("windlass needs {}x{}, there is {}x{}", SMALLEST.width, SMALLEST.height, area.width, area.height);
    let text = text::fit(&text, area.width.into());
    let x = area.x + area.width.saturating_sub(text::width(&text) as u16) / 2;
    buf.set_stringn(x, area.y + area.height / 2, text, area.width.into(), model.theme.strong);
}
