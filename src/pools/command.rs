//! What others want of the pools, and the answers: one event for each command, with the record and the acknowledgement.

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use super::PoolError;
use super::journal::Written;
use super::kept::Kept;
use super::manager::Manager;
use super::orders::{Answering, Order};
use crate::clock;
use crate::handlers::Because;
use crate::handlers::operator;
use crate::handlers::operator::pools::{Wanted, judge, refused};
use crate::model::event::PoolContainerDraining;
use crate::model::{Change, ContainerId, Event, EventData, FunctionName, PoolSpec};
use crate::policy::operator::Refusal;
use crate::policy::pools::{DownReason, UpReason};

/// Why a container goes, where the operator gave no reason.
const BY_HAND: &str = "taken away by hand";

impl Manager {
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
        // It was heard again because its acknowledgement was lost: it is answered as before, and not carried out twice.
        let id = answering.command.command_id;
        if let Some((_, event)) = self.answers.iter().find(|(known, _)| *known == id) {
            let event = event.clone();
            return self.acknowledge(&answering, event).await;
        }
        let Some(answering) = self.rest_of(answering, now).await else { return };
        let command = &answering.command;
        let states = self.pools.values().filter(|kept| !kept.retired).map(Kept::state);
        let judged = judge(command, states, self.setting.dry_run, now);
        let (function, wanted) = match judged {
            Ok(judged) => judged,
            Err(refusal) => {
                return self.refuse(answering, refusal, now).await;
            }
        };
        let because = Because::of(command.command_id).by(command.actor.clone());
        let rests_until = self.pools.get(&function).and_then(|kept| kept.rests_until).filter(|until| *until > now);
        match wanted {
            Wanted::Up(_, UpReason::Demand) if rests_until.is_some() => {
                let detail =
                    "the last attempts failed, as PoolScalingFailed tells; it is tried again by itself".to_owned();
                let refusal = Refusal { reason: "backoff", detail };
                self.refuse(answering, refusal, now).await;
            }
            Wanted::Up(count, reason) if self.journal.may_act().await => {
                self.make(&function, count, reason, because, Some(answering));
            }
            Wanted::Up(..) => self.not_now(answering, "nothing is made now", now).await,
            Wanted::Down(ids) => {
                let reason = Answering::said(Some(&answering)).unwrap_or_else(|| BY_HAND.to_owned());
                self.say_what_goes(&function, &ids, &reason, &because, now);
                self.dismiss(&function, &ids, DownReason::Operator, &because, now);
                let is_recorded = self.save().await == Written::Done;
                if is_recorded && self.journal.may_act().await && !self.journal.is_adrift() {
                    self.remove(&function, ids, Some(answering));
                } else {
                    let instead =
                        "nothing is taken away now; the containers are drained and go when it can be recorded";
                    self.not_now(answering, instead, now).await;
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

    /// Whether this replica may act is not certain.
    async fn not_now(&mut self, answering: Answering, instead: &str, now: DateTime<Utc>) {
        let detail = format!("Redis cannot be used, or another replica leads: {instead}");
        self.refuse(answering, Refusal { reason: "store_down", detail }, now).await;
    }

    /// Answers a command with a refusal.
    pub(super) async fn refuse(&mut self, answering: Answering, refusal: Refusal, now: DateTime<Utc>) {
        let data = refused(&answering.command, &refusal).into();
        self.answer(answering, data, Err(refusal), now).await;
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
        let news = if let Some(kept) = self.pools.get_mut(&spec.function) {
            kept.configure(spec, now)
        } else {
            let kept = Kept::empty(spec.clone(), now);
            let news = kept.configured();
            self.pools.insert(spec.function.clone(), kept);
            Some(news)
        };
        if let (Some(data), Some(kept)) = (news, self.pools.get_mut(&spec.function)) {
            let event = self.journal.event(data, Because::default(), now);
            kept.news.push(event);
        }
        self.save().await;
        let _ = reply.send(Ok(()));
    }

    /// Answers a command: the record, the event, and the acknowledgement in one transaction.
    pub(super) async fn answer(
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
}
