//! Delivers to one target, event by event, in order.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use url::Url;

use super::books::Books;
use super::post::{Destination, Failure, post};
use super::{Office, body, group, is_group, sign};
use crate::bus::{Consumer, Entry, Loss};
use crate::clock;
use crate::config::{AlertFormat, TargetConfig};
use crate::model::event::{EventDeadLettered, EventsLost};
use crate::model::{Actor, Event, EventData};
use crate::policy::backoff;
use crate::store::{DeadLetter, StoreError, Transaction};

/// After the first failed request the target rests for this long, doubling.
const FIRST_REST: Duration = Duration::from_millis(500);
/// At the longest.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// However long a target asks to be left alone.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);
/// How long a read waits for events.
const WAIT: Duration = Duration::from_secs(5);
/// After Redis could not be used.
const PAUSE: Duration = Duration::from_millis(500);
/// As for the other handlers: a try that ended with the process is one that the event may not have caused.
const FEWEST_CRASHES: u32 = 2;

/// One target's courier.
pub(super) struct Courier {
    office: Arc<Office>,
    target: TargetConfig,
    group: String,
    books: Books,
    /// Failed requests since the last success: how long the target rests.
    failures: u32,
}

impl Courier {
    pub(super) fn new(office: Arc<Office>, target: TargetConfig) -> Self {
        let books = Books::new(office.store.clone(), target.name.clone());
        Self { group: group(&target.name), office, target, books, failures: 0 }
    }

    /// Delivers until this replica does not lead any more, or the task is ended.
    pub(super) async fn run(mut self) {
        loop {
            let Err(error) = self.work().await;
            if let StoreError::Fenced { .. } = error {
                return;
            }
            tracing::warn!(target = %self.target.name, %error, "a webhook's events cannot be read");
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn work(&mut self) -> Result<Infallible, StoreError> {
        let store = self.office.store.clone();
        let (mut consumer, left) =
            Consumer::join(&store, store.keys().events(), &self.group, &self.office.replica).await?;
        let mut connection = store.address().blocking(WAIT).await?;
        for loss in left.lost {
            self.report(&consumer, loss).await?;
        }
        let (failures, until) = self.books.open().await?;
        self.failures = failures;
        if let Some(until) = until {
            tokio::time::sleep(clock::between(clock::now(), until).min(LONGEST_ASKED)).await;
        }
        for pending in left.pending {
            match consumer.again(&pending.id).await? {
                Some(entry) => self.settle(&consumer, entry, pending.tries).await?,
                None => self.report(&consumer, Loss { count: Some(1) }).await?,
            }
        }
        loop {
            let batch = consumer.wait(&mut connection, WAIT).await?;
            if let Some(loss) = batch.lost {
                self.report(&consumer, loss).await?;
            }
            if batch.entries.is_empty() {
                for pending in consumer.stranded().await? {
                    if let Some(entry) = consumer.again(&pending.id).await? {
                        self.settle(&consumer, entry, pending.tries).await?;
                    }
                }
            }
            let (wanted, unwanted): (Vec<_>, Vec<_>) = batch.entries.into_iter().partition(|entry| self.wants(entry));
            consumer.skip(&unwanted.into_iter().map(|entry| entry.id).collect::<Vec<_>>()).await?;
            for entry in wanted {
                self.settle(&consumer, entry, 0).await?;
            }
        }
    }

    /// What was put back for this target alone is wanted, whatever it is; what cannot be read is for the dead letters.
    fn wants(&self, entry: &Entry) -> bool {
        match entry.event_for(&self.group) {
            None => false,
            Some(Ok(event)) => entry.addressee.is_some() || (self.office.wants)(&self.target, &event),
            Some(Err(_)) => true,
        }
    }

    /// Delivers an entry that was tried `tries` times before, or gives it up.
    async fn settle(&mut self, consumer: &Consumer, mut entry: Entry, mut tries: u32) -> Result<(), StoreError> {
        if !self.wants(&entry) {
            return consumer.skip(&[entry.id]).await;
        }
        let event = match entry.event_for(&self.group) {
            Some(Ok(event)) => event,
            Some(Err(error)) => return self.give_up(consumer, &entry, None, &error, tries.max(1)).await,
            None => return Ok(()),
        };
        let delivery = delivery(&entry, &event);
        if self.books.knows(&delivery).await? {
            return consumer.skip(&[entry.id]).await;
        }
        let mut said = "windlass ended in the middle of it at every try".to_owned();
        let mut given_up = tries >= self.target.tries.max(FEWEST_CRASHES);
        loop {
            if age(&entry, &event, clock::now()) >= self.target.give_up_after.get() {
                let late = format!("it is older than {} (give_up_after)", self.target.give_up_after);
                said = if tries == 0 { late } else { format!("{late}; last: {said}") };
                given_up = true;
            }
            if given_up {
                return self.give_up(consumer, &entry, Some(&event), &said, tries).await;
            }
            tries += 1;
            let Err(failure) = self.attempt(&event).await else {
                return self.delivered(&delivery, &entry).await;
            };
            given_up = failure.is_final || tries >= self.target.tries;
            said = failure.error.clone();
            self.rest(&failure, &entry.id).await?;
            if !given_up {
                let Some(again) = consumer.again(&entry.id).await? else {
                    return self.report(consumer, Loss { count: Some(1) }).await;
                };
                entry = again;
            }
        }
    }

    async fn attempt(&self, event: &Event) -> Result<(), Failure> {
        let reminder = self.office.config.autoscaler.events.reminder_interval.get();
        let body = body::body(&self.target, event, reminder).map_err(Failure::passing)?;
        let headers = self.headers(event, &body).await?;
        let url = address(&self.target)?;
        let to =
            Destination { url: &url, allow_private: self.target.allow_private, timeout: self.target.timeout.get() };
        post(&to, headers, body).await
    }

    /// Secrets are read for each request, so that they can be replaced.
    async fn headers(&self, event: &Event, body: &[u8]) -> Result<HeaderMap, Failure> {
        let id = event.event_id.to_string();
        let mut pairs = vec![
            (CONTENT_TYPE.as_str().to_owned(), "application/json".to_owned()),
            (USER_AGENT.as_str().to_owned(), concat!("windlass/", env!("CARGO_PKG_VERSION")).to_owned()),
            ("x-windlass-event-id".to_owned(), id.clone()),
            ("idempotency-key".to_owned(), id),
        ];
        pairs.extend(self.target.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        for (name, path) in &self.target.header_files {
            pairs.push((name.clone(), secret(path).await?));
        }
        if let Some(path) = &self.target.hmac_secret_file {
            let timestamp = clock::now().timestamp();
            let signature = sign::signature(secret(path).await?.as_bytes(), timestamp, body);
            pairs.push((sign::TIMESTAMP.to_owned(), timestamp.to_string()));
            pairs.push((sign::SIGNATURE.to_owned(), signature));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            // The value may be a secret: it is not repeated.
            let wrong = || Failure::passing(format!("the header {name:?} is not one"));
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            let value = HeaderValue::from_str(&value).map_err(|_| wrong())?;
            headers.insert(name, value);
        }
        Ok(headers)
    }

    /// The answer was seen: whatever Redis does, it is not sent again.
    async fn delivered(&mut self, delivery: &str, entry: &Entry) -> Result<(), StoreError> {
        self.failures = 0;
        let at = clock::now();
        while let Err(error) = self.books.delivered(delivery, &entry.id, at).await {
            tracing::warn!(target = %self.target.name, %error, "a delivery cannot be noted; that is tried again");
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Notes a failure; rests, unless the target only did not want this one event.
    async fn rest(&mut self, failure: &Failure, entry: &str) -> Result<(), StoreError> {
        self.failures = self.failures.saturating_add(1);
        let own = backoff::pause(FIRST_REST, LONGEST_REST, self.failures, entry);
        let pause = failure.retry_after.map_or(own, |asked| asked.min(LONGEST_ASKED).max(own));
        let now = clock::now();
        tracing::warn!(target = %self.target.name, error = failure.error, "a webhook failed");
        let next = (!failure.is_final).then(|| clock::after(now, pause));
        self.books.failed(&failure.error, now, next).await?;
        if next.is_some() {
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    /// To the dead letters. That another target could not be told is not a dead letter again: two targets that are dead would tell of
    /// each other forever.
    async fn give_up(
        &self,
        consumer: &Consumer,
        entry: &Entry,
        event: Option<&Event>,
        error: &str,
        tries: u32,
    ) -> Result<(), StoreError> {
        tracing::error!(target = %self.target.name, error, tries, "an event could not be delivered");
        let echo = event.is_some_and(|event| match &event.data {
            EventData::EventDeadLettered(data) => is_group(&data.handler),
            _ => false,
        });
        if echo {
            consumer.skip(std::slice::from_ref(&entry.id)).await?;
            return self.books.dropped().await;
        }
        let id = event.map(|event| event.event_id);
        let data = EventDeadLettered {
            handler: self.group.clone(),
            event: id.map(|id| id.to_string()).unwrap_or_default(),
            error: error.to_owned(),
            tries,
        };
        let letter = DeadLetter {
            event: entry.json.clone().unwrap_or_default(),
            entry: entry.id.clone(),
            handler: self.group.clone(),
            error: error.to_owned(),
            tries,
        };
        let reported = self.event(data, id);
        self.commit(reported, Some((consumer.acknowledgement(&entry.id), letter))).await?;
        self.books.dropped().await
    }

    async fn report(&self, consumer: &Consumer, loss: Loss) -> Result<(), StoreError> {
        tracing::error!(target = %self.target.name, count = loss.count, "events were trimmed before they were delivered");
        let reported = self.event(EventsLost { handler: self.group.clone(), count: loss.count }, None);
        self.commit(reported, None).await?;
        consumer.loss_reported().await
    }

    fn event(&self, data: impl Into<EventData>, caused_by: Option<uuid::Uuid>) -> Event {
        let now = clock::now();
        Event {
            event_id: clock::fresh_id(now),
            timestamp: now,
            source: crate::config::HandlerName::AlertManager.name().to_owned(),
            data: data.into(),
            metadata: self.office.metadata(),
            caused_by,
            correlation_id: None,
            actor: Actor::Engine,
        }
    }

    /// These events change nothing in the state, so that the leader's copy stays right.
    async fn commit(
        &self,
        event: Event,
        buried: Option<(crate::store::Acknowledgement, DeadLetter)>,
    ) -> Result<(), StoreError> {
        let (acknowledgements, dead_letters) = buried.into_iter().unzip();
        let transaction = Transaction {
            id: clock::fresh_id(event.timestamp),
            epoch: self.office.epoch,
            changes: Vec::new(),
            events: vec![event],
            acknowledgements,
            dead_letters,
            settled: Vec::new(),
        };
        let longest = self.office.config.autoscaler.events.event_bus.max_stream_length;
        self.office.store.commit(&transaction, longest).await.map(|_| ())
    }
}

/// What a delivery is known by: the event, and for one that an operator put back, that he did.
fn delivery(entry: &Entry, event: &Event) -> String {
    match entry.addressee {
        None => event.event_id.to_string(),
        Some(_) => format!("{}@{}", event.event_id, entry.id),
    }
}

/// How long an event has waited; for one that was put back, since then.
fn age(entry: &Entry, event: &Event, now: DateTime<Utc>) -> Duration {
    let put_back = entry.addressee.as_ref().and_then(|_| entry.id.split('-').next()?.parse().ok());
    let since = put_back.and_then(DateTime::from_timestamp_millis).unwrap_or(event.timestamp);
    clock::between(since, now)
}

/// Where requests go. Of an Alertmanager the server's address is enough.
fn address(target: &TargetConfig) -> Result<Url, Failure> {
    const ALERTS: &str = "/api/v2/alerts";
    let mut url = Url::parse(&target.url).map_err(|_| Failure::passing("its address cannot be read"))?;
    if target.format == AlertFormat::Alertmanager && !url.path().ends_with(ALERTS) {
        let path = format!("{}{ALERTS}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url)
}

async fn secret(path: &std::path::Path) -> Result<String, Failure> {
    match tokio::fs::read_to_string(path).await {
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => Err(Failure::passing(format!("{} cannot be read: {error}", path.display()))),
    }
}
