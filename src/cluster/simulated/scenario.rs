//! What happens in a simulated world, and when: a curve of demand, and incidents. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::incident::{Incident, Trouble};
use crate::config::Span;

/// A scenario. Times count from the world's start, or from the start of the current round where it loops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// What it shows.
    #[serde(default)]
    pub description: String,
    /// After this it begins again; without it the last phase lasts for ever.
    #[serde(default)]
    pub loop_after: Option<Span>,
    /// How long a worker takes until it is ready.
    #[serde(default = "default_startup")]
    pub startup: Span,
    /// How long it takes to empty a worker.
    #[serde(default = "default_drain")]
    pub drain: Span,
    /// The curve of demand, in the order of time.
    pub phases: Vec<Phase>,
    /// What goes wrong.
    #[serde(default)]
    pub incidents: Vec<Incident>,
}

const fn default_startup() -> Span {
    Span::seconds(2)
}

const fn default_drain() -> Span {
    Span::seconds(1)
}

/// A point of the curve of demand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// When.
    pub at: Span,
    /// The work to be done, in workers: 2.4 keeps 2.4 workers fully busy.
    pub cpu_demand: f64,
    /// The memory needed, in workers: 1.5 fills one worker and a half.
    pub memory_demand: f64,
    /// Keeps these demands until the next phase, instead of moving towards it in a straight line.
    #[serde(default)]
    pub step: bool,
    /// Pods that come at this moment, and that no worker has room for. They wait until the next phase at the most.
    #[serde(default)]
    pub pending: Option<Arrivals>,
}

/// Pods that no worker has room for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrivals {
    /// How many.
    pub count: u32,
    /// How many of them a further worker has room for.
    pub per_worker: u32,
    /// The deployments they belong to.
    #[serde(default)]
    pub deployments: Vec<String>,
}

/// Something that the world has to take in at its moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Happening<'a> {
    /// A phase begins.
    Phase(&'a Phase),
    /// Something goes wrong.
    Incident(&'a Incident),
}

/// What becomes of a worker that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It takes work once it has booted.
    Succeeds,
    /// It ends with an error while it boots.
    Fails,
    /// It is not made at all.
    Refused,
}

impl Scenario {
    /// CPU and memory demand, in workers, this long after the world's start.
    #[must_use]
    pub fn demand(&self, elapsed: Duration) -> (f64, f64) {
        let position = self.position(elapsed);
        let next = self.phases.iter().position(|phase| phase.at.get() > position);
        let Some(now) = next.map_or(self.phases.last(), |next| self.phases.get(next.saturating_sub(1))) else {
            return (0.0, 0.0);
        };
        // After the last phase a loop leads back to the first one.
        let (then, until) = match (next, self.loop_after) {
            (Some(next), _) => (&self.phases[next], self.phases[next].at.get()),
            (None, Some(end)) => (&self.phases[0], end.get()),
            (None, None) => return (now.cpu_demand, now.memory_demand),
        };
        let begin = now.at.get();
        let length = until.saturating_sub(begin).as_secs_f64();
        if now.step || length <= 0.0 {
            return (now.cpu_demand, now.memory_demand);
        }
        let share = (position.saturating_sub(begin).as_secs_f64() / length).clamp(0.0, 1.0);
        let between = |from: f64, to: f64| from + (to - from) * share;
        (between(now.cpu_demand, then.cpu_demand), between(now.memory_demand, then.memory_demand))
    }

    /// How long a worker that is made this long after the world's start takes until it is ready.
    #[must_use]
    pub fn startup(&self, elapsed: Duration) -> Duration {
        let slow = self.going_on(elapsed, |trouble| match trouble {
            Trouble::SlowStart(slow) => Some(slow.startup),
            _ => None,
        });
        slow.unwrap_or(self.startup).get()
    }

    /// What becomes of a worker that is made this long after the world's start.
    #[must_use]
    pub fn start(&self, elapsed: Duration) -> Start {
        let refuses = self.going_on(elapsed, |trouble| match trouble {
            Trouble::FailingStart(failing) => Some(failing.refuse),
            _ => None,
        });
        match refuses {
            None => Start::Succeeds,
            Some(false) => Start::Fails,
            Some(true) => Start::Refused,
        }
    }

    /// Whether nobody gets an answer this long after the world's start.
    #[must_use]
    pub fn is_unreachable(&self, elapsed: Duration) -> bool {
        let silent = |trouble: &Trouble| matches!(trouble, Trouble::Unreachable(_)).then_some(());
        self.going_on(elapsed, silent).is_some()
    }

    /// Of the troubles that go on at this time, the last one that `pick` wants.
    fn going_on<T>(&self, elapsed: Duration, pick: impl Fn(&Trouble) -> Option<T>) -> Option<T> {
        let position = self.position(elapsed);
        self.incidents.iter().rev().find_map(|incident| {
            let length = incident.what.lasts()?.get();
            let lasts = |at: Duration| at.checked_sub(incident.at.get()).is_some_and(|since| since < length);
            // It may last beyond the end of the round in which it began.
            let of_last_round =
                || self.round().is_some_and(|round| elapsed >= round && lasts(position.saturating_add(round)));
            if lasts(position) || of_last_round() { pick(&incident.what) } else { None }
        })
    }

    /// What happens after `since` (from the very start on, if that is `None`) and until `until`, both counted from the world's start, in
    /// order. Of a longer absence only the last round is told: what went wrong in earlier ones is long repaired.
    #[must_use]
    pub fn happenings(&self, since: Option<Duration>, until: Duration) -> Vec<(Duration, Happening<'_>)> {
        let round = self.round();
        let skipped = round.and_then(|round| until.checked_sub(round)).filter(|skipped| !skipped.is_zero());
        let since = since.max(skipped);
        let mut found = Vec::new();
        let first = self.round_number(since.unwrap_or_default());
        for number in first..=self.round_number(until) {
            let offset = round.map_or(Duration::ZERO, |round| round.saturating_mul(number));
            let phases =
                self.phases.iter().map(|phase| (offset.saturating_add(phase.at.get()), Happening::Phase(phase)));
            let incidents = self
                .incidents
                .iter()
                .map(|incident| (offset.saturating_add(incident.at.get()), Happening::Incident(incident)));
            found.extend(
                phases.chain(incidents).filter(|(at, _)| since.is_none_or(|since| *at > since) && *at <= until),
            );
        }
        found.sort_by_key(|(at, _)| *at);
        found
    }

    /// When the next thing happens after `elapsed`, counted from the world's start.
    #[must_use]
    pub fn next_happening(&self, elapsed: Duration) -> Option<Duration> {
        let moments = || {
            let phases = self.phases.iter().map(|phase| phase.at.get());
            phases.chain(self.incidents.iter().map(|incident| incident.at.get()))
        };
        let Some(round) = self.round() else { return moments().filter(|at| *at > elapsed).min() };
        let begin = round.saturating_mul(self.round_number(elapsed));
        let this_round = |at| begin.saturating_add(at);
        moments()
            .map(|at| if this_round(at) > elapsed { this_round(at) } else { this_round(at).saturating_add(round) })
            .min()
    }

    /// The length of a round, where it loops.
    fn round(&self) -> Option<Duration> {
        self.loop_after.map(Span::get).filter(|round| !round.is_zero())
    }

    fn round_number(&self, elapsed: Duration) -> u32 {
        let Some(round) = self.round() else { return 0 };
        u32::try_from(elapsed.as_nanos() / round.as_nanos()).unwrap_or(u32::MAX)
    }

    /// Where in the round `elapsed` is.
    fn position(&self, elapsed: Duration) -> Duration {
        self.round().map_or(elapsed, |round| elapsed.saturating_sub(round.saturating_mul(self.round_number(elapsed))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)]
    use super::super::incident::{Crash, FailingStart, Silence, SlowStart};
    use super::*;

    fn phase(at: u64, cpu: f64, step: bool) -> Phase {
        Phase { at: Span::seconds(at), cpu_demand: cpu, memory_demand: cpu / 2.0, step, pending: None }
    }

    fn scenario(loop_after: Option<u64>) -> Scenario {
        let crash = Incident { at: Span::seconds(15), what: Trouble::Crash(Crash::Youngest(1)) };
        let slow = SlowStart { startup: Span::seconds(9), lasts: Span::seconds(10) };
        Scenario {
            name: "test".to_owned(),
            description: String::new(),
            loop_after: loop_after.map(Span::seconds),
            startup: Span::seconds(2),
            drain: Span::seconds(1),
            phases: vec![phase(0, 1.0, false), phase(10, 3.0, true), phase(20, 0.0, false)],
            incidents: vec![crash, Incident { at: Span::seconds(35), what: Trouble::SlowStart(slow) }],
        }
    }

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn demand_moves_in_straight_lines_or_in_steps() {
        let once = scenario(None);
        let cpu = |at| once.demand(seconds(at)).0;
        assert_eq!([cpu(0), cpu(5), cpu(10), cpu(19), cpu(20), cpu(1000)], [1.0, 2.0, 3.0, 3.0, 0.0, 0.0]);
        assert_eq!(once.demand(seconds(5)).1, 1.0);
    }

    #[test]
    fn a_loop_leads_back_to_its_beginning() {
        let looping = scenario(Some(40));
        let cpu = |at| looping.demand(seconds(at)).0;
        assert_eq!([cpu(20), cpu(30), cpu(40), cpu(45), cpu(4_045)], [0.0, 0.5, 1.0, 2.0, 2.0]);
    }

    #[test]
    fn each_happening_is_told_once_a_round() {
        let looping = scenario(Some(40));
        let crashes = |since: Option<u64>, until: u64| {
            let all = looping.happenings(since.map(seconds), seconds(until));
            let of = |happening: &Happening<'_>| matches!(happening, Happening::Incident(i) if matches!(i.what, Trouble::Crash(_)));
            all.into_iter().filter(|(_, happening)| of(happening)).map(|(at, _)| at.as_secs()).collect::<Vec<_>>()
        };
        assert_eq!(crashes(None, 14), Vec::<u64>::new());
        assert_eq!(crashes(None, 15), [15]);
        assert_eq!(crashes(Some(15), 54), Vec::<u64>::new());
        assert_eq!(crashes(Some(15), 55), [55]);
        assert_eq!(crashes(Some(10), 1_000), [975], "of a long absence only the last round");
        assert_eq!(looping.happenings(None, seconds(0)).len(), 1, "the first phase begins with the world");
    }

    #[test]
    fn the_next_happening_is_found_across_the_end_of_a_round() {
        let next = |scenario: &Scenario, at| scenario.next_happening(seconds(at)).map(|at| at.as_secs());
        assert_eq!(next(&scenario(Some(40)), 10), Some(15));
        assert_eq!(next(&scenario(Some(40)), 36), Some(40));
        assert_eq!(next(&scenario(None), 36), None);
    }

    #[test]
    fn workers_start_slowly_for_a_while_across_the_end_of_a_round() {
        let looping = scenario(Some(40));
        let startup = |at| looping.startup(seconds(at)).as_secs();
        assert_eq!([startup(0), startup(34), startup(35), startup(44), startup(45)], [2, 2, 9, 9, 2]);
    }

    #[test]
    fn a_silence_and_failing_starts_end_and_come_again_with_the_next_round() {
        let silence = Trouble::Unreachable(Silence { lasts: Span::seconds(4) });
        let failing = |refuse| Trouble::FailingStart(FailingStart { lasts: Span::seconds(10), refuse });
        let incident = |at, what| Incident { at: Span::seconds(at), what };
        let incidents = vec![incident(5, silence), incident(20, failing(true)), incident(35, failing(false))];
        let looping = Scenario { incidents, ..scenario(Some(40)) };
        let silent = |at| looping.is_unreachable(seconds(at));
        assert_eq!([silent(4), silent(5), silent(8), silent(9), silent(45)], [false, true, true, false, true]);
        let start = |at| looping.start(seconds(at));
        assert_eq!([start(19), start(29), start(30)], [Start::Succeeds, Start::Refused, Start::Succeeds]);
        assert_eq!(
            [start(4), start(35), start(44), start(45)],
            [Start::Succeeds, Start::Fails, Start::Fails, Start::Succeeds]
        );
        assert_eq!(scenario(None).start(seconds(1_000)), Start::Succeeds);
    }
}
