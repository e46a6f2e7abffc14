//! What is done to containers: by the rules, by operators, and what is said of it.

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use super::PoolError;
use super::journal::Written;
use super::kept::Kept;
use super::manager::Manager;
use super::orders::{Answering, Order};
use super::work::Report;
use crate::clock;
use crate::cluster::ClusterError;
use crate::cluster::pools::{ObservedPoolContainer, PoolContainerRequest};
use crate::handlers::Because;
use crate::handlers::operator::pools::{Wanted, judge, refused};
use crate::handlers::operator::{self};
use crate::model::event::{
    PoolContainerDraining, PoolRemoved, PoolSaturated, PoolSaturationEnded, PoolScaledDown, PoolScaledUp,
    PoolScalingFailed,
};
use crate::model::{Change, ContainerId, ContainerStatus, Direction, Event, EventData, FunctionName, PoolSpec};
use crate::policy::operator::Refusal;
use crate::policy::pools::{self, Decision, DownReason, UpReason};

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
                if !under_way && !self.setting.dry_run {
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
            Written::Adrift => less.clear(),
            Written::Done | Written::Foreign(_) => {}
        }
        if (more.is_empty() && less.is_empty()) || !self.journal.may_act().await {
            return self.end_retired(now).await;
        }
        for (function, (count, reason)) in more {
            self.make(&function, count, reason, Because::default(), None);
        }
        // A Redis that does not answer is no reason to take anything away.
        if !self.journal.is_adrift() {
            for (function, id) in less {
                self.remove(&function, vec![id], None);
            }
        }
        self.end_retired(now).await
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
    fn make(
        &mut self,
        function: &FunctionName,
        count: u32,
        reason: UpReason,
        because: Because,
        answering: Option<Answering>,
    ) {
        let Some(kept) = self.pools.get_mut(function) else { return };
        let names = kept.free_names(&self.setting.metadata.cluster_id, &self.listed, count);
        let request = |name: &String| PoolContainerRequest {
            function: function.clone(),
            name: name.clone(),
            image: kept.pool.spec.image.clone(),
            port: kept.pool.spec.port,
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
    fn remove(&mut self, function: &FunctionName, ids: Vec<ContainerId>, answering: Option<Answering>) {
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
        if let Some(error) = &failure {
            self.failed(function, Direction::Up, error, &because, now);
        }
        let Some(kept) = self.pools.get(function) else { return };
        let answer = if names.is_empty() {
            Err(not_done(failure))
        } else {
            Ok(EventData::from(PoolScaledUp {
                function: function.clone(),
                previous_containers,
                new_containers: kept.count(),
                container_names: names.clone(),
                reason: reason.name().to_owned(),
            }))
        };
        self.report(function, answer, names, because, answering, now).await;
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
        if let Some(error) = &failure {
            self.failed(function, Direction::Down, error, &because, now);
        }
        let Some(kept) = self.pools.get(function) else { return };
        let answer = if names.is_empty() {
            Err(not_done(failure))
        } else {
            Ok(EventData::from(PoolScaledDown {
                function: function.clone(),
                previous_containers,
                new_containers: kept.count(),
                container_names: names.clone(),
                reason: reason.name().to_owned(),
            }))
        };
        self.report(function, answer, names, because, answering, now).await;
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
                let data = refused(&answering.command, &refusal).into();
                self.answer(answering, data, Err(refusal), now).await;
            }
        }
    }

    /// Answers a command: the record, the event, and the acknowledgement in one transaction.
    async fn answer(
        &mut self,
        mut answering: Answering,
        data: EventData,
        told: Result<Vec<String>, Refusal>,
        now: DateTime<Utc>,
    ) {
        let command = &answering.command;
        let because = Because::of(command.command_id).by(command.actor.clone());
        let event = self.journal.event_from(operator::SOURCE, data, because, now);
        self.remember(command.command_id, event.clone());
        self.acknowledge(&answering, event).await;
        answering.tell(told);
    }

    async fn acknowledge(&mut self, answering: &Answering, event: Event) {
        let record = answering.command.action.pool().and_then(|function| self.record(function));
        let changes = record.map(|record| Change::PutPool(Box::new(record))).into_iter().collect();
        self.journal.write(vec![event], changes, answering.acknowledgement.clone()).await;
    }

    /// Deals with an order.
    pub(super) async fn ordered(&mut self, order: Order) {
        match order {
            Order::Command(answering) => self.commanded(*answering).await,
            Order::Ready(reply) => {
                self.show();
                let _ = reply.send(Ok(()));
            }
            Order::Ensure(spec, reply) => self.ensure(&spec, reply).await,
            Order::Remove(function, reply) => {
                let there = self.pools.contains_key(&function);
                let answer = if there { Ok(()) } else { Err(PoolError::Unknown(function.clone())) };
                self.retire(&function, clock::now());
                let _ = reply.send(answer);
            }
        }
    }

    async fn commanded(&mut self, answering: Answering) {
        let now = clock::now();
        let command = &answering.command;
        // It was heard again because its acknowledgement was lost: it is answered as before, and not carried out twice.
        if let Some((_, event)) = self.answers.iter().find(|(known, _)| *known == command.command_id) {
            let event = event.clone();
            return self.acknowledge(&answering, event).await;
        }
        let states = self.pools.values().filter(|kept| !kept.retired).map(Kept::state);
        let judged = judge(command, states, self.setting.dry_run, now);
        let (function, wanted) = match judged {
            Ok(judged) => judged,
            Err(refusal) => {
                let data = refused(command, &refusal).into();
                return self.answer(answering, data, Err(refusal), now).await;
            }
        };
        let because = Because::of(command.command_id).by(command.actor.clone());
        let rests_until = self.pools.get(&function).and_then(|kept| kept.rests_until).filter(|until| *until > now);
        match wanted {
            Wanted::Up(_, UpReason::Demand) if rests_until.is_some() => {
                let detail =
                    "the last attempts failed, as PoolScalingFailed tells; it is tried again by itself".to_owned();
                let refusal = Refusal { reason: "backoff", detail };
                let data = refused(command, &refusal).into();
                self.answer(answering, data, Err(refusal), now).await;
            }
            Wanted::Up(count, reason) => self.make(&function, count, reason, because, Some(answering)),
            Wanted::Down(ids) => {
                self.dismiss(&function, &ids, DownReason::Operator, &because, now);
                if self.save().await == Written::Done && self.journal.may_act().await {
                    self.remove(&function, ids, Some(answering));
                } else {
                    let detail = "Redis cannot be used, or another replica leads: nothing is taken away now; the containers \
                                  are drained and go when it can be recorded";
                    let refusal = Refusal { reason: "store_down", detail: detail.to_owned() };
                    let data = refused(&answering.command, &refusal).into();
                    self.answer(answering, data, Err(refusal), now).await;
                }
            }
            Wanted::Drain(id) => {
                self.dismiss(&function, std::slice::from_ref(&id), DownReason::Drained, &because, now);
                let name = self.pools.get(&function).and_then(|kept| {
                    Some(kept.pool.containers.iter().find(|container| container.id == id)?.name.clone())
                });
                let container = name.unwrap_or_default();
                let reason = answering.command.reason.clone();
                let data = PoolContainerDraining { function, container: container.clone(), reason };
                self.answer(answering, data.into(), Ok(vec![container]), now).await;
            }
        }
    }

    fn dismiss(
        &mut self,
        function: &FunctionName,
        ids: &[ContainerId],
        reason: DownReason,
        because: &Because,
        now: DateTime<Utc>,
    ) {
        if let Some(kept) = self.pools.get_mut(function) {
            for id in ids {
                kept.dismiss(id, reason, because.clone(), now);
            }
        }
    }

    async fn ensure(&mut self, spec: &PoolSpec, reply: oneshot::Sender<Result<(), PoolError>>) {
        let now = clock::now();
        let news = match self.pools.get_mut(&spec.function) {
            Some(kept) => kept.configure(spec, now),
            None => {
                let kept = Kept::empty(spec.clone(), now);
                let news = kept.configured();
                self.pools.insert(spec.function.clone(), kept);
                Some(news)
            }
        };
        if let (Some(data), Some(kept)) = (news, self.pools.get_mut(&spec.function)) {
            let event = self.journal.event(data, Because::default(), now);
            kept.news.push(event);
        }
        self.save().await;
        let _ = reply.send(Ok(()));
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
        let functions: Vec<FunctionName> = match self.journal.is_adrift() {
            true => Vec::new(),
            false => self.pools.values().filter(ended).map(|kept| kept.function().clone()).collect(),
        };
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
