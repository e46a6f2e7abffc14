//! What windlass does without what it cannot read any more: always the more careful thing.

use super::reconcile;
use crate::clock;
use crate::config::Config;
use crate::model::damage::{Lost, Problem};
use crate::model::event::{CooldownStarted, HoldPlaced, StateAdopted, WorkerProtected};
use crate::model::{Direction, EventData, Observation, State, WorkerName};
use chrono::{DateTime, Utc};

/// What follows from a loss.
#[derive(Debug, Clone, PartialEq)]
pub struct Consequence {
    /// In words.
    pub words: String,
    /// What is reported, and with that changed.
    pub events: Vec<EventData>,
}

impl Consequence {
    fn words(words: impl Into<String>) -> Self {
        Self { words: words.into(), events: Vec::new() }
    }

    fn with(self, event: impl Into<EventData>) -> Self {
        Self { events: self.events.into_iter().chain([event.into()]).collect(), ..self }
    }
}

/// What follows where whoever wrote it remembers it; `None`: nobody does, and [`consequence`] tells. It is written again by what the drift
/// between memory and Redis tells ([`drift`](super::drift::drift())).
#[must_use]
pub fn consequence_for_its_writer(problem: &Problem) -> Option<Consequence> {
    let is_remembered = matches!(
        problem.lost,
        Lost::Counter
            | Lost::IndexedName
            | Lost::Worker(_)
            | Lost::Permanent
            | Lost::Cooldown(_)
            | Lost::Hold(_)
            | Lost::Operation(_)
            | Lost::Condition
    );
    is_remembered.then(|| Consequence::words("the leader remembers what it wrote there, and writes it again"))
}

/// What follows from a problem. `state` is what can be read, with what followed from the problems before; `seen` what was last seen.
#[must_use]
pub fn consequence(
    problem: &Problem,
    state: &State,
    seen: Option<&Observation>,
    config: &Config,
    now: DateTime<Utc>,
) -> Consequence {
    match &problem.lost {
        Lost::Counter => counter(state, seen, &config.workers.name_prefix),
        Lost::Index => Consequence::words(
            "the index is made anew from the workers' records; what has none is adopted from the cluster",
        ),
        Lost::IndexedName => Consequence::words("if there is such a worker, it is adopted from the cluster"),
        Lost::Worker(name) => worker(name, state, config, now),
        Lost::Protection(name) => {
            let reason = format!("it was protected; by whom and why cannot be read any more ({})", problem.problem);
            Consequence::words("the worker stays protected until somebody unprotects it")
                .with(WorkerProtected { node_name: name.clone(), reason })
        }
        Lost::Permanent => Consequence::words("the permanent workers are those of the configuration"),
        Lost::Cooldown(direction) => cooldown(*direction, config, now),
        Lost::Hold(direction) => {
            hold(*direction, &format!("the hold on scaling {direction} cannot be read"), state, config, now)
        }
        Lost::Operation(_) => Consequence::words(
            "nothing of it is repeated or undone; its workers are adopted from the cluster as they are found",
        ),
        Lost::Condition => Consequence::words("the condition's clock begins anew when it is seen to hold"),
        Lost::History => Consequence::words("it is left out of the history"),
        Lost::Count => Consequence::words("it counts from 0 again; decisions do not depend on it"),
        Lost::Time => Consequence::words("it is unknown until it happens again"),
        Lost::Picture => Consequence::words("it is made anew at the next look"),
        Lost::Events => Consequence::words("the log begins anew; the state does not depend on it"),
        Lost::Commands => {
            Consequence::words("the stream begins anew; commands that were given meanwhile are not carried out")
        }
        Lost::Nothing => Consequence::words("nothing was known of it; what was to be written there is written"),
        Lost::DeadLetters => Consequence::words("the list of dead letters begins anew"),
        Lost::Books => Consequence::words("the books begin anew; an event may be delivered a second time"),
        Lost::Lease => {
            Consequence::words("the lease is taken anew, with an epoch above any before: older leaders stay fenced out")
        }
    }
}

/// No name is given twice, so numbers go on after the highest that is known of.
fn counter(state: &State, seen: Option<&Observation>, prefix: &str) -> Consequence {
    let highest = reconcile::highest_number(prefix, state, seen).max(state.worker_counter);
    Consequence::words(format!("numbers go on after {highest}, the highest in any name that is known")).with(
        StateAdopted {
            workers: state.worker_count(),
            worker_counter: highest,
            reason: "the last number given to a worker cannot be read".to_owned(),
        },
    )
}

/// Whether an operator protected it cannot be told any more: nothing is scaled away until an operator had time to say so again.
fn worker(name: &WorkerName, state: &State, config: &Config, now: DateTime<Utc>) -> Consequence {
    let reason = format!("the record of {name} cannot be read, nor whether it was protected");
    let held = hold(Direction::Down, &reason, state, config, now);
    Consequence { words: format!("it is adopted again from the cluster; {}", held.words), ..held }
}

fn cooldown(direction: Direction, config: &Config, now: DateTime<Utc>) -> Consequence {
    let whole = match direction {
        Direction::Up => config.autoscaler.cooldowns.scale_up,
        Direction::Down => config.autoscaler.cooldowns.scale_down,
    };
    Consequence::words(format!("scaling {direction} cools down for its full time from now on")).with(CooldownStarted {
        direction,
        until: clock::after(now, whole.get()),
        duration: whole.as_secs_f64(),
    })
}

/// An operator's block must not vanish: the engine holds in its place. One that can be read stays, with its owner and reason.
fn hold(direction: Direction, reason: &str, state: &State, config: &Config, now: DateTime<Utc>) -> Consequence {
    if let Some(hold) = state.hold(direction, now) {
        return Consequence::words(format!("scaling {direction} is held by {} already", hold.actor));
    }
    let until = clock::after(now, config.autoscaler.holds.default_duration.get());
    let reason = format!("{reason}; release it when all is well");
    let kept = if direction == Direction::Up { "; the minimum is kept all the same" } else { "" };
    Consequence::words(format!("scaling {direction} is held by the engine until {until}{kept}")).with(HoldPlaced {
        direction,
        until,
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::damage::{Flaw, Spot};
    use crate::model::{Actor, Hold};

    fn problem(lost: Lost) -> Problem {
        Problem::new("{c1}:key".to_owned(), Spot::Whole, Flaw::Damaged, "`?`: not a time".to_owned(), lost)
    }

    fn now() -> DateTime<Utc> {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn of(lost: Lost, state: &State) -> Vec<EventData> {
        consequence(&problem(lost), state, None, &Config::default(), now()).events
    }

    #[test]
    fn an_unreadable_cooldown_is_a_full_one() {
        let events = of(Lost::Cooldown(Direction::Down), &State::default());
        let until = "2026-03-01T12:05:00Z".parse().unwrap();
        assert_eq!(events, [CooldownStarted { direction: Direction::Down, until, duration: 300.0 }.into()]);
    }

    #[test]
    fn an_operators_block_does_not_vanish() {
        let events = of(Lost::Hold(Direction::Up), &State::default());
        let [EventData::HoldPlaced(held)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((held.direction, held.until), (Direction::Up, "2026-03-01T12:30:00Z".parse().unwrap()));
        let name = "w-1".parse().unwrap();
        let events = of(Lost::Worker(name), &State::default());
        assert!(matches!(events.as_slice(), [EventData::HoldPlaced(held)] if held.direction == Direction::Down));
    }

    #[test]
    fn who_remembers_it_needs_no_care() {
        let lost = Lost::Hold(Direction::Down);
        assert_eq!(consequence_for_its_writer(&problem(lost)).map(|found| found.events), Some(Vec::new()));
        let lost = Lost::Protection("w-1".parse().unwrap());
        assert_eq!(
            consequence_for_its_writer(&problem(lost)),
            None,
            "a field of a record is not missing as a record is"
        );
        assert_eq!(consequence_for_its_writer(&problem(Lost::Events)), None);
    }

    #[test]
    fn the_engine_does_not_replace_a_hold_that_can_be_read() {
        let mut state = State::default();
        state.holds.down = Some(Hold {
            direction: Direction::Down,
            until: "2026-03-01T12:01:00Z".parse().unwrap(),
            actor: Actor::Person("anna".to_owned()),
            reason: "maintenance".to_owned(),
            placed_at: now(),
        });
        assert_eq!(of(Lost::Worker("w-1".parse().unwrap()), &state), []);
    }
}
