//! What is done to containers: by the rules, by operators, and what is said of it.

use chrono::{DateTime, Utc};

use super::journal::Written;
use super::kept::{Kept, Leaving};
use super::manager::Manager;
use super::orders::Answering;
use super::work::Report;
use crate::clock;
use crate::cluster::ClusterError;
use crate::cluster::pools::{ObservedPoolContainer, PoolContainerRequest};
use crate::handlers::Because;
use crate::model::event::{
    PoolRemoved, PoolSaturated, PoolSaturationEnded, PoolScaledDown, PoolScaledUp, PoolScalingFailed,
};
use crate::model::{Change, ContainerId, ContainerStatus, Direction, EventData, FunctionName};
use crate::policy::operator::Refusal;
use crate::policy::pools::{self, Decision, DownReason, UpReason};

/// What came of a piece of work on a pool's containers.
struct Outcome {
    direction: Direction,
    /// How many there were before.
    previous_containers: u32,
    /// Those with which it was done.
    names: Vec<String>,
    /// Why it was not done with the others.
    failure: Option<ClusterError>,
    /// Why it was to be done, where nobody said.
    reason: &'static str,
}

impl Manager {
    /// Decides for every pool, and sets about it.
    pub(super) async fn decide(&mut self) -> Written {
        let now = clock::now();
        let decided: Vec<(FunctionName, Decision)> = self
            .pools
            .values()
            .map(|kept| {
                let since = |container: &crate::model::PoolContainer| {
                    kept.leaving.get(&container.id).map(|leaving| leaving.since)
                };
                (kept.function().clone(), pools::decide(&kept.situation(now), since))
            })
            .collect();
        for (function, decision) in &decided {
            self.saturation(function, decision.saturated, now);
        }
        let (mut more, mut less) = (Vec::new(), Vec::new());
        for (function, decision) in decided {
            let Some(kept) = self.pools.get_mut(&function) else { continue };
            for going in decision.down {
                let under_way = kept.leaving.get(&going.id).is_some_and(|leaving| leaving.under_way);
                // A Redis that does not answer is no reason to take anything away, calls included.
                if !under_way && !self.setting.dry_run && !self.journal.is_adrift() {
                    kept.dismiss(&going.id, going.reason, Because::default(), now);
                    less.push((function.clone(), going.id));
                }
            }
            if let Some(up) = decision.up.filter(|_| !self.setting.dry_run) {
                more.push((function, up));
            }
        }
        // Whatever happens outside is recorded first, by whoever may still write.
        match self.save().await {
            Written::Fenced => return Written::Fenced,
            Written::Adrift => self.spare(std::mem::take(&mut less)),
            Written::Done | Written::Foreign(_) => {}
        }
        if (more.is_empty() && less.is_empty()) || !self.journal.may_act().await {
            return self.end_retired(now).await;
        }
        for (function, (count, reason)) in more {
            self.make(&function, count, reason, Because::default(), None);
        }
        if self.journal.is_adrift() {
            self.spare(less);
        } else {
            for (function, id) in less {
                self.remove(&function, vec![id], None);
            }
        }
        self.end_retired(now).await
    }

    /// Containers that the rules wanted to go stay: that they go cannot be recorded. What was drained before is drained still.
    fn spare(&mut self, going: Vec<(FunctionName, ContainerId)>) {
        let now = clock::now();
        for (function, id) in going {
            let Some(kept) = self.pools.get_mut(&function) else { continue };
            let drained = |leaving: &Leaving| leaving.reason == DownReason::Drained;
            if kept.leaving.get(&id).is_some_and(|leaving| !drained(leaving)) {
                kept.spare(&id, now);
            }
        }
    }

    fn saturation(&mut self, function: &FunctionName, saturated: bool, now: DateTime<Utc>) {
        let Some(kept) = self.pools.get_mut(function) else { return };
        match (kept.saturated, saturated) {
            (None, true) => {
                let (containers, max_containers) = (kept.count(), kept.pool.spec.max);
                let data = PoolSaturated { function: function.clone(), containers, max_containers };
                let event = self.journal.event(data, Because::default(), now);
                kept.saturated = Some((now, event.event_id));
                kept.news.push(event);
            }
            // What is not confirmed has not ended.
            (Some((since, cause)), false) if kept.pool.verified => {
                let duration = clock::between(since, now).as_secs_f64();
                let data = PoolSaturationEnded { function: function.clone(), duration };
                kept.news.push(self.journal.event(data, Because::of(cause), now));
                kept.saturated = None;
            }
            _ => {}
        }
    }

    /// Sets about making containers.
    pub(super) fn make(
        &mut self,
        function: &FunctionName,
        count: u32,
        reason: UpReason,
        because: Because,
        answering: Option<Answering>,
    ) {
        let Some(kept) = self.pools.get_mut(function) else { return };
        let names = kept.free_names(&self.setting.metadata.cluster_id, &self.listed, count);
        let ordered_by = answering.as_ref().map(|answering| answering.command.command_id);
        let request = |name: &String| PoolContainerRequest {
            function: function.clone(),
            name: name.clone(),
            image: kept.pool.spec.image.clone(),
            port: kept.pool.spec.port,
            ordered_by,
        };
        let requests = names.iter().map(request).collect();
        kept.coming.extend(names);
        kept.demand = false;
        let (hands, function) = (self.hands.clone(), function.clone());
        self.work.spawn(async move {
            let results = hands.make(requests).await;
            Report::Made { function, reason, because, answering, results }
        });
    }

    /// Sets about removing containers that are dismissed.
    pub(super) fn remove(&mut self, function: &FunctionName, ids: Vec<ContainerId>, answering: Option<Answering>) {
        let Some(kept) = self.pools.get_mut(function) else { return };
        let (mut reason, mut because) = (DownReason::Drained, Because::default());
        for id in &ids {
            if let Some(leaving) = kept.leaving.get_mut(id) {
                leaving.under_way = true;
                (reason, because) = (leaving.reason, leaving.because.clone());
            }
        }
        let (hands, function) = (self.hands.clone(), function.clone());
        self.work.spawn(async move {
            let results = hands.remove(ids).await;
            Report::Removed { function, reason, because, answering, results }
        });
    }

    /// What came of work; `None`: it was cut off by a fault of its own.
    pub(super) async fn reported(&mut self, report: Option<Report>) {
        match report {
            Some(Report::Made { function, reason, because, answering, results }) => {
                self.made(&function, reason, because, answering, results).await;
            }
            Some(Report::Removed { function, reason, because, answering, results }) => {
                self.removed(&function, reason, because, answering, results).await;
            }
            Some(Report::Swept) => {}
            None => {
                tracing::error!("a piece of work on the pools has failed by a fault of its own");
                for kept in self.pools.values_mut() {
                    kept.coming.clear();
                    kept.leaving.values_mut().for_each(|leaving| leaving.under_way = false);
                }
            }
        }
    }

    async fn made(
        &mut self,
        function: &FunctionName,
        reason: UpReason,
        because: Because,
        answering: Option<Answering>,
        results: Vec<(String, Result<ObservedPoolContainer, ClusterError>)>,
    ) {
        let now = clock::now();
        let Some(kept) = self.pools.get_mut(function) else { return };
        let previous_containers = kept.count();
        let (mut names, mut failure) = (Vec::new(), None);
        for (name, made) in results {
            kept.coming.remove(&name);
            match made {
                Ok(seen) => {
                    kept.take_in(&seen, now);
                    names.push(name);
                }
                Err(error) => failure = Some(error),
            }
        }
        kept.changed_at = now;
        // Somebody still wants to call the function: the rules try again.
        kept.demand |= names.is_empty() && reason == UpReason::Demand;
        let outcome = Outcome { direction: Direction::Up, previous_containers, names, failure, reason: reason.name() };
        self.concluded(function, outcome, because, answering, now).await;
    }

    async fn removed(
        &mut self,
        function: &FunctionName,
        reason: DownReason,
        because: Because,
        answering: Option<Answering>,
        results: Vec<(ContainerId, Result<(), ClusterError>)>,
    ) {
        let now = clock::now();
        let Some(kept) = self.pools.get_mut(function) else { return };
        let previous_containers = kept.count();
        let (mut names, mut failure) = (Vec::new(), None);
        for (id, removed) in results {
            match removed {
                Ok(()) => {
                    let known = kept.pool.containers.iter().find(|container| container.id == id);
                    names.extend(known.map(|container| container.name.clone()));
                    kept.let_go(&id, now);
                }
                Err(error) => {
                    if let Some(leaving) = kept.leaving.get_mut(&id) {
                        leaving.under_way = false;
                    }
                    failure = Some(error);
                }
            }
        }
        let outcome =
            Outcome { direction: Direction::Down, previous_containers, names, failure, reason: reason.name() };
        self.concluded(function, outcome, because, answering, now).await;
    }

    /// Reports what came of a piece of work, also where only some of it could be done.
    async fn concluded(
        &mut self,
        function: &FunctionName,
        outcome: Outcome,
        because: Because,
        answering: Option<Answering>,
        now: DateTime<Utc>,
    ) {
        if let Some(error) = &outcome.failure {
            self.failed(function, outcome.direction, error, &because, now);
        }
        let Some(kept) = self.pools.get(function) else { return };
        let Outcome { direction, previous_containers, names, failure, reason } = outcome;
        if names.is_empty() {
            return self.report(function, Err(not_done(failure)), names, because, answering, now).await;
        }
        let (function_name, new_containers, container_names) = (function.clone(), kept.count(), names.clone());
        let reason = Answering::said(answering.as_ref()).unwrap_or_else(|| reason.to_owned());
        let data = match direction {
            Direction::Up => EventData::from(PoolScaledUp {
                function: function_name,
                previous_containers,
                new_containers,
                container_names,
                reason,
            }),
            Direction::Down => EventData::from(PoolScaledDown {
                function: function_name,
                previous_containers,
                new_containers,
                container_names,
                reason,
            }),
        };
        self.report(function, Ok(data), names, because, answering, now).await;
    }

    fn failed(
        &mut self,
        function: &FunctionName,
        action: Direction,
        error: &ClusterError,
        because: &Because,
        now: DateTime<Utc>,
    ) {
        let Some(kept) = self.pools.get_mut(function) else { return };
        let retry_at = kept.failed(now);
        let data = PoolScalingFailed { function: function.clone(), action, error: error.said().to_owned(), retry_at };
        // The person is answered by another event.
        let because = Because { actor: None, ..because.clone() };
        kept.news.push(self.journal.event(data, because, now));
    }

    /// Says what came of a piece of work: to the log, and as an answer to whoever wanted it.
    async fn report(
        &mut self,
        function: &FunctionName,
        answer: Result<EventData, Refusal>,
        names: Vec<String>,
        because: Because,
        answering: Option<Answering>,
        now: DateTime<Utc>,
    ) {
        match (answering, answer) {
            (None, Ok(data)) => {
                let event = self.journal.event(data, because, now);
                if let Some(kept) = self.pools.get_mut(function) {
                    kept.news.push(event);
                }
            }
            (None, Err(_)) => {}
            (Some(answering), Ok(data)) => self.answer(answering, data, Ok(names), now).await,
            (Some(answering), Err(refusal)) => {
                self.refuse(answering, refusal, now).await;
            }
        }
    }

    /// A pool that is wanted no longer: its containers get no more calls and go.
    pub(super) fn retire(&mut self, function: &FunctionName, now: DateTime<Utc>) {
        let Some(kept) = self.pools.get_mut(function) else { return };
        kept.retired = true;
        for container in &mut kept.pool.containers {
            container.status = ContainerStatus::Draining;
        }
        kept.note_draining(now);
        kept.touch(now);
    }

    /// Pools that are wanted no longer and have no container any more are forgotten.
    async fn end_retired(&mut self, now: DateTime<Utc>) -> Written {
        let ended = |kept: &&Kept| {
            kept.retired && kept.pool.verified && kept.pool.containers.is_empty() && kept.coming.is_empty()
        };
        if self.journal.is_adrift() {
            return Written::Adrift;
        }
        let functions: Vec<FunctionName> =
            self.pools.values().filter(ended).map(|kept| kept.function().clone()).collect();
        for function in functions {
            let reason = "it is no longer configured, and its containers are gone".to_owned();
            let mut events =
                self.pools.get_mut(&function).map(|kept| std::mem::take(&mut kept.news)).unwrap_or_default();
            events.push(self.journal.event(
                PoolRemoved { function: function.clone(), reason },
                Because::default(),
                now,
            ));
            match self.journal.write(events, vec![Change::RemovePool(function.clone())], None).await {
                Written::Fenced => return Written::Fenced,
                // Its record is still there: it is removed when it can be.
                Written::Adrift => return Written::Adrift,
                Written::Done | Written::Foreign(_) => {
                    self.pools.remove(&function);
                }
            }
        }
        Written::Done
    }
}

fn not_done(failure: Option<ClusterError>) -> Refusal {
    let said = failure.map_or_else(|| "nothing was done".to_owned(), |error| error.to_string());
    Refusal { reason: "failed", detail: said }
}
