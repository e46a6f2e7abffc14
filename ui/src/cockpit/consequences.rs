//! What will follow from a command, before it is given: shown in the confirmation.

mod pools;

use chrono::{DateTime, TimeDelta, Utc};
use windlass::model::{Action, Direction, State, StoreHealth, View, Worker, WorkerKind};
use windlass::policy::candidates;

use crate::format;

/// How a line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It follows.
    Follows,
    /// It follows, and one should know.
    Beware,
    /// The engine will refuse.
    Refused,
}

/// One line about what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consequence {
    /// How it is meant.
    pub weight: Weight,
    /// What.
    pub text: String,
}

/// What will follow from an action, as far as the picture tells.
#[must_use]
pub fn consequences(view: &View, action: &Action, now: DateTime<Utc>) -> Vec<Consequence> {
    let mut found = Found { lines: Vec::new(), view, now };
    match action {
        Action::Scale { direction, count, worker, honor_cooldown } => {
            match direction {
                Direction::Up => found.scale_up(*count),
                Direction::Down => found.scale_down(*count, worker.as_ref().map(windlass::model::WorkerName::as_str)),
            }
            found.cooldowns(*direction, *honor_cooldown);
            found.hold(*direction);
        }
        Action::Hold { scope, seconds } => {
            let until = now + TimeDelta::seconds(i64::try_from(*seconds).unwrap_or(i64::MAX / 1_000_000));
            for direction in scope.directions() {
                found.follows(format!(
                    "no scale {direction} for {} (until {} UTC)",
                    format::seconds(*seconds as f64),
                    until.format("%H:%M")
                ));
                if let Some(hold) = view.state.hold(*direction, now) {
                    let left = format::left(hold.until, now);
                    found.beware(format!("replaces the hold by {} that has {left} left: {}", hold.actor, hold.reason));
                }
            }
            if scope.directions().contains(&Direction::Up) {
                found.beware("also stops the minimum from being restored".to_owned());
            }
        }
        Action::Release { scope } => {
            for direction in scope.directions() {
                match view.state.hold(*direction, now) {
                    Some(hold) => found.follows(format!("ends the hold on scale {direction} by {}", hold.actor)),
                    None => found.beware(format!("scale {direction} is not held")),
                }
            }
        }
        Action::Protect { worker } => found.follows(format!("scaling down never takes {worker}")),
        Action::Unprotect { worker } => found.follows(format!("scaling down may take {worker} again")),
        Action::Reconcile => found.follows("state and cluster are compared at once".to_owned()),
        Action::DeadLetterRetry { entry } => {
            let letters = view.deliveries.iter().flat_map(|known| &known.letters);
            match letters.into_iter().find(|letter| letter.entry == *entry) {
                Some(letter) if letter.event().is_none() => {
                    found.refused("it cannot be read as an event: the engine will refuse; drop it".to_owned());
                }
                Some(letter) => {
                    found.follows(format!("{} gets the event again; no other handler does", letter.handler));
                }
                None => found.follows("its handler gets the event again; no other does".to_owned()),
            }
        }
        Action::Replay { handler, .. } => {
            found.follows(format!("{handler} gets these events again, and acts on them; no other handler does"));
        }
        Action::PoolScale { function, direction, count } => found.pool_scale(function, *direction, *count),
        Action::PoolDrain { function, container } => found.pool_drain(function, container),
        Action::PoolWake { function } => found.pool_wake(function),
        Action::DeadLetterDrop { .. } => found.beware("the event is gone for its handler".to_owned()),
    }
    found.circumstances();
    found.lines
}

struct Found<'a> {
    lines: Vec<Consequence>,
    view: &'a View,
    now: DateTime<Utc>,
}

impl Found<'_> {
    fn push(&mut self, weight: Weight, text: String) {
        self.lines.push(Consequence { weight, text });
    }

    fn follows(&mut self, text: String) {
        self.push(Weight::Follows, text);
    }

    fn beware(&mut self, text: String) {
        self.push(Weight::Beware, text);
    }

    fn refused(&mut self, text: String) {
        self.push(Weight::Refused, text);
    }

    fn state(&self) -> &State {
        &self.view.state
    }

    fn limits(&self) -> String {
        self.view.engine.as_ref().map_or_else(
            || "limits unknown".to_owned(),
            |engine| format!("min {}, max {}", engine.limits.min_nodes, engine.limits.max_nodes),
        )
    }

    fn scale_up(&mut self, count: u32) {
        let before = self.state().workers_expected();
        let after = before.saturating_add(count);
        self.follows(format!("workers {before} → {after}   ({}{})", self.limits(), self.under_way()));
        if let Some(max) = self.view.engine.as_ref().map(|engine| engine.limits.max_nodes).filter(|max| after > *max) {
            self.refused(format!("{after} is more than the maximum of {max}: the engine will refuse"));
        }
    }

    fn scale_down(&mut self, count: u32, named: Option<&str>) {
        let state = self.state();
        let free = candidates(state);
        let (going, refusal): (Vec<&Worker>, Option<String>) = match named {
            None if free.len() < count as usize => {
                let text = format!("only {} may go: the others are permanent, protected or busy", free.len());
                (free, Some(text))
            }
            None => (free.into_iter().take(count as usize).collect(), None),
            Some(name) => match state.workers.get(name) {
                None => (Vec::new(), Some(format!("there is no worker {name} any more"))),
                Some(worker) => (vec![worker], spared(state, worker)),
            },
        };
        let count = u32::try_from(going.len()).unwrap_or(u32::MAX);
        let before = state.workers_settled();
        let after = before.saturating_sub(count);
        // As the engine counts: what is still coming may fail, and is no reason to let another one go.
        let certain = state.workers_staying().saturating_sub(count);
        let now = self.now;
        let lines: Vec<_> = going
            .iter()
            .take(4)
            .map(|worker| {
                let youngest = if named.is_none() { ", the youngest" } else { "" };
                format!("drains and removes {} (age {}{youngest})", worker.name, format::age(worker.created_at, now))
            })
            .collect();
        let more = going.len().saturating_sub(lines.len());
        self.follows(format!("workers {before} → {after}   ({}{})", self.limits(), self.under_way()));
        for line in lines {
            self.follows(line);
        }
        if more > 0 {
            self.follows(format!("and {more} more, youngest first"));
        }
        if let Some(text) = refusal {
            self.refused(format!("{text}: the engine will refuse"));
        } else if let Some(min) =
            self.view.engine.as_ref().map(|engine| engine.limits.min_nodes).filter(|min| certain < *min)
        {
            let unless = if certain < after { ", should those fail that are coming" } else { "" };
            self.refused(format!("{certain} is less than the minimum of {min}{unless}: the engine will refuse"));
        }
    }

    fn under_way(&self) -> String {
        let state = self.state();
        let coming: u32 = state.operations.values().map(windlass::model::Operation::workers_coming).sum();
        let going: u32 = state.operations.values().map(windlass::model::Operation::workers_going).sum();
        match (coming, going) {
            (0, 0) => String::new(),
            (coming, 0) => format!(", {coming} coming"),
            (0, going) => format!(", {going} going"),
            (coming, going) => format!(", {coming} coming, {going} going"),
        }
    }

    fn cooldowns(&mut self, direction: Direction, honored: bool) {
        if let Some(until) = self.state().cooldown(direction, self.now) {
            let left = format::left(until, self.now);
            if honored {
                self.refused(format!("scale {direction} cools down for {left} more: the engine will refuse"));
            } else {
                self.beware(format!("overrides the scale-{direction} cooldown, {left} left"));
            }
        }
        if let Some(engine) = &self.view.engine {
            let down = format!("scale down for {}", format::seconds(engine.cooldown_down));
            self.follows(match direction {
                Direction::Up => {
                    format!("then cools down: scale up for {}, {down}", format::seconds(engine.cooldown_up))
                }
                Direction::Down => format!("then cools down: {down}"),
            });
        }
    }

    fn hold(&mut self, direction: Direction) {
        if let Some(hold) = self.state().hold(direction, self.now) {
            let left = format::left(hold.until, self.now);
            let (actor, reason) = (&hold.actor, &hold.reason);
            self.refused(format!("{actor} holds scale {direction} for {left} more ({reason}): the engine will refuse"));
        }
    }

    /// What keeps any command from being carried out.
    fn circumstances(&mut self) {
        if matches!(self.view.store, StoreHealth::Down { .. }) {
            self.refused("Redis does not answer: the command cannot be delivered".to_owned());
        } else if self.view.leader.is_none() {
            self.refused("no engine runs: nobody will take the command".to_owned());
        }
        if self.view.engine.as_ref().is_some_and(|engine| engine.dry_run) {
            self.refused("the engine runs dry: it changes nothing".to_owned());
        }
    }
}

/// Why a named worker may not go.
fn spared(state: &State, worker: &Worker) -> Option<String> {
    let name = &worker.name;
    if worker.kind == WorkerKind::Permanent || state.permanent.contains(name) {
        return Some(format!("{name} is permanent"));
    }
    if let Some(protection) = &worker.protected {
        return Some(format!("{name} is protected by {} ({})", protection.actor, protection.reason));
    }
    (!worker.is_removable() || state.operation_of(name).is_some())
        .then(|| format!("{name} is part of an operation under way"))
}
