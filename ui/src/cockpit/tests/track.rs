//! One operation, live: from its decision through every worker's steps to its end.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use windlass::model::event::{
    NodeCreated, NodeDrained, NodeFailed, NodeReady, NodeRemoved, OperationResumed, ScaleDownDecision,
    ScaleDownStarted, ScaleUpDecision, ScaleUpStarted, ScalingActionCompleted, ScalingActionFailed,
};
use windlass::model::{
    Actor, ContainerId, Direction, Event, EventData, Metadata, Origin, State, WorkerKind, WorkerName, fold,
};

use super::super::track::{End, Stage, Subject, Track, operation_of, track};
use super::*;

/// A log and the state that follows from it, by the engine's own fold.
struct Story {
    operation: Uuid,
    start: DateTime<Utc>,
    state: State,
    events: std::collections::VecDeque<Arc<Event>>,
}

impl Story {
    fn new() -> Self {
        let start = gallery::view().at;
        Self { operation: Uuid::from_u128(1), start, state: State::default(), events: [].into() }
    }

    fn at(&self, millis: i64) -> DateTime<Utc> {
        self.start + TimeDelta::milliseconds(millis)
    }

    fn add(&mut self, millis: i64, data: impl Into<EventData>) -> &mut Self {
        let number = self.events.len() as u128 + 1;
        let event = Event {
            event_id: Uuid::from_u128(number),
            timestamp: self.at(millis),
            source: "test".to_owned(),
            data: data.into(),
            metadata: Metadata { cluster_id: "edge".parse().unwrap(), region: String::new() },
            caused_by: (number > 1).then(|| Uuid::from_u128(number - 1)),
            // The decision gives the operation its own id.
            correlation_id: (number > 1).then_some(self.operation),
            actor: Actor::Person("anna".to_owned()),
        };
        for change in fold::changes(&self.state, &event) {
            self.state.apply(&change);
        }
        self.events.push_back(Arc::new(event));
        self
    }

    fn track(&self) -> Track {
        track(&self.events, Subject::find(self.operation, &self.state))
    }

    fn up() -> Self {
        let mut story = Self::new();
        story.add(
            0,
            ScaleUpDecision {
                count: 2,
                current_workers: 1,
                target_workers: 3,
                origin: Origin::Operator,
                reason: "release".to_owned(),
                dry_run: false,
            },
        );
        story
    }

    fn down() -> Self {
        let mut story = Self::new();
        for worker in ["w-1", "w-2"] {
            let data = windlass::model::event::NodeAdopted {
                node_name: name(worker),
                container_id: ContainerId("c".to_owned()),
                kind: WorkerKind::Dynamic,
                created_at: story.start,
            };
            story.add(0, data);
        }
        story.events.clear();
        story.add(
            0,
            ScaleDownDecision {
                node_names: vec![name("w-1"), name("w-2")],
                current_workers: 3,
                target_workers: 1,
                origin: Origin::Rules,
                reason: "idle".to_owned(),
                dry_run: false,
            },
        );
        story
    }
}

fn name(text: &str) -> WorkerName {
    text.parse().unwrap()
}

fn started_up() -> ScaleUpStarted {
    ScaleUpStarted { node_names: vec![name("w-1"), name("w-2")], worker_counter: 2, previous_workers: 1 }
}

fn created(worker: &str, at: DateTime<Utc>) -> NodeCreated {
    let container_id = ContainerId("c".to_owned());
    NodeCreated { node_name: name(worker), container_id, kind: WorkerKind::Dynamic, created_at: at }
}

fn ready(worker: &str) -> NodeReady {
    NodeReady { node_name: name(worker), duration: 1.0 }
}

fn completed() -> ScalingActionCompleted {
    ScalingActionCompleted { action: Direction::Up, count: 2, previous_workers: 1, new_workers: 3, duration: 5.0 }
}

/// (worker, step, stage, milliseconds it took), one a row.
fn told(track: &Track) -> Vec<(&str, &str, Stage, Option<i64>)> {
    let worker = |row: &super::super::track::Row| {
        row.worker.as_ref().map_or("", |name| {
            // The names of these tests are two of a kind.
            if name.as_str() == "w-1" { "w-1" } else { "w-2" }
        })
    };
    track
        .rows
        .iter()
        .map(|row| (worker(row), row.name, row.stage, row.took().map(|took| took.num_milliseconds())))
        .collect()
}

#[test]
fn a_scale_up_is_told_step_by_step_while_it_runs() {
    let mut story = Story::up();
    let track = story.track();
    assert_eq!(told(&track), [("", "decided", Stage::Done, None), ("", "started", Stage::UnderWay, None)]);
    let what = track.what.unwrap();
    assert_eq!((what.count, what.actor.to_string().as_str(), what.reason.as_str()), (2, "anna", "release"));

    let at = story.at(600);
    story.add(100, started_up()).add(600, created("w-2", at));
    let track = story.track();
    assert_eq!(track.end, End::Running);
    assert_eq!(
        told(&track)[1..],
        [
            ("", "started", Stage::Done, Some(100)),
            ("w-1", "created", Stage::UnderWay, None),
            ("w-1", "registered", Stage::Waiting, None),
            ("w-1", "ready", Stage::Waiting, None),
            ("w-2", "created", Stage::Done, Some(500)),
            ("w-2", "registered", Stage::UnderWay, None),
            ("w-2", "ready", Stage::Waiting, None),
        ]
    );

    story.add(700, created("w-1", at)).add(2600, ready("w-2")).add(4000, ready("w-1")).add(5000, completed());
    let track = story.track();
    assert_eq!(track.end, End::Completed(story.at(5000)));
    assert_eq!(
        told(&track)[2..],
        [
            ("w-1", "created", Stage::Done, Some(600)),
            ("w-1", "ready", Stage::Done, Some(3300)),
            ("w-2", "created", Stage::Done, Some(500)),
            ("w-2", "ready", Stage::Done, Some(2000)),
            ("", "completed", Stage::Done, Some(1000)),
        ]
    );
    assert!(track.rolled_back.is_empty());
}

#[test]
fn what_failed_and_what_was_undone_is_told() {
    let mut story = Story::up();
    let at = story.at(600);
    let undone = NodeRemoved { node_name: name("w-2"), reason: "rolled_back".to_owned() };
    story.add(100, started_up()).add(600, created("w-1", at)).add(700, created("w-2", at)).add(900, ready("w-1"));
    story.add(60_000, undone);
    assert_eq!(story.track().rolled_back, [name("w-2")], "before the end as well");
    story.add(
        60_001,
        ScalingActionFailed {
            action: Direction::Up,
            reason: "1 of 2 workers failed".to_owned(),
            rolled_back: vec![name("w-2")],
            previous_workers: 1,
            new_workers: 2,
            duration: 60.0,
        },
    );
    let track = story.track();
    assert_eq!(track.end, End::Failed(story.at(60_001), "1 of 2 workers failed".to_owned()));
    assert_eq!(track.rolled_back, [name("w-2")]);
    assert_eq!(
        told(&track)[4..],
        [
            ("w-2", "created", Stage::Done, Some(600)),
            ("w-2", "rolled back", Stage::Failed, Some(59_300)),
            ("", "failed", Stage::Failed, Some(1)),
        ]
    );
}

#[test]
fn a_scale_down_spares_the_worker_that_cannot_go() {
    let mut story = Story::down();
    let drained = NodeDrained { node_name: name("w-1"), evicted_pods: Some(3) };
    let removed = NodeRemoved { node_name: name("w-1"), reason: "scale_down".to_owned() };
    let spared = NodeFailed { node_name: name("w-2"), reason: "a budget says no".to_owned(), kept: true };
    story.operation = story.events[0].event_id;
    story.add(50, ScaleDownStarted { node_names: vec![name("w-1"), name("w-2")], previous_workers: 3 });
    story.add(550, drained).add(650, removed).add(1050, spared);
    assert_eq!(
        told(&story.track())[1..],
        [
            ("", "started", Stage::Done, Some(50)),
            ("w-1", "drained", Stage::Done, Some(500)),
            ("w-1", "removed", Stage::Done, Some(100)),
            ("w-1", "confirmed", Stage::UnderWay, None),
            ("w-2", "spared", Stage::Failed, Some(1000)),
        ]
    );
}

#[test]
fn what_the_log_holds_no_more_is_unknown_and_not_zero() {
    let mut story = Story::up();
    let at = story.at(600);
    story.add(100, started_up()).add(600, created("w-1", at)).add(700, created("w-2", at)).add(900, ready("w-1"));
    // The stream has trimmed all but the last two.
    story.events.drain(..3);
    let track = story.track();
    assert_eq!(
        told(&track),
        [
            ("", "decided", Stage::Unseen, None),
            ("", "started", Stage::Unseen, None),
            ("w-1", "created", Stage::Unseen, None),
            ("w-1", "registered", Stage::Unseen, None),
            ("w-1", "ready", Stage::Done, None),
            ("w-2", "created", Stage::Done, None),
            ("w-2", "registered", Stage::UnderWay, None),
            ("w-2", "ready", Stage::Waiting, None),
        ]
    );
    assert_eq!(track.began, Some(story.start), "the record knows when it was decided");

    let nobody = track_of_nothing(&story);
    assert_eq!((nobody.what.is_none(), nobody.began, nobody.end), (true, None, End::Unknown));
}

fn track_of_nothing(story: &Story) -> Track {
    track(&story.events, Subject::find(Uuid::from_u128(99), &story.state))
}

#[test]
fn a_change_of_leader_stands_at_its_time() {
    let resumed = |story: &Story| OperationResumed {
        action: Direction::Up,
        resolution: "finish".to_owned(),
        steps: vec!["created".to_owned(), "allocated".to_owned()],
        decided_at: story.start,
    };
    let mut story = Story::up();
    let at = story.at(600);
    story.add(100, started_up()).add(600, created("w-1", at));
    let event = resumed(&story);
    story.add(2000, event);
    let names = |story: &Story| story.track().rows.iter().map(|row| row.name).collect::<Vec<_>>();
    let running = ["decided", "started", "created", "resumed", "registered", "ready", "created", "registered", "ready"];
    assert_eq!(names(&story), running, "before all that is still to come");
    story.add(2100, created("w-2", at)).add(3000, ready("w-2")).add(4000, ready("w-1")).add(5000, completed());
    let ended = ["decided", "started", "created", "resumed", "ready", "created", "ready", "completed"];
    assert_eq!(names(&story), ended);
    let track = story.track();
    assert_eq!(track.rows[4].took(), Some(TimeDelta::milliseconds(3400)), "a step takes as long as it takes");
}

#[test]
fn an_operation_without_a_record_is_told_by_its_events_alone() {
    let mut story = Story::up();
    let at = story.at(600);
    story.add(100, started_up()).add(600, created("w-1", at)).add(700, created("w-2", at));
    story.add(900, ready("w-1")).add(950, ready("w-2")).add(1000, completed());
    let with_record = story.track();
    story.state = State::default();
    assert_eq!(story.track(), with_record);
    assert_eq!(operation_of(&story.events[0]), Some(story.operation), "a decision begins an operation of its own");
}

#[test]
fn an_open_track_lives_with_its_operation() {
    let mut story = Story::up();
    story.add(100, started_up());
    let view = |story: &Story, millis: i64| View {
        at: story.at(millis),
        state: Arc::new(story.state.clone()),
        events: Arc::new(story.events.clone()),
        ..gallery::view()
    };
    let mut model = model_of(view(&story, 2100), 80, 24);
    press(&mut model, "4 enter j j");
    let shown = screen(&model);
    for part in ["scale up by 2: release", "asked by  anna", "under way for 2.1s", "◑ created     w-1", "not reached"]
    {
        assert!(shown.contains(part), "{part:?} is missing in\n{shown}");
    }
    let at = story.at(600);
    story.add(2600, created("w-1", at));
    update(&mut model, Message::View(Arc::new(view(&story, 3100))));
    let shown = screen(&model);
    assert!(shown.contains("+2.6s     2.5s  ● created     w-1"), "{shown}");
    story.add(2700, created("w-2", at)).add(4000, ready("w-2")).add(5000, ready("w-1")).add(5000, completed());
    update(&mut model, Message::View(Arc::new(view(&story, 9100))));
    let shown = screen(&model);
    assert!(shown.contains("✓ completed in 5s"), "{shown}");
    press(&mut model, "enter");
    assert_eq!(model.popups.len(), 2, "the step under the cursor has an event now");
}
