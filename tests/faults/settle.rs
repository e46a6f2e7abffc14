//! Waits until a cluster has come to rest.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;
use windlass::clock::Stopwatch;
use windlass::model::{ConditionKey, Direction, Event, State, WorkerStatus};
use windlass::store::Store;

use crate::place::Place;
use crate::plan::TURBULENCE;
use crate::pools;
use crate::record::Record;
use crate::world::Containers;

/// Longer than anything takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(150);
/// Records of pools that are read at a time.
pub const BATCH: usize = 50;
/// What looks like rest for this long is rest.
const CALM: Duration = Duration::from_millis(900);

/// Waits for rest; how long that took. An error says what was still missing.
pub async fn settle(place: &Place, store: &Store, record: &Record) -> Result<Duration, String> {
    let begun = Stopwatch::start();
    let mut calm: Option<(Duration, usize)> = None;
    loop {
        place.supervise();
        let now = begun.elapsed();
        let length = record.with(|seen| seen.events.len());
        match unrest(place, store, record).await {
            None => match calm {
                Some((since, then)) if then == length => {
                    if now >= since + CALM {
                        return Ok(since);
                    }
                }
                _ => calm = Some((now, length)),
            },
            Some(what) => {
                calm = None;
                let ended = place.replicas().iter().any(|replica| !replica.wrong_ends.is_empty());
                if now > PATIENCE || ended {
                    return Err(format!("not at rest after {now:?}: {what}"));
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What keeps the cluster from being at rest; `None`: nothing.
async fn unrest(place: &Place, store: &Store, record: &Record) -> Option<String> {
    if !place.world.is_calm(TURBULENCE) {
        return Some("the scenario goes on".to_owned());
    }
    let (look, snapshot) = match (store.inspect().await, store.snapshot().await) {
        (Ok(look), Ok(snapshot)) => (look, snapshot),
        (Err(error), _) | (_, Err(error)) => return Some(format!("Redis: {error}")),
    };
    if snapshot.leader.is_none() {
        return Some("nobody leads".to_owned());
    }
    let groups: Vec<_> = look.events.groups.iter().chain(&look.commands.groups).collect();
    if groups.is_empty() || groups.iter().any(|group| group.pending > 0 || group.lag.is_none_or(|lag| lag > 0)) {
        return Some(format!("not everything is heard: {groups:?}"));
    }
    let state = &snapshot.state;
    if !state.operations.is_empty() {
        return Some(format!("operations: {:?}", state.operations.values().collect::<Vec<_>>()));
    }
    if let Some(coming) = coming(state) {
        return Some(coming);
    }
    let Some(sight) = place.world.look() else { return Some("the world cannot be seen".to_owned()) };
    if let Some(difference) = difference(state, &sight.workers) {
        return Some(difference);
    }
    match store.load_pools(BATCH).await {
        Ok(loaded) => {
            if let Some(difference) = pools::difference(&loaded, &sight.pools) {
                return Some(difference);
            }
        }
        Err(error) => return Some(format!("Redis: {error}")),
    }
    record.with(|seen| {
        let answered = |id| seen.events.iter().any(|event| is_answer(event, id));
        let open = seen.commands.iter().find(|(command, confirmed)| *confirmed && !answered(command.command_id));
        open.map(|(command, _)| format!("a command is not answered: {command:?}"))
    })
}

/// Whether it answers a command, as opposed to what else comes of it.
pub fn is_answer(event: &Event, command: Uuid) -> bool {
    event.source == "operator" && event.caused_by == Some(command)
}

/// What will be followed by something else, though nothing is under way just now.
fn coming(state: &State) -> Option<String> {
    if let Some(direction) = Direction::BOTH.into_iter().find(|direction| state.cooldowns.get(*direction).is_some()) {
        return Some(format!("{direction} cools down"));
    }
    // Where a record was lost the engine holds scaling until somebody has looked: what is wanted then stays wanted.
    if Direction::BOTH.into_iter().any(|direction| state.holds.get(direction).is_some()) {
        return None;
    }
    let passing = |key: &&ConditionKey| !matches!(key, ConditionKey::Optimal | ConditionKey::Synced);
    state.conditions.keys().find(passing).map(|key| format!("there is a condition: {key}"))
}

/// Where what is remembered and what there is differ; both within the limits of the plan's configuration.
pub fn difference(state: &State, containers: &Containers) -> Option<String> {
    let remembered: BTreeMap<&str, &str> =
        state.workers.values().map(|worker| (worker.name.as_str(), worker.container_id.0.as_str())).collect();
    let there: BTreeMap<&str, &str> =
        containers.iter().map(|(name, container)| (name.as_str(), container.id.as_str())).collect();
    if remembered != there {
        return Some(format!("workers {remembered:?}, containers {containers:?}"));
    }
    if let Some((name, _)) = containers.iter().find(|(_, container)| !container.runs) {
        return Some(format!("{name} has ended and is still there"));
    }
    if let Some(worker) = state.workers.values().find(|worker| worker.status != WorkerStatus::Ready) {
        return Some(format!("not ready: {worker:?}"));
    }
    (!(2..=6).contains(&containers.len())).then(|| format!("{} workers, from 2 to 6 are allowed", containers.len()))
}
