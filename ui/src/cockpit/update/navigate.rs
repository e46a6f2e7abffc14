//! Moving about: panes, rows, pages.

use super::super::keys::Act;
use super::super::layout::Pane;
use super::super::model::Model;
use super::super::timeline::scrolled;

/// How far a movement goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Go {
    /// So many rows.
    By(isize),
    /// So many pages.
    Pages(isize),
    /// To the first row.
    First,
    /// To the last row.
    Last,
}

impl Go {
    /// The movement an action stands for.
    pub(super) const fn of(act: Act) -> Option<Self> {
        Some(match act {
            Act::Down => Self::By(1),
            Act::Up => Self::By(-1),
            Act::PageDown => Self::Pages(1),
            Act::PageUp => Self::Pages(-1),
            Act::First => Self::First,
            Act::Last => Self::Last,
            _ => return None,
        })
    }

    /// From a row among `len`, with pages of `page` rows.
    pub(super) fn from(self, row: usize, len: usize, page: usize) -> usize {
        let last = len.saturating_sub(1);
        let page = isize::try_from(page.max(1)).unwrap_or(isize::MAX);
        match self {
            Self::By(rows) => row.saturating_add_signed(rows).min(last),
            Self::Pages(pages) => row.saturating_add_signed(pages.saturating_mul(page)).min(last),
            Self::First => 0,
            Self::Last => last,
        }
    }

    /// From an offset into `len` lines of which `room` are seen: the last line stays at the bottom, and a page is what is seen.
    pub(super) fn scroll(self, offset: usize, len: usize, room: usize) -> usize {
        self.from(offset, len.saturating_sub(room) + 1, room)
    }
}

/// Performs a movement or goes to a pane.
pub(super) fn perform(model: &mut Model, act: Act) {
    if let Some(go) = Go::of(act) {
        move_in(model, go);
        return;
    }
    // Nobody gets to the pools by the way who has none.
    let has_pools = !model.pools.order.is_empty();
    let panes: Vec<Pane> = Pane::ALL.into_iter().filter(|pane| *pane != Pane::Pools || has_pools).collect();
    let (at, all) = (panes.iter().position(|pane| *pane == model.focus).unwrap_or(0), panes.len());
    let target = match act {
        Act::NextPane => panes[(at + 1) % all],
        Act::PreviousPane => panes[(at + all - 1) % all],
        Act::Pane1 => Pane::Workers,
        Act::Pane2 => Pane::Why,
        Act::Pane3 => Pane::Guards,
        Act::Pane4 => Pane::Operations,
        Act::Pane5 => Pane::Timeline,
        Act::Pane6 => Pane::Redis,
        Act::Pane7 => Pane::Pools,
        _ => return,
    };
    model.focus = target;
    if target.is_tab() {
        model.tab = target;
    }
}

fn move_in(model: &mut Model, go: Go) {
    let rows = usize::from(model.places().map_or(1, |places| places.inner(model.focus).height));
    match model.focus {
        Pane::Workers => {
            let to = go.from(model.roster.index().unwrap_or(0), model.roster.order.len(), rows.saturating_sub(1));
            model.roster.select(to);
        }
        Pane::Pools => {
            let to = go.from(model.pools.index(), model.pools.order.len(), rows.saturating_sub(1));
            model.pools.select(to);
        }
        Pane::Operations => {
            let to = go.from(model.ledger.index(), model.ledger.order.len(), rows);
            model.ledger.select(to);
        }
        Pane::Timeline => {
            let Some(row) = model.timeline.selected else {
                return;
            };
            let target = go.from(row, model.timeline.rows.len(), rows);
            // Leaving the end freezes the timeline under the reader; only going to the very end follows again.
            let at_the_end = target == row && target + 1 == model.timeline.rows.len();
            model.timeline.set_follow(go == Go::Last || (model.timeline.follow && at_the_end));
            model.timeline.selected = Some(target);
        }
        pane => {
            let len = super::super::draw::length_of(model, pane);
            if let Some(scroll) = model.scroll.of(pane) {
                *scroll = go.scroll(*scroll, len, rows);
            }
        }
    }
}

/// Keeps selections within their windows and scrolls within their contents, whatever has changed.
pub(super) fn settle(model: &mut Model) {
    let Some(places) = model.places() else {
        return;
    };
    let rows = |pane| usize::from(places.inner(pane).height);
    let workers = rows(Pane::Workers).saturating_sub(1);
    let selected = model.roster.index().unwrap_or(0);
    model.roster.offset = scrolled(model.roster.offset, selected, model.roster.order.len(), workers);
    let (pools, len) = (rows(Pane::Pools).saturating_sub(1), model.pools.order.len());
    model.pools.offset = scrolled(model.pools.offset, model.pools.index(), len, pools);
    if rows(Pane::Operations) > 0 {
        let (first, len) = super::super::draw::operation_place(model, places.inner(Pane::Operations));
        model.scroll.operations = scrolled(model.scroll.operations, first, len, rows(Pane::Operations));
    }
    if rows(Pane::Timeline) > 0 {
        model.timeline.scroll_to_selected(rows(Pane::Timeline));
    }
}
