//! Where everything is on the screen. `update` needs it for pages and scrolling, `draw` for drawing: one function for both.

use ratatui::layout::{Rect, Size};

/// The smallest terminal there is room on.
pub const SMALLEST: Size = Size { width: 80, height: 24 };

/// A pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pane {
    /// The workers.
    Workers,
    /// The verdict.
    Why,
    /// Cooldowns and holds.
    Guards,
    /// Running and ended operations.
    Operations,
    /// The events.
    Timeline,
    /// Redis's memory.
    Redis,
}

impl Pane {
    /// Every pane, by its number.
    pub const ALL: [Self; 6] = [Self::Workers, Self::Why, Self::Guards, Self::Operations, Self::Timeline, Self::Redis];

    /// Its number, from 1.
    #[must_use]
    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// Its title.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Workers => "workers",
            Self::Why => "why",
            Self::Guards => "guards",
            Self::Operations => "operations",
            Self::Timeline => "timeline",
            Self::Redis => "redis",
        }
    }

    /// Whether it shares one place with two others where there is little room.
    #[must_use]
    pub const fn is_tab(self) -> bool {
        matches!(self, Self::Guards | Self::Operations | Self::Redis)
    }
}

/// Where everything is. Neighbouring panes share their border.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Two lines at the top.
    pub header: Rect,
    /// A line for what is wrong, where something is.
    pub banner: Option<Rect>,
    /// The panes that are on the screen, with their borders.
    pub panes: Vec<(Pane, Rect)>,
    /// Guards, operations and Redis share one place.
    pub tabbed: bool,
    /// A line for what was just done.
    pub status: Rect,
    /// A line for what may be done.
    pub hints: Rect,
}

/// What the layout depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The terminal's size.
    pub size: Size,
    /// The one pane that has all the room.
    pub zoomed: Option<Pane>,
    /// Which of those that share a place is on top.
    pub tab: Pane,
    /// How many workers there are to show.
    pub workers: usize,
    /// Whether there is a line for what is wrong.
    pub banner: bool,
}

impl Places {
    /// Where everything is; `None` on a terminal that is too small.
    #[must_use]
    pub fn of(request: Request) -> Option<Self> {
        let Size { width, height } = request.size;
        if width < SMALLEST.width || height < SMALLEST.height {
            return None;
        }
        let line = |y| Rect::new(0, y, width, 1);
        let top = 2 + u16::from(request.banner);
        let body = Rect::new(0, top, width, height - top - 2);
        let wide = width >= 120 && height >= 30;
        let panes = match request.zoomed {
            Some(pane) => vec![(pane, body)],
            None if wide => wide_panes(body, request.workers),
            None => narrow_panes(body, request),
        };
        Some(Self {
            header: Rect::new(0, 0, width, 2),
            banner: request.banner.then(|| line(2)),
            panes,
            tabbed: !wide && request.zoomed.is_none(),
            status: line(height - 2),
            hints: line(height - 1),
        })
    }

    /// The place inside a pane's border; empty where the pane is not on the screen.
    #[must_use]
    pub fn inner(&self, pane: Pane) -> Rect {
        self.panes.iter().find(|(shown, _)| *shown == pane).map_or(Rect::ZERO, |(_, area)| {
            Rect::new(area.x + 1, area.y + 1, area.width.saturating_sub(2), area.height.saturating_sub(2))
        })
    }
}

/// Rows for the workers: one a worker and one for the headings, within what may be spared.
fn worker_rows(workers: usize, least: u16, most: u16) -> u16 {
    u16::try_from(workers + 1).unwrap_or(u16::MAX).clamp(least, most.max(least))
}

fn narrow_panes(body: Rect, request: Request) -> Vec<(Pane, Rect)> {
    let rows = body.height - 4;
    let why = (rows * 5 / 16).clamp(5, 14);
    let workers = worker_rows(request.workers, 4, rows * 6 / 16);
    let (y1, y2) = (body.y + workers + 1, body.y + workers + why + 2);
    let left = body.width * 6 / 10;
    vec![
        (Pane::Workers, Rect::new(0, body.y, body.width, workers + 2)),
        (Pane::Why, Rect::new(0, y1, left, why + 2)),
        (request.tab, Rect::new(left - 1, y1, body.width - left + 1, why + 2)),
        (Pane::Timeline, Rect::new(0, y2, body.width, body.bottom() - y2)),
    ]
}

fn wide_panes(body: Rect, count: usize) -> Vec<(Pane, Rect)> {
    let rows = body.height - 4;
    let why = (rows * 2 / 5).clamp(9, 13);
    let workers = worker_rows(count, 6, rows * 3 / 10);
    let right = (body.width * 35 / 100).clamp(42, 66);
    let left = body.width - right;
    let (y1, y2) = (body.y + workers + 1, body.y + workers + why + 2);
    let upper = y2 - body.y - 2;
    let guards = 5.min(upper / 3);
    let redis = 8.min(upper / 2);
    let (g2, r1) = (body.y + guards + 1, y2 - redis - 1);
    let column = |y: u16, end: u16| Rect::new(left - 1, y, right + 1, end - y + 1);
    vec![
        (Pane::Workers, Rect::new(0, body.y, left, workers + 2)),
        (Pane::Why, Rect::new(0, y1, left, why + 2)),
        (Pane::Guards, column(body.y, g2)),
        (Pane::Operations, column(g2, r1)),
        (Pane::Redis, column(r1, y2)),
        (Pane::Timeline, Rect::new(0, y2, body.width, body.bottom() - y2)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(width: u16, height: u16) -> Request {
        Request { size: Size { width, height }, zoomed: None, tab: Pane::Guards, workers: 5, banner: false }
    }

    #[test]
    fn every_size_from_the_smallest_has_room_for_every_pane() {
        for width in SMALLEST.width..260 {
            for height in SMALLEST.height..90 {
                for (workers, banner) in [(0, false), (5, true), (1000, true)] {
                    let screen = Rect::new(0, 0, width, height);
                    let places = Places::of(Request { workers, banner, ..request(width, height) }).unwrap();
                    for (pane, area) in &places.panes {
                        assert!(screen.union(*area) == screen, "{pane:?} {area} is off {width}x{height}");
                        let inner = places.inner(*pane);
                        assert!(inner.height >= 2 && inner.width >= 20, "{pane:?} {inner} on {width}x{height}");
                    }
                    assert_eq!(places.panes.len(), if places.tabbed { 4 } else { 6 });
                }
            }
        }
    }

    #[test]
    fn a_small_terminal_has_no_places() {
        assert_eq!(Places::of(request(79, 24)), None);
        assert_eq!(Places::of(request(80, 23)), None);
    }

    #[test]
    fn a_zoomed_pane_has_the_whole_body() {
        let places = Places::of(Request { zoomed: Some(Pane::Redis), ..request(80, 24) }).unwrap();
        assert_eq!(places.panes, [(Pane::Redis, Rect::new(0, 2, 80, 20))]);
    }
}
