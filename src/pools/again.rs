//! Commands that an earlier leader may have begun and did not live to answer: what was done for them counts, and is not done twice.
//!
//! A container that is made for a command says so in a label; before one is taken away for a command, an event says so.

use chrono::{DateTime, TimeDelta, Utc};

use super::manager::Manager;
use super::orders::Answering;
use crate::bus;
use crate::handlers::Because;
use crate::model::event::{PoolContainerDraining, PoolScaledDown, PoolScaledUp};
use crate::model::{Action, ContainerId, Direction, EventData, EventType, FunctionName};
use crate::policy::operator::Refusal;

/// The clocks of those who give commands and of those who lead may differ by so much.
const SKEW: TimeDelta = TimeDelta::minutes(1);
/// How far back the log is searched for what was begun. Commands go stale long before so much has happened.
const LOOKED_BACK: usize = 1000;

impl Manager {
    /// What is left to be done of a command; `None`: nothing, and it is answered.
    pub(super) async fn rest_of(&mut self, mut answering: Answering, now: DateTime<Utc>) -> Option<Answering> {
        let command = &answering.command;
        let (function, direction, count) = match &command.action {
            Action::PoolScale { function, direction, count } => (function.clone(), *direction, *count),
            Action::PoolWake { function } => (function.clone(), Direction::Up, 1),
            _ => return Some(answering),
        };
        if command.issued_at > self.since + SKEW || !self.pools.contains_key(&function) {
            return Some(answering);
        }
        let done = match self.begun_for(&answering, direction).await {
            Ok(done) => done,
            Err(refusal) => {
                self.refuse(answering, refusal, now).await;
                return None;
            }
        };
        if done == 0 {
            return Some(answering);
        }
        if done < count {
            if let Action::PoolScale { count, .. } = &mut answering.command.action {
                *count -= done;
            }
            return Some(answering);
        }
        let data = self.done_already(function, direction, done, &answering);
        self.answer(answering, data, Ok(Vec::new()), now).await;
        None
    }

    /// How many containers were made, or began to go, for a command.
    async fn begun_for(&self, answering: &Answering, direction: Direction) -> Result<u32, Refusal> {
        let id = answering.command.command_id;
        let count = match (direction, &self.setting.store) {
            (Direction::Up, _) => {
                let listing = self.setting.host.list().await.map_err(|error| unknown(&error))?;
                listing.iter().filter(|seen| seen.ordered_by == Some(id)).count()
            }
            (Direction::Down, Some(store)) => {
                let (log, _) = bus::newest(store, LOOKED_BACK).await.map_err(|error| unknown(&error))?;
                let begun = log.iter().filter(|event| event.caused_by == Some(id));
                begun.filter(|event| event.event_type() == EventType::PoolContainerDraining).count()
            }
            (Direction::Down, None) => 0,
        };
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// The answer to a command whose containers have come, or gone, already: they are told of where they were found so.
    fn done_already(
        &self,
        function: FunctionName,
        direction: Direction,
        done: u32,
        answering: &Answering,
    ) -> EventData {
        let new_containers = self.pools.get(&function).map_or(0, super::kept::Kept::count);
        let reason = Answering::said(Some(answering)).unwrap_or_else(|| "operator".to_owned());
        let container_names = Vec::new();
        match direction {
            Direction::Up => {
                let previous_containers = new_containers.saturating_sub(done);
                PoolScaledUp { function, previous_containers, new_containers, container_names, reason }.into()
            }
            Direction::Down => {
                let previous_containers = new_containers;
                PoolScaledDown { function, previous_containers, new_containers, container_names, reason }.into()
            }
        }
    }

    /// That containers are about to go for a command, to be recorded before they do.
    pub(super) fn say_what_goes(
        &mut self,
        function: &FunctionName,
        ids: &[ContainerId],
        reason: &str,
        because: &Because,
        now: DateTime<Utc>,
    ) {
        let Some(kept) = self.pools.get_mut(function) else { return };
        let going = kept.pool.containers.iter().filter(|container| ids.contains(&container.id));
        let going: Vec<String> = going.map(|container| container.name.clone()).collect();
        for container in going {
            let (function, reason) = (function.clone(), reason.to_owned());
            let data = PoolContainerDraining { function, container, reason };
            kept.news.push(self.journal.event(data, because.clone(), now));
        }
    }
}

fn unknown(error: &dyn std::fmt::Display) -> Refusal {
    let detail = format!(
        "another leader may have begun with this, and what it did cannot be told now ({error}): look at the pool, and try again"
    );
    Refusal { reason: "cluster_unknown", detail }
}
