//! The operations in the order they are shown, and the one that is selected.

use uuid::Uuid;
use windlass::model::State;

/// The operations' ids, running ones first, then the ended ones, newest first.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// The ids in the order they are shown.
    pub order: Vec<Uuid>,
    /// The one that was chosen; it stays chosen when it ends. `None`: none was, the first is selected.
    chosen: Option<Uuid>,
}

impl Ledger {
    /// Takes in the operations of a picture.
    pub fn refresh(&mut self, state: &State) {
        let place = self.index();
        let ended = state.operation_history.iter().map(|record| record.operation.id);
        self.order = state.operations.keys().copied().chain(ended).collect();
        if self.chosen.is_some_and(|id| !self.order.contains(&id)) {
            // The chosen one is remembered no more: its neighbour takes its place.
            self.chosen = self.order.get(place.min(self.order.len().saturating_sub(1))).copied();
        }
    }

    /// Where the selected operation stands; 0 where there is none.
    #[must_use]
    pub fn index(&self) -> usize {
        self.chosen.and_then(|id| self.order.iter().position(|other| *other == id)).unwrap_or(0)
    }

    /// The selected operation.
    #[must_use]
    pub fn selected(&self) -> Option<Uuid> {
        self.order.get(self.index()).copied()
    }

    /// Selects the operation at a place.
    pub fn select(&mut self, index: usize) {
        self.chosen = self.order.get(index.min(self.order.len().saturating_sub(1))).copied();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::gallery;

    #[test]
    fn a_chosen_operation_stays_chosen_when_it_ends_and_a_new_one_comes() {
        let view = gallery::view();
        let mut ledger = Ledger::default();
        ledger.refresh(&view.state);
        let running = ledger.selected().unwrap();
        assert_eq!(view.state.operations.keys().next(), Some(&running), "running ones come first");
        ledger.select(0);
        let mut state = (*view.state).clone();
        let mut newer = state.operations.remove(&running).unwrap();
        let mut record = state.operation_history[0].clone();
        record.operation = newer.clone();
        state.operation_history.push_front(record);
        newer.id = Uuid::from_u128(77);
        state.operations.insert(newer.id, newer);
        ledger.refresh(&state);
        assert_eq!((ledger.selected(), ledger.index()), (Some(running), 1));
    }

    #[test]
    fn a_neighbour_takes_the_place_of_one_that_is_remembered_no_more() {
        let view = gallery::view();
        let mut ledger = Ledger::default();
        ledger.refresh(&view.state);
        ledger.select(usize::MAX);
        let mut state = (*view.state).clone();
        state.operation_history.pop_back();
        ledger.refresh(&state);
        assert_eq!(ledger.index(), ledger.order.len() - 1);
        ledger.refresh(&State::default());
        assert_eq!(ledger.selected(), None);
    }
}
