//! The last observations, for the sparklines in the header.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use windlass::model::Observation;

const LENGTH: usize = 60;

/// Load over the last observations, oldest first. What was unknown stays unknown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    last: Option<DateTime<Utc>>,
    /// Mean CPU, percent.
    pub cpu: VecDeque<Option<f64>>,
    /// Mean memory, percent.
    pub memory: VecDeque<Option<f64>>,
}

impl History {
    /// Takes in an observation, once.
    pub fn push(&mut self, seen: &Observation) {
        if self.last.is_some_and(|last| last >= seen.at) {
            return;
        }
        self.last = Some(seen.at);
        for (values, value) in [(&mut self.cpu, seen.cpu_avg()), (&mut self.memory, seen.memory_avg())] {
            values.push_back(value);
            if values.len() > LENGTH {
                values.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::gallery;

    #[test]
    fn an_observation_counts_once_and_the_oldest_go() {
        let mut history = History::default();
        let view = gallery::view();
        let mut seen = view.observation.as_deref().unwrap().clone();
        history.push(&seen);
        history.push(&seen);
        assert_eq!(history.cpu.len(), 1);
        for _ in 0..2 * LENGTH {
            seen.at += chrono::TimeDelta::seconds(5);
            history.push(&seen);
        }
        assert_eq!(history.cpu.len(), LENGTH);
    }
}
