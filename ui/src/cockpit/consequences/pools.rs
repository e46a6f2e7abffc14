//! What will follow from a command about a function pool.

use windlass::model::{ContainerStatus, Direction, FunctionName, Pool};

use super::Found;
use crate::cockpit::pools::find;
use crate::format;

impl<'a> Found<'a> {
    /// The pool; where there is none, that is said.
    fn pool(&mut self, function: &FunctionName) -> Option<&'a Pool> {
        let view = self.view;
        let pool = find(view, function);
        match (pool, &view.pools) {
            (None, Some(_)) => self.refused(format!("there is no pool {function}: the engine will refuse")),
            (None, None) => self.beware("the function pools were not read yet".to_owned()),
            (Some(pool), _) if !pool.verified => {
                self.beware("the containers' runtime has not confirmed what is remembered of it".to_owned());
            }
            (Some(_), _) => {}
        }
        pool
    }

    pub(super) fn pool_scale(&mut self, function: &FunctionName, direction: Direction, count: u32) {
        let Some(pool) = find(self.view, function) else {
            self.pool(function);
            return;
        };
        let before = u32::try_from(pool.containers.len()).unwrap_or(u32::MAX);
        let (min, max) = (pool.spec.min, pool.spec.max);
        let after = match direction {
            Direction::Up => before.saturating_add(count),
            Direction::Down => before.saturating_sub(count),
        };
        self.follows(format!("containers of {function} {before} → {after} (min {min}, max {max})"));
        match direction {
            Direction::Up => {
                let containers = format::plural(count.into(), "container");
                self.follows(format!("makes {containers} of {}", pool.spec.image));
                if after > max {
                    self.refused(format!("{after} is more than the maximum of {max}: the engine will refuse"));
                }
            }
            Direction::Down => {
                self.follows("takes idle ones first, then the least loaded".to_owned());
                if count > before || after < min {
                    let left = match before.saturating_sub(min) {
                        0 => "none".to_owned(),
                        left => format!("only {left}"),
                    };
                    self.refused(format!("{left} may go (minimum {min}): the engine will refuse"));
                }
            }
        }
        self.pool(function);
    }

    pub(super) fn pool_drain(&mut self, function: &FunctionName, name: &str) {
        let Some(pool) = self.pool(function) else {
            return;
        };
        let chosen =
            pool.containers.iter().find(|container| container.name == name || container.id.0.starts_with(name));
        match chosen.map(|container| container.status) {
            None => self.refused(format!("pool {function} has no container {name}: the engine will refuse")),
            Some(ContainerStatus::Draining) => self.beware(format!("{name} is draining already")),
            Some(_) => {
                self.follows(format!("{name} gets no more calls, and goes when it idles"));
                let left = pool.containers.len() - pool.count(ContainerStatus::Draining) - 1;
                if left < pool.spec.min as usize {
                    let min = pool.spec.min;
                    self.follows(format!("the pool makes another: it keeps {min} at least"));
                } else if left == 0 {
                    self.beware("it is the last one: the next call waits for a new one".to_owned());
                }
            }
        }
    }

    pub(super) fn pool_wake(&mut self, function: &FunctionName) {
        let Some(pool) = self.pool(function) else {
            return;
        };
        match pool.containers.len() as u64 {
            0 => self.follows(format!("{function} gets its first container, of {}", pool.spec.image)),
            count => self.beware(format!("it is awake: {}", format::plural(count, "container"))),
        }
    }
}
