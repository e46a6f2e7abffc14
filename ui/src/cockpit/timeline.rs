//! The timeline's rows: the events that pass the filter, kept up with the log event by event rather than anew for each picture.

use std::collections::VecDeque;
use std::sync::Arc;

use uuid::Uuid;
use windlass::model::{Event, Severity};

use super::filter::Filter;

type Events = VecDeque<Arc<Event>>;

/// The timeline's rows and where one stands in them.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// What is shown.
    pub filter: Filter,
    /// The events that pass it, oldest first.
    pub rows: Events,
    /// The row one stands on; `None`: there are no rows.
    pub selected: Option<usize>,
    /// The first row on the screen.
    pub offset: usize,
    /// Whether the newest event is always selected.
    pub follow: bool,
    /// How many rows have come since it was frozen.
    pub fresh: usize,
    /// How many warnings and how many critical events the rows hold.
    pub marked: (usize, usize),
    known: Option<Arc<Events>>,
    /// The newest event of the log when it was frozen.
    frozen_at: Option<Uuid>,
}

impl Timeline {
    /// An empty one that follows.
    #[must_use]
    pub fn new() -> Self {
        Self { follow: true, ..Self::default() }
    }

    /// The event one stands on.
    #[must_use]
    pub fn event(&self) -> Option<&Arc<Event>> {
        self.selected.and_then(|index| self.rows.get(index))
    }

    /// Takes another filter; the selected event stays selected where it passes.
    pub fn set_filter(&mut self, filter: Filter, events: &Arc<Events>) {
        self.filter = filter;
        self.known = None;
        self.advance(events);
    }

    /// Follows the newest event, or stays where it is.
    pub fn set_follow(&mut self, follow: bool) {
        if follow {
            (self.fresh, self.frozen_at) = (0, None);
            self.selected = self.rows.len().checked_sub(1);
        } else if self.follow {
            self.frozen_at = self.known.as_ref().and_then(|known| known.back()).map(|event| event.event_id);
        }
        self.follow = follow;
    }

    /// Takes in what the log has gained at its end and lost at its beginning.
    pub fn advance(&mut self, events: &Arc<Events>) {
        if !self.catch_up(events) {
            self.start_anew(events);
        }
        self.known = Some(Arc::clone(events));
        let last = self.rows.len().checked_sub(1);
        self.selected = match (self.follow, self.selected, last) {
            (false, Some(selected), Some(last)) => Some(selected.min(last)),
            _ => last,
        };
    }

    /// Makes all rows anew; the selected event keeps its place on the screen where it is still among them.
    fn start_anew(&mut self, events: &Events) {
        let (selected, before) = (self.event().map(|event| event.event_id), self.selected.unwrap_or(0));
        self.rows = events.iter().filter(|event| self.filter.matches(event)).cloned().collect();
        self.marked = self.rows.iter().fold((0, 0), |sum, event| tally(sum, event, 1));
        let place = |id: Option<Uuid>| id.and_then(|id| self.rows.iter().rposition(|event| event.event_id == id));
        self.fresh = match self.frozen_at {
            Some(id) => {
                let seen = events.iter().rposition(|event| event.event_id == id).map_or(0, |index| index + 1);
                events.range(seen..).filter(|event| self.filter.matches(event)).count()
            }
            None => 0,
        };
        self.selected = place(selected).or(self.rows.len().checked_sub(1));
        self.offset = (self.offset + self.selected.unwrap_or(0)).saturating_sub(before);
    }

    /// Whether the rows could be brought up to date; not where the log has nothing in common with what was known.
    fn catch_up(&mut self, events: &Events) -> bool {
        let Some(known) = self.known.take() else {
            return false;
        };
        let (Some(oldest), Some(newest)) = (events.front(), known.back()) else {
            return false;
        };
        let Some(seen) = events.iter().rposition(|event| event.event_id == newest.event_id) else {
            return false;
        };
        let Some(trimmed) = known.iter().position(|event| event.event_id == oldest.event_id) else {
            return false;
        };
        // The stream trims its beginning: rows that were trimmed go, and the place on the screen moves with the others.
        for gone in known.range(..trimmed) {
            if self.rows.front().is_some_and(|row| row.event_id == gone.event_id) {
                self.rows.pop_front();
                self.marked = tally(self.marked, gone, -1);
                self.selected = self.selected.map(|index| index.saturating_sub(1));
                self.offset = self.offset.saturating_sub(1);
            }
        }
        for event in events.range(seen + 1..).filter(|event| self.filter.matches(event)) {
            self.marked = tally(self.marked, event, 1);
            self.rows.push_back(Arc::clone(event));
            self.fresh += usize::from(!self.follow);
        }
        true
    }

    /// Keeps the selected row within a window of `height` rows.
    pub fn scroll_to_selected(&mut self, height: usize) {
        let Some(selected) = self.selected else {
            self.offset = 0;
            return;
        };
        self.offset = scrolled(self.offset, selected, self.rows.len(), height);
    }
}

/// The first row to show so that `selected` is among `height` rows of `len`, moving as little as possible and leaving no row empty.
#[must_use]
pub fn scrolled(offset: usize, selected: usize, len: usize, height: usize) -> usize {
    let height = height.max(1);
    offset.min(selected).max((selected + 1).saturating_sub(height)).min(len.saturating_sub(height))
}

fn tally((warnings, criticals): (usize, usize), event: &Event, by: isize) -> (usize, usize) {
    match event.severity() {
        Severity::Info => (warnings, criticals),
        Severity::Warning => (warnings.saturating_add_signed(by), criticals),
        Severity::Critical => (warnings, criticals.saturating_add_signed(by)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::gallery;

    fn log(range: std::ops::Range<usize>) -> Arc<Events> {
        Arc::new(gallery::many_events(200).range(range).cloned().collect())
    }

    #[test]
    fn catching_up_gives_the_same_as_starting_anew() {
        for text in ["", "severity:warning", "k3s-worker-7"] {
            let mut timeline = Timeline::new();
            timeline.set_filter(Filter::parse(text), &log(0..50));
            for range in [0..60, 10..80, 10..80, 40..120, 119..200, 0..20] {
                timeline.advance(&log(range.clone()));
                let mut anew = Timeline::new();
                anew.set_filter(Filter::parse(text), &log(range.clone()));
                assert_eq!(timeline.rows, anew.rows, "{text:?} {range:?}");
                assert_eq!(timeline.marked, anew.marked, "{text:?} {range:?}");
            }
        }
    }

    #[test]
    fn a_frozen_selection_stays_on_its_event_while_the_log_moves() {
        let mut timeline = Timeline::new();
        timeline.advance(&log(0..50));
        timeline.follow = false;
        timeline.selected = Some(30);
        let event = timeline.event().unwrap().event_id;
        timeline.advance(&log(20..90));
        assert_eq!(timeline.event().unwrap().event_id, event);
        timeline.follow = true;
        timeline.advance(&log(20..91));
        assert_eq!(timeline.selected, Some(70));
    }

    #[test]
    fn what_comes_while_frozen_is_counted_until_it_follows_again() {
        let mut timeline = Timeline::new();
        timeline.advance(&log(0..50));
        timeline.set_follow(false);
        timeline.selected = Some(30);
        timeline.advance(&log(0..57));
        timeline.advance(&log(20..60));
        assert_eq!(timeline.fresh, 10);
        let warnings = timeline.rows.iter().skip(30).filter(|event| event.severity() > Severity::Info).count();
        timeline.set_filter(Filter::parse("severity:warning"), &log(20..60));
        assert_eq!(timeline.fresh, warnings);
        timeline.set_follow(true);
        assert_eq!(timeline.fresh, 0);
        assert_eq!(timeline.selected, timeline.rows.len().checked_sub(1));
    }

    #[test]
    fn another_filter_and_a_log_read_anew_leave_the_selected_event_where_it_is() {
        let mut timeline = Timeline::new();
        timeline.advance(&log(0..200));
        timeline.set_follow(false);
        (timeline.selected, timeline.offset) = (Some(100), 95);
        let event = timeline.event().unwrap().event_id;
        let same = timeline.rows[100].event_type().name();
        timeline.set_filter(Filter::parse(&format!("type:{same}")), &log(0..200));
        assert_eq!(timeline.event().unwrap().event_id, event);
        timeline.set_filter(Filter::default(), &log(0..200));
        assert_eq!((timeline.event().unwrap().event_id, timeline.selected), (event, Some(100)));
        // Nothing is known of what came between: as after a long outage.
        timeline.known = None;
        timeline.advance(&log(50..200));
        assert_eq!(timeline.event().unwrap().event_id, event);
    }

    #[test]
    fn scrolling_moves_as_little_as_possible() {
        assert_eq!(scrolled(0, 3, 10, 5), 0);
        assert_eq!(scrolled(0, 7, 10, 5), 3);
        assert_eq!(scrolled(5, 2, 10, 5), 2);
        assert_eq!(scrolled(9, 9, 10, 5), 5);
        assert_eq!(scrolled(4, 0, 2, 5), 0);
    }
}
