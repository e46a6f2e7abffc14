//! The function pools in the order they are shown, and the one that is selected.

use std::time::Duration;

use chrono::{DateTime, Utc};
use windlass::clock;
use windlass::model::{ContainerStatus, FunctionName, Pool, PoolContainer, View};

use super::chosen::Chosen;

/// The pools' names in the order they are shown, and where one stands.
#[derive(Debug, Clone, Default)]
pub struct PoolList {
    /// The names in that order.
    pub order: Vec<FunctionName>,
    /// The selected pool; it stays selected wherever it moves.
    pub selected: Option<FunctionName>,
    /// The first row on the screen.
    pub offset: usize,
}

impl PoolList {
    /// Takes in the pools of a picture.
    pub fn refresh(&mut self, view: &View) {
        let place = self.index();
        let pools = view.pools.iter().flat_map(|pools| pools.iter());
        self.order = pools.map(|pool| pool.spec.function.clone()).collect();
        if self.selected.as_ref().is_none_or(|name| !self.order.contains(name)) {
            // The selected pool has gone: its neighbour takes the selection.
            self.select(place);
        }
    }

    /// Where the selected pool stands; 0 where there is none.
    #[must_use]
    pub fn index(&self) -> usize {
        self.selected.as_ref().and_then(|name| self.order.iter().position(|other| other == name)).unwrap_or(0)
    }

    /// Selects the pool at a place.
    pub fn select(&mut self, index: usize) {
        self.selected = self.order.get(index.min(self.order.len().saturating_sub(1))).cloned();
    }
}

/// A pool of a picture.
#[must_use]
pub fn find<'a>(view: &'a View, function: &FunctionName) -> Option<&'a Pool> {
    view.pools.as_deref()?.iter().find(|pool| pool.spec.function == *function)
}

/// The idle clock that runs out first: for how long that container has idled.
#[must_use]
pub fn idle(pool: &Pool, now: DateTime<Utc>) -> Option<Duration> {
    let idling = pool.containers.iter().filter(|container| container.status == ContainerStatus::Idle);
    let since = idling.filter_map(|container| container.idle_since).min()?;
    Some(clock::between(since, now))
}

/// The mean of what is known; `None` where nothing is.
#[must_use]
pub fn mean(pool: &Pool, load: impl Fn(&PoolContainer) -> Option<f64>) -> Option<f64> {
    let known: Vec<f64> = pool.containers.iter().filter_map(load).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// An open pool, and the container that is selected in it, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPool {
    /// Which pool.
    pub function: FunctionName,
    chosen: Chosen,
}

impl OpenPool {
    /// Opens a pool on its first container.
    #[must_use]
    pub fn of(pool: &Pool) -> Self {
        let mut open = Self { function: pool.spec.function.clone(), chosen: Chosen::default() };
        open.select(0, pool);
        open
    }

    /// Where the selected container stands; once it is gone, its neighbour is selected.
    #[must_use]
    pub fn index(&self, pool: &Pool) -> usize {
        self.chosen.index(&pool.containers, |container| &container.name)
    }

    /// The selected container.
    #[must_use]
    pub fn container<'a>(&self, pool: &'a Pool) -> Option<&'a PoolContainer> {
        pool.containers.get(self.index(pool))
    }

    /// Selects the container at a place.
    pub fn select(&mut self, index: usize, pool: &Pool) {
        self.chosen.select(index, &pool.containers, |container| &container.name);
    }

    /// Takes in what has come and gone.
    pub fn refresh(&mut self, view: &View) {
        if let Some(pool) = find(view, &self.function) {
            self.select(self.index(pool), pool);
        }
    }
}
