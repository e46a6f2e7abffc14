//! One operation as a track: every step of every worker with when it was reached and how long it took, from the operation's events;
//! what is not reached yet comes from its record. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use windlass::model::{
    Actor, Direction, Event, EventData, EventType, Operation, OperationRecord, Origin, Outcome, State, Step, WorkerName,
};

use super::filter::belongs_to;
use crate::describe::workers_of;

/// What is remembered of the operation.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// It is under way.
    Running(&'a Operation),
    /// It has ended, and its record is kept.
    Ended(&'a OperationRecord),
    /// Only its events tell of it.
    Told(Uuid),
}

impl<'a> Subject<'a> {
    /// What the state remembers of an operation.
    #[must_use]
    pub fn find(id: Uuid, state: &'a State) -> Self {
        if let Some(operation) = state.operations.get(&id) {
            return Self::Running(operation);
        }
        let ended = state.operation_history.iter().find(|record| record.operation.id == id);
        ended.map_or(Self::Told(id), Self::Ended)
    }

    fn id(self) -> Uuid {
        match self {
            Self::Running(operation) => operation.id,
            Self::Ended(record) => record.operation.id,
            Self::Told(id) => id,
        }
    }

    fn operation(self) -> Option<&'a Operation> {
        match self {
            Self::Running(operation) => Some(operation),
            Self::Ended(record) => Some(&record.operation),
            Self::Told(_) => None,
        }
    }
}

/// An operation from its decision to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Which.
    pub id: Uuid,
    /// What it is to do; `None`: neither a record nor its decision is held any more.
    pub what: Option<What>,
    /// When it was decided.
    pub began: Option<DateTime<Utc>>,
    /// Its steps: its own, then worker by worker, then its end.
    pub rows: Vec<Row>,
    /// How it ended.
    pub end: End,
    /// Workers that were undone or spared.
    pub rolled_back: Vec<WorkerName>,
}

/// What an operation is to do, for whom and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct What {
    /// Up or down.
    pub direction: Direction,
    /// How many workers.
    pub count: u32,
    /// What set it off.
    pub origin: Origin,
    /// Who asked.
    pub actor: Actor,
    /// Why.
    pub reason: String,
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Not yet.
    Running,
    /// It did what it was to do.
    Completed(DateTime<Utc>),
    /// It did not, and why.
    Failed(DateTime<Utc>, String),
    /// Nothing that is held tells.
    Unknown,
}

impl End {
    /// When it ended.
    #[must_use]
    pub const fn at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Completed(at) | Self::Failed(at, _) => Some(*at),
            Self::Running | Self::Unknown => None,
        }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The worker it is about; `None`: the operation as a whole.
    pub worker: Option<WorkerName>,
    /// What it is called.
    pub name: &'static str,
    /// Whether it is reached.
    pub stage: Stage,
    /// When the step before it was reached.
    pub from: Option<DateTime<Utc>>,
    /// When it was reached.
    pub at: Option<DateTime<Utc>>,
    /// The event that reported it.
    pub event: Option<Arc<Event>>,
}

impl Row {
    /// How long it took; `None`: unknown, or not reached.
    #[must_use]
    pub fn took(&self) -> Option<TimeDelta> {
        Some(self.at? - self.from?)
    }
}

/// Whether a step is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reached.
    Done,
    /// Reached, as the record says; its event is held no more.
    Unseen,
    /// Being worked on.
    UnderWay,
    /// Not reached.
    Waiting,
    /// It could not be done.
    Failed,
    /// Something that followed from the operation.
    After,
}

/// The operation that an event belongs to. A decision that carries no operation's id begins one under its own.
#[must_use]
pub fn operation_of(event: &Event) -> Option<Uuid> {
    let begins = what(event).map(|_| event.event_id);
    event.correlation_id.or(begins)
}

/// The track of an operation among `events`.
#[must_use]
pub fn track(events: &VecDeque<Arc<Event>>, subject: Subject<'_>) -> Track {
    let id = subject.id();
    let own: Vec<&Arc<Event>> = events.iter().filter(|event| belongs_to(event, id)).collect();
    let decided = own.iter().copied().find(|event| what(event).is_some());
    let started = own
        .iter()
        .copied()
        .find(|event| matches!(event.event_type(), EventType::ScaleUpStarted | EventType::ScaleDownStarted));
    let ended = own
        .iter()
        .copied()
        .find(|event| matches!(event.event_type(), EventType::ScalingActionCompleted | EventType::ScalingActionFailed));
    let end = end_of(subject, ended);
    let what = subject.operation().map(recorded).or_else(|| decided.and_then(|event| what(event)));
    let began = subject.operation().map(|operation| operation.decided_at).or(decided.map(|event| event.timestamp));

    let mut rows = vec![Row {
        worker: None,
        name: "decided",
        stage: if decided.is_some() { Stage::Done } else { Stage::Unseen },
        from: None,
        at: decided.map(|event| event.timestamp).or(began),
        event: decided.cloned(),
    }];
    let start = starting(subject, started, &end, began);
    let from = start.at;
    let under_way = matches!(start.stage, Stage::Done | Stage::Unseen);
    rows.push(start);
    let direction = what.as_ref().map(|what| what.direction).or_else(|| direction_of(started, ended));
    for worker in workers(subject, started, &own) {
        rows.extend(Lane { worker: &worker, subject, under_way, own: &own }.rows(direction, from, &end));
    }
    let last = rows.iter().filter_map(|row| row.at).max();
    if let Some(at) = end.at() {
        let failed = matches!(end, End::Failed(..));
        rows.push(Row {
            worker: None,
            name: if failed { "failed" } else { "completed" },
            stage: match (failed, ended) {
                (true, _) => Stage::Failed,
                (false, Some(_)) => Stage::Done,
                (false, None) => Stage::Unseen,
            },
            from: last,
            at: Some(at),
            event: ended.cloned(),
        });
    }
    let told = |event: &Event| rows.iter().flat_map(|row| &row.event).any(|known| known.event_id == event.event_id);
    let untold: Vec<_> = own.iter().copied().filter(|event| !told(event)).collect();
    let (resumed, after): (Vec<_>, Vec<_>) =
        untold.into_iter().partition(|event| event.event_type() == EventType::OperationResumed);
    rows.extend(after.into_iter().map(followed));
    for event in resumed {
        let row = Row { name: "resumed", worker: None, ..followed(event) };
        rows.insert(place_in_time(&rows, event.timestamp), row);
    }
    Track { id, what, began, rolled_back: rolled_back(ended, &rows), rows, end }
}

/// Before the first row that came later, or that is still to come.
fn place_in_time(rows: &[Row], at: DateTime<Utc>) -> usize {
    let is_later = |row: &Row| match row.stage {
        Stage::UnderWay | Stage::Waiting => true,
        _ => row.at.is_some_and(|reached| reached > at),
    };
    rows.iter().position(is_later).unwrap_or(rows.len())
}

fn followed(event: &Arc<Event>) -> Row {
    Row {
        worker: workers_of(&event.data).first().cloned(),
        name: event.event_type().name(),
        stage: Stage::After,
        from: None,
        at: Some(event.timestamp),
        event: Some(Arc::clone(event)),
    }
}

fn recorded(operation: &Operation) -> What {
    What {
        direction: operation.direction,
        count: operation.count,
        origin: operation.origin,
        actor: operation.actor.clone(),
        reason: operation.reason.clone(),
    }
}

/// What an event decides; `None`: it is no decision, or one that is not carried out.
fn what(event: &Event) -> Option<What> {
    let (direction, count, origin, reason) = match &event.data {
        EventData::ScaleUpDecision(data) if !data.dry_run => {
            (Direction::Up, data.count, data.origin, data.reason.clone())
        }
        EventData::ScaleDownDecision(data) if !data.dry_run => {
            let count = u32::try_from(data.node_names.len()).unwrap_or(u32::MAX);
            (Direction::Down, count, data.origin, data.reason.clone())
        }
        EventData::AutoScaleUpToMinimum(data) => {
            (Direction::Up, data.scale_up_count, Origin::Minimum, data.reason.clone())
        }
        EventData::EmergencyScaleUp(data) => {
            let reason = format!("{} workers lost together", data.lost_count);
            (Direction::Up, data.emergency_scale, Origin::Emergency, reason)
        }
        _ => return None,
    };
    Some(What { direction, count, origin, actor: event.actor.clone(), reason })
}

fn direction_of(started: Option<&Arc<Event>>, ended: Option<&Arc<Event>>) -> Option<Direction> {
    match (started.map(|event| &event.data), ended.map(|event| &event.data)) {
        (Some(EventData::ScaleUpStarted(_)), _) => Some(Direction::Up),
        (Some(EventData::ScaleDownStarted(_)), _) => Some(Direction::Down),
        (_, Some(EventData::ScalingActionCompleted(data))) => Some(data.action),
        (_, Some(EventData::ScalingActionFailed(data))) => Some(data.action),
        _ => None,
    }
}

fn end_of(subject: Subject<'_>, ended: Option<&Arc<Event>>) -> End {
    match (subject, ended.map(|event| (&event.data, event.timestamp))) {
        (_, Some((EventData::ScalingActionFailed(data), at))) => End::Failed(at, data.reason.clone()),
        (_, Some((_, at))) => End::Completed(at),
        (Subject::Running(_), None) => End::Running,
        (Subject::Ended(record), None) => match record.outcome {
            Outcome::Completed => End::Completed(record.ended_at),
            Outcome::Failed => End::Failed(record.ended_at, record.error.clone().unwrap_or_default()),
        },
        (Subject::Told(_), None) => End::Unknown,
    }
}

fn starting(subject: Subject<'_>, started: Option<&Arc<Event>>, end: &End, began: Option<DateTime<Utc>>) -> Row {
    let recorded = subject.operation().is_some_and(|operation| operation.started_by.is_some());
    let stage = match (started, end) {
        (Some(_), _) => Stage::Done,
        (None, _) if recorded => Stage::Unseen,
        (None, End::Running) => Stage::UnderWay,
        (None, _) => Stage::Waiting,
    };
    Row {
        worker: None,
        name: "started",
        stage,
        from: began,
        at: started.map(|event| event.timestamp),
        event: started.cloned(),
    }
}

/// The record's workers, then any that only the events name.
fn workers(subject: Subject<'_>, started: Option<&Arc<Event>>, own: &[&Arc<Event>]) -> Vec<WorkerName> {
    let recorded = subject.operation().into_iter().flat_map(|operation| &operation.workers).map(|worker| &worker.name);
    let reported = started.into_iter().chain(own.iter().copied().filter(|event| is_step(event)));
    let mut names: Vec<WorkerName> = Vec::new();
    for name in recorded.chain(reported.flat_map(|event| workers_of(&event.data))) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

fn is_step(event: &Event) -> bool {
    matches!(
        event.event_type(),
        EventType::NodeCreated
            | EventType::NodeRegistered
            | EventType::NodeReady
            | EventType::NodeDrained
            | EventType::NodeRemoved
            | EventType::NodeRemovalConfirmed
            | EventType::NodeFailed
    )
}

/// The way of one worker.
struct Lane<'a> {
    worker: &'a WorkerName,
    subject: Subject<'a>,
    under_way: bool,
    own: &'a [&'a Arc<Event>],
}

impl Lane<'_> {
    fn rows(&self, direction: Option<Direction>, started: Option<DateTime<Utc>>, end: &End) -> Vec<Row> {
        let steps: &[(&'static str, Step)] = match direction {
            Some(Direction::Up) => {
                &[("created", Step::Created), ("registered", Step::Registered), ("ready", Step::Ready)]
            }
            Some(Direction::Down) => {
                &[("drained", Step::Drained), ("removed", Step::Removed), ("confirmed", Step::Confirmed)]
            }
            None => &[],
        };
        let reached = self.subject.operation().and_then(|operation| operation.step_of(self.worker));
        let failures = self.failures();
        let mut rows = Vec::new();
        let mut from = started;
        let mut open = self.under_way && *end == End::Running && reached != Some(Step::Failed);
        for (name, step) in steps {
            let event = self.event_of(*step);
            // How far a failed worker had come is told by its events only.
            let known = reached.filter(|reached| *reached != Step::Failed);
            let passed = known.is_some_and(|known| known.progress().0 >= step.progress().0);
            let stage = match event {
                Some(_) => Stage::Done,
                None if self.was_unknown(*step, end) => continue,
                None if passed => Stage::Unseen,
                None if !failures.is_empty() => break,
                None if std::mem::take(&mut open) => Stage::UnderWay,
                None => Stage::Waiting,
            };
            let at = event.map(|event| event.timestamp);
            rows.push(self.row(name, stage, from, at, event));
            // After a step whose time is unknown, the next one's duration is unknown as well.
            from = at;
        }
        for (name, event) in &failures {
            rows.push(self.row(name, Stage::Failed, from, Some(event.timestamp), Some(event)));
            from = Some(event.timestamp);
        }
        if failures.is_empty() && reached == Some(Step::Failed) {
            rows.push(self.row("failed", Stage::Failed, None, None, None));
        }
        rows
    }

    /// Whether a windlass that did not know this step carried the operation out: what was before it and what was after it is held.
    fn was_unknown(&self, step: Step, end: &End) -> bool {
        let held = |step| self.event_of(step).is_some();
        match step {
            Step::Registered => held(Step::Created) && held(Step::Ready),
            Step::Confirmed => held(Step::Removed) && matches!(end, End::Completed(_)),
            _ => false,
        }
    }

    fn row(
        &self,
        name: &'static str,
        stage: Stage,
        from: Option<DateTime<Utc>>,
        at: Option<DateTime<Utc>>,
        event: Option<&Arc<Event>>,
    ) -> Row {
        Row { worker: Some(self.worker.clone()), name, stage, from, at, event: event.cloned() }
    }

    fn events(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.own.iter().copied().filter(|event| is_step(event) && workers_of(&event.data).contains(self.worker))
    }

    fn event_of(&self, step: Step) -> Option<&Arc<Event>> {
        self.events().find(|event| match (&event.data, step) {
            (EventData::NodeCreated(_), Step::Created)
            | (EventData::NodeRegistered(_), Step::Registered)
            | (EventData::NodeReady(_), Step::Ready)
            | (EventData::NodeDrained(_), Step::Drained)
            | (EventData::NodeRemovalConfirmed(_), Step::Confirmed) => true,
            (EventData::NodeRemoved(data), Step::Removed) => data.reason == "scale_down",
            _ => false,
        })
    }

    fn failures(&self) -> Vec<(&'static str, &Arc<Event>)> {
        self.events()
            .filter_map(|event| match &event.data {
                EventData::NodeFailed(data) if data.kept => Some(("spared", event)),
                EventData::NodeFailed(_) => Some(("failed", event)),
                EventData::NodeRemoved(data) if data.reason != "scale_down" => Some(("rolled back", event)),
                _ => None,
            })
            .collect()
    }
}

/// As the last event says; before it, the workers that have failed so far.
fn rolled_back(ended: Option<&Arc<Event>>, rows: &[Row]) -> Vec<WorkerName> {
    if let Some(EventData::ScalingActionFailed(data)) = ended.map(|event| &event.data) {
        return data.rolled_back.clone();
    }
    let mut names: Vec<WorkerName> = Vec::new();
    for name in rows.iter().filter(|row| row.stage == Stage::Failed).filter_map(|row| row.worker.as_ref()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}
