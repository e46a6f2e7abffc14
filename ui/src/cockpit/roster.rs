//! The workers in the order they are shown, and the one that would go first.

use std::cmp::{Ordering, Reverse};

use windlass::model::{Observation, View, Worker, WorkerName};
use windlass::report::natural;

/// What the workers are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By name, numbers as numbers.
    #[default]
    Name,
    /// Youngest first.
    Age,
    /// Most CPU first.
    Cpu,
    /// Most memory first.
    Memory,
}

impl Sort {
    /// The next one, in a circle.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Name => Self::Age,
            Self::Age => Self::Cpu,
            Self::Cpu => Self::Memory,
            Self::Memory => Self::Name,
        }
    }

    /// As the title says it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Age => "age",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
        }
    }
}

/// The workers' names in the order they are shown, and where one stands.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    /// How they are sorted.
    pub sort: Sort,
    /// The names in that order.
    pub order: Vec<WorkerName>,
    /// The selected worker; it stays selected wherever it moves.
    pub selected: Option<WorkerName>,
    /// The first row on the screen.
    pub offset: usize,
    /// The length of the longest name.
    pub widest: usize,
}

impl Roster {
    /// Sorts the workers of a picture anew.
    pub fn refresh(&mut self, view: &View) {
        let place = self.index();
        let mut workers: Vec<&Worker> = view.state.workers.values().collect();
        let seen = view.observation.as_deref();
        match self.sort {
            Sort::Name => workers.sort_by(|a, b| natural(a.name.as_str(), b.name.as_str())),
            Sort::Age => workers.sort_by_key(|worker| (Reverse(worker.created_at), worker.name.clone())),
            Sort::Cpu => workers.sort_by(|a, b| by_load(a, b, |name| load(seen, name, true))),
            Sort::Memory => workers.sort_by(|a, b| by_load(a, b, |name| load(seen, name, false))),
        }
        self.order = workers.into_iter().map(|worker| worker.name.clone()).collect();
        self.widest = self.order.iter().map(|name| name.as_str().len()).max().unwrap_or(0);
        if self.index().is_none() {
            // The selected worker has gone: its neighbour takes the selection.
            let place = place.unwrap_or(0).min(self.order.len().saturating_sub(1));
            self.selected = self.order.get(place).cloned();
        }
    }

    /// Where the selected worker stands.
    #[must_use]
    pub fn index(&self) -> Option<usize> {
        self.selected.as_ref().and_then(|name| self.order.iter().position(|other| other == name))
    }

    /// Selects the worker at a place.
    pub fn select(&mut self, index: usize) {
        self.selected = self.order.get(index.min(self.order.len().saturating_sub(1))).cloned();
    }
}

fn load(seen: Option<&Observation>, name: &WorkerName, cpu: bool) -> Option<f64> {
    let worker = seen?.workers.get(name)?;
    if cpu { worker.cpu_percent } else { worker.memory_percent }
}

/// Most first, the unknown last.
fn by_load(a: &Worker, b: &Worker, load: impl Fn(&WorkerName) -> Option<f64>) -> Ordering {
    match (load(&a.name), load(&b.name)) {
        (Some(left), Some(right)) => right.total_cmp(&left).then_with(|| natural(a.name.as_str(), b.name.as_str())),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => natural(a.name.as_str(), b.name.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::gallery;

    fn names(roster: &Roster) -> Vec<&str> {
        roster.order.iter().map(WorkerName::as_str).collect()
    }

    #[test]
    fn each_order_puts_the_right_worker_first() {
        let view = gallery::view();
        let mut roster = Roster::default();
        roster.refresh(&view);
        assert_eq!(names(&roster)[0], "k3s-edge");
        let seen = view.observation.as_deref().unwrap();
        for (sort, cpu) in [(Sort::Cpu, true), (Sort::Memory, false)] {
            roster.sort = sort;
            roster.refresh(&view);
            let values: Vec<_> = roster.order.iter().map(|name| load(Some(seen), name, cpu)).collect();
            let known: Vec<_> = values.iter().flatten().copied().collect();
            assert!(known.is_sorted_by(|a, b| a >= b), "{values:?}");
            assert!(values.iter().skip_while(|value| value.is_some()).all(Option::is_none), "{values:?}");
        }
        roster.sort = Sort::Age;
        roster.refresh(&view);
        let created: Vec<_> = roster.order.iter().map(|name| view.state.workers[name].created_at).collect();
        assert!(created.is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn the_selection_goes_to_a_neighbour_when_its_worker_goes() {
        let mut view = gallery::view();
        let mut roster = Roster::default();
        roster.refresh(&view);
        roster.select(2);
        let (gone, next) = (roster.order[2].clone(), roster.order[3].clone());
        let mut state = (*view.state).clone();
        state.workers.remove(&gone);
        view.state = state.into();
        roster.refresh(&view);
        assert_eq!(roster.selected, Some(next));
    }
}
