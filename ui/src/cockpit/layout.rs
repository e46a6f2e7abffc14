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
    /// The function pools. Without any they take no room.
    Pools,
}

impl Pane {
    /// Every pane, by its number.
    pub const ALL: [Self; 7] =
        [Self::Workers, Self::Why, Self::Guards, Self::Operations, Self::Timeline, Self::Redis, Self::Pools];

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
            Self::Pools => "pools",
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
    /// The pane that keys go to.
    pub focus: Pane,
    /// Whether it has all the room.
    pub zoomed: bool,
    /// Which of those that share a place is on top.
    pub tab: Pane,
    /// How many workers there are to show.
    pub workers: usize,
    /// How many function pools there are to show.
    pub pools: usize,
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
        // On a small terminal, and while there are none, there is no place for the pools beside the other panes.
        let alone = request.zoomed || (request.focus == Pane::Pools && (!wide || request.pools == 0));
        let panes = match (alone, wide) {
            (true, _) => vec![(request.focus, body)],
            (false, true) => wide_panes(body, request),
            (false, false) => narrow_panes(body, request),
        };
        Some(Self {
            header: Rect::new(0, 0, width, 2),
            banner: request.banner.then(|| line(2)),
            panes,
            tabbed: !wide && !alone,
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

fn wide_panes(body: Rect, request: Request) -> Vec<(Pane, Rect)> {
    let rows = body.height - 4;
    let why = (rows * 2 / 5).clamp(9, 13);
    let (least, most) = if request.pools == 0 { (6, rows * 3 / 10) } else { (5, rows / 4) };
    let workers = worker_rows(request.workers, least, most);
    let right = (body.width * 35 / 100).clamp(42, 66);
    let left = body.width - right;
    // With the border that they have beside the others'.
    let pools = if request.pools == 0 { 0 } else { worker_rows(request.pools, 2, rows * 2 / 10) + 1 };
    let y1 = body.y + workers + 1;
    let (y_why, y2) = (y1 + pools, y1 + pools + why + 1);
    let upper = y2 - body.y - 2;
    let guards = 5.min(upper / 3);
    let redis = 8.min(upper / 2);
    let (g2, r1) = (body.y + guards + 1, y2 - redis - 1);
    let column = |y: u16, end: u16| Rect::new(left - 1, y, right + 1, end - y + 1);
    let mut panes = vec![
        (Pane::Workers, Rect::new(0, body.y, left, workers + 2)),
        (Pane::Why, Rect::new(0, y_why, left, why + 2)),
        (Pane::Guards, column(body.y, g2)),
        (Pane::Operations, column(g2, r1)),
        (Pane::Redis, column(r1, y2)),
        (Pane::Timeline, Rect::new(0, y2, body.width, body.bottom() - y2)),
    ];
    if pools > 0 {
        panes.push((Pane::Pools, Rect::new(0, y1, left, pools + 1)));
    }
    panes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(width: u16, height: u16) -> Request {
        Request {
            size: Size { width, height },
            focus: Pane::Workers,
            zoomed: false,
            tab: Pane::Guards,
            workers: 5,
            pools: 0,
            banner: false,
        }
    }

    #[test]
    fn every_size_from_the_smallest_has_room_for_every_pane() {
        for width in SMALLEST.width..260 {
            for height in SMALLEST.height..90 {
                for (workers, pools, banner) in [(0, 0, false), (5, 1, true), (1000, 0, true), (1000, 1000, true)] {
                    let screen = Rect::new(0, 0, width, height);
                    let places = Places::of(Request { workers, pools, banner, ..request(width, height) }).unwrap();
                    for (pane, area) in &places.panes {
                        assert!(screen.union(*area) == screen, "{pane:?} {area} is off {width}x{height}");
                        let inner = places.inner(*pane);
                        assert!(inner.height >= 2 && inner.width >= 20, "{pane:?} {inner} on {width}x{height}");
                    }
                    let all = if pools > 0 { 7 } else { 6 };
                    assert_eq!(places.panes.len(), if places.tabbed { 4 } else { all });
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
        let places = Places::of(Request { focus: Pane::Redis, zoomed: true, ..request(80, 24) }).unwrap();
        assert_eq!(places.panes, [(Pane::Redis, Rect::new(0, 2, 80, 20))]);
    }

    #[test]
    fn pools_have_the_whole_body_where_there_is_no_place_for_them() {
        for (width, height, pools, alone) in [(80, 24, 3, true), (120, 40, 0, true), (120, 40, 3, false)] {
            let places = Places::of(Request { focus: Pane::Pools, pools, ..request(width, height) }).unwrap();
            assert_eq!(places.panes.len() == 1, alone, "{pools} on {width}x{height}");
            assert!(places.panes.iter().any(|(pane, _)| *pane == Pane::Pools));
        }
    }
}
