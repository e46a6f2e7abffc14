//! The leader's loop by hand and without a store: the real handlers, and a cluster that is a map.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::super::NodeManager;
use super::super::work::{self, Done, Report, Work};
pub use super::containers::Outcome;
use super::containers::{Containers, wanted};
use crate::config::Config;
use crate::handlers::{self, Draft, Handler, World, operator};
use crate::model::{Action, Direction, Event, EventType, Health, Metadata, Observation, PendingPods, State};

pub struct Rig {
    pub config: Config,
    pub state: State,
    pub events: Vec<Event>,
    pub containers: Containers,
    pub now: DateTime<Utc>,
    queue: VecDeque<Event>,
    observation: Option<Observation>,
    leading_since: DateTime<Utc>,
}

impl Rig {
    pub fn new(config: Config) -> Self {
        let now: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
        Self {
            config,
            state: State::default(),
            events: Vec::new(),
            containers: Containers::none(),
            now,
            queue: VecDeque::new(),
            observation: None,
            leading_since: now,
        }
    }

    /// A cluster at its minimum.
    pub fn settled(config: Config) -> Self {
        let mut rig = Self::new(config);
        rig.settle();
        assert_eq!(rig.state.worker_count(), rig.config.autoscaler.limits.min_nodes);
        rig
    }

    /// Lets time pass, work be done and events be heard until nothing is under way.
    pub fn settle(&mut self) {
        for _ in 0..60 {
            self.pass(7);
            self.look(50, 0);
            self.hear(usize::MAX);
            while self.work(0, Outcome::Done) {}
            if self.state.operations.is_empty() && self.queue.is_empty() && self.state.worker_count() > 0 {
                self.pass(1);
                self.look(50, 0);
                return;
            }
        }
        panic!("it does not settle: {:#?}", self.state.operations);
    }

    pub fn pass(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
        self.ask(|handler, world, draft| handler.on_time(world, draft));
    }

    pub fn look(&mut self, load: u8, pending: u32) {
        self.now += TimeDelta::milliseconds(1);
        let mut workers = BTreeMap::clone(&self.containers);
        for container in workers.values_mut().filter(|container| container.health == Health::Ready) {
            (container.cpu_percent, container.memory_percent) = (Some(f64::from(load)), Some(f64::from(load)));
        }
        let deployments = vec!["app".to_owned()];
        let pending = PendingPods { count: pending, waiting_seconds: 3.0, deployments, workers_needed: pending };
        let seen = Observation { at: self.now, workers, pending: Some(pending), nodes: None };
        self.observation = Some(seen.clone());
        self.ask(|handler, world, draft| handler.on_observation(&seen, world, draft));
    }

    /// Handlers hear of so many events.
    pub fn hear(&mut self, count: usize) {
        for _ in 0..count {
            let Some(event) = self.queue.pop_front() else { return };
            for handler in handlers::all() {
                if handler.subscribes().contains(&event.event_type()) {
                    self.draft(handler.name(), |world, draft| handler.on_event(&event, world, draft).unwrap());
                }
            }
        }
    }

    pub fn due(&self) -> Vec<Work> {
        work::due(&self.state, self.observation.as_ref(), &self.config, self.leading_since)
    }

    /// Does one of the things that are due; whether there was any.
    pub fn work(&mut self, which: usize, outcome: Outcome) -> bool {
        let due = self.due();
        let Some(work) = (!due.is_empty()).then(|| due[which % due.len()].clone()) else { return false };
        self.now += TimeDelta::milliseconds(1);
        // What is ours can be removed; to refuse that is another test's.
        let outcome = match (outcome, &work) {
            (Outcome::Refused, Work::Undo { .. }) => Outcome::Unavailable,
            (outcome, _) => outcome,
        };
        let result = self.containers.work(&work, outcome, self.now);
        self.report(&Report { work, result });
        true
    }

    pub fn report(&mut self, report: &Report) {
        if let (Ok(Done::Removed), Some(seen)) = (&report.result, &mut self.observation) {
            seen.workers.remove(report.work.name());
        }
        self.draft(NodeManager.name(), |world, draft| {
            let _ = NodeManager.on_report(report, world, draft);
        });
    }

    /// An operator scales; the answer.
    pub fn scale(&mut self, direction: Direction, count: u32) -> Event {
        let action = Action::Scale { direction, count, worker: None, honor_cooldown: false };
        self.command(action)
    }

    pub fn command(&mut self, action: Action) -> Event {
        let command = wanted(action, self.now);
        self.draft(operator::SOURCE, |world, draft| {
            operator::apply(&command, &operator::Found::default(), world, draft);
        });
        self.events.iter().find(|event| event.caused_by == Some(command.command_id)).unwrap().clone()
    }

    /// Another leader, with what is remembered. `forgotten`: what was not heard yet was trimmed.
    pub fn take_over(&mut self, forgotten: bool) {
        if forgotten {
            self.queue.clear();
        }
        self.observation = None;
        self.leading_since = self.now;
        self.draft(NodeManager.name(), |world, draft| NodeManager.take_over(Uuid::from_u128(1), world, draft));
    }

    /// What was reported of an operation, in order.
    pub fn told(&self, operation: Uuid) -> Vec<EventType> {
        let own = self.events.iter().filter(|event| event.correlation_id == Some(operation));
        own.map(Event::event_type).filter(|kind| *kind != EventType::CooldownStarted).collect()
    }

    /// The latest event of a type.
    pub fn latest(&self, kind: EventType) -> &Event {
        self.events.iter().rfind(|event| event.event_type() == kind).unwrap()
    }

    fn ask(&mut self, ask: impl Fn(&dyn Handler, &World<'_>, &mut Draft)) {
        for handler in handlers::all() {
            self.draft(handler.name(), |world, draft| ask(handler.as_ref(), world, draft));
        }
    }

    fn draft(&mut self, source: &'static str, make: impl FnOnce(&World<'_>, &mut Draft)) {
        let metadata = Metadata { cluster_id: "c1".parse().unwrap(), region: String::new() };
        let mut draft = Draft::new(&self.state, source, metadata, self.now);
        let world = World {
            config: &self.config,
            observation: self.observation.as_ref(),
            previous: None,
            remembered: true,
            now: self.now,
        };
        make(&world, &mut draft);
        let (state, _, events) = draft.into_parts();
        self.state = state;
        self.queue.extend(events.iter().cloned());
        self.events.extend(events);
    }
}

/// Limits 2 to 6, and rests of a few seconds.
pub fn config() -> Config {
    let mut config = Config::default();
    config.autoscaler.cooldowns.scale_up = "3s".parse().unwrap();
    config.autoscaler.cooldowns.scale_down = "3s".parse().unwrap();
    config.autoscaler.windows.underutilization = "20s".parse().unwrap();
    config.autoscaler.check_interval = "20s".parse().unwrap();
    config
}
