//! The log held against what it must add up to: every command answered once, every operation ended once, every count the number of
//! its events, and the state that is stored the one that the log gives.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;
use windlass::bus::replay::facts;
use windlass::model::{Action, Command, Direction, Event, EventData, EventType, State, fold};

/// What a whole run left behind.
pub struct Ledger<'a> {
    /// Every event, oldest first.
    pub events: &'a [Event],
    /// Every command that was given.
    pub commands: &'a [Command],
    /// What is stored at the end.
    pub state: &'a State,
}

impl Ledger<'_> {
    /// Everything at once.
    #[track_caller]
    pub fn balance(&self) {
        self.no_event_twice();
        self.one_answer_a_command();
        self.one_end_an_operation();
        self.no_worker_made_twice();
        self.counts_are_numbers_of_events();
        self.stored_is_what_the_log_gives();
    }

    #[track_caller]
    fn no_event_twice(&self) {
        let mut seen = BTreeSet::new();
        for event in self.events {
            assert!(seen.insert(event.event_id), "{} {} is in the log twice", event.event_type(), event.event_id);
        }
    }

    /// A refusal, or one event of the command's kind for each direction that it is about.
    #[track_caller]
    fn one_answer_a_command(&self) {
        let mut answers: HashMap<Uuid, Vec<&Event>> = HashMap::new();
        for event in self.events {
            if let Some(cause) = event.caused_by {
                answers.entry(cause).or_default().push(event);
            }
        }
        for command in self.commands {
            let found = answers.get(&command.command_id).map_or(&[][..], Vec::as_slice);
            // Of a pool's command something else may come as well: what is drained goes later, what cannot be made is tried again.
            let is_answer = |event: &&&Event| command.action.pool().is_none() || event.source == "operator";
            let told: Vec<String> = found.iter().filter(is_answer).map(|event| kind(event)).collect();
            let right = match told.as_slice() {
                [one] if one == "CommandRefused" => true,
                _ => answers_of(&command.action).contains(&told),
            };
            assert!(right, "{:?} ({}) is answered by {told:?}", command.action, command.command_id);
        }
    }

    #[track_caller]
    fn one_end_an_operation(&self) {
        assert!(self.state.operations.is_empty(), "all must have come to rest: {:?}", self.state.operations);
        for (id, [decided, started, ended]) in operations(self.events) {
            let once = decided == 1 && started <= 1 && ended == 1;
            assert!(once, "operation {id}: decided {decided}, started {started}, ended {ended} times");
        }
    }

    /// Names are never given twice, so one that is created twice was made twice.
    #[track_caller]
    fn no_worker_made_twice(&self) {
        let mut made = BTreeSet::new();
        for event in self.events {
            if let EventData::NodeCreated(data) = &event.data {
                assert!(made.insert(&data.node_name), "{} is created twice", data.node_name);
            }
        }
    }

    #[track_caller]
    fn counts_are_numbers_of_events(&self) {
        let number =
            |wanted: &dyn Fn(&EventData) -> bool| self.events.iter().filter(|event| wanted(&event.data)).count() as u64;
        let completed = |direction| {
            number(&|data| matches!(data, EventData::ScalingActionCompleted(data) if data.action == direction))
        };
        let stored = (self.state.scaling.count.up, self.state.scaling.count.down);
        assert_eq!(stored, (completed(Direction::Up), completed(Direction::Down)), "handler:scaling:count");
        let violations = number(&|data| matches!(data, EventData::MinimumNodesViolation(_)));
        assert_eq!(self.state.enforcer.violations, violations, "min_enforcer:violations_count");
        let enforcements =
            number(&|data| matches!(data, EventData::AutoScaleUpToMinimum(_) | EventData::EmergencyScaleUp(_)));
        assert_eq!(self.state.enforcer.enforcements, enforcements, "min_enforcer:enforcements_count");
        let mut counter = 0;
        for event in self.events {
            if let EventData::ScaleUpStarted(data) = &event.data {
                assert!(data.worker_counter > counter, "a worker's number is given twice: {data:?}");
                counter = data.worker_counter;
            }
        }
        assert_eq!(self.state.worker_counter, counter, "workers:counter");
    }

    #[track_caller]
    fn stored_is_what_the_log_gives(&self) {
        let mut folded = State::default();
        for event in self.events {
            for change in fold::changes(&folded, event) {
                folded.apply(&change);
            }
        }
        let (folded, stored) = (facts(&folded), facts(self.state));
        assert_eq!(folded, stored, "the state that the log gives, and the stored one");
    }
}

/// How often each operation was decided, started and ended.
pub fn operations(events: &[Event]) -> BTreeMap<Uuid, [u32; 3]> {
    let mut operations: BTreeMap<Uuid, [u32; 3]> = BTreeMap::new();
    for event in events {
        let Some(id) = event.correlation_id else { continue };
        let counts = operations.entry(id).or_default();
        match event.event_type() {
            EventType::ScaleUpDecision
            | EventType::ScaleDownDecision
            | EventType::AutoScaleUpToMinimum
            | EventType::EmergencyScaleUp => counts[0] += 1,
            EventType::ScaleUpStarted | EventType::ScaleDownStarted => counts[1] += 1,
            EventType::ScalingActionCompleted | EventType::ScalingActionFailed => counts[2] += 1,
            _ => {}
        }
    }
    operations
}

/// The answers that a command may have when it is not refused.
fn answers_of(action: &Action) -> Vec<Vec<String>> {
    let both = |name: &str| Direction::BOTH.map(|direction| format!("{name} {direction}"));
    let of_scope = |name: &str, scope: windlass::model::Scope| -> Vec<String> {
        scope.directions().iter().map(|direction| format!("{name} {direction}")).collect()
    };
    let one = |name: &str| vec![vec![name.to_owned()]];
    match action {
        Action::Scale { direction: Direction::Up, .. } => one("ScaleUpDecision"),
        Action::Scale { direction: Direction::Down, .. } => one("ScaleDownDecision"),
        Action::Hold { scope, .. } => vec![of_scope("HoldPlaced", *scope)],
        // Of `all` only those that are held.
        Action::Release { scope: windlass::model::Scope::All } => {
            let [up, down] = both("HoldReleased");
            vec![vec![up.clone(), down.clone()], vec![up], vec![down]]
        }
        Action::Release { scope } => vec![of_scope("HoldReleased", *scope)],
        Action::Protect { .. } => one("WorkerProtected"),
        Action::Unprotect { .. } => one("WorkerUnprotected"),
        Action::Reconcile => one("ReconcileRequested"),
        Action::DeadLetterRetry { .. } => one("EventDeadLetterRetried"),
        Action::DeadLetterDrop { .. } => one("EventDeadLetterDropped"),
        Action::Replay { .. } => one("EventsReplayed"),
        Action::PoolScale { direction: Direction::Up, .. } | Action::PoolWake { .. } => one("PoolScaledUp"),
        Action::PoolScale { direction: Direction::Down, .. } => one("PoolScaledDown"),
        Action::PoolDrain { .. } => one("PoolContainerDraining"),
    }
}

fn kind(event: &Event) -> String {
    match &event.data {
        EventData::HoldPlaced(data) => format!("HoldPlaced {}", data.direction),
        EventData::HoldReleased(data) => format!("HoldReleased {}", data.direction),
        _ => event.event_type().name().to_owned(),
    }
}
