//! A handler that panics: it fails on that event, and nothing else does. The handlers here are added from outside, as a program that
//! embeds the engine adds its own.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

mod support;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use support::engine::{RunningEngine, brisk, scale};
use support::redis::TestRedis;
use windlass::clock;
use windlass::config::{RetryConfig, Span};
use windlass::handlers::{Because, Draft, Handler, HandlerError, World};
use windlass::model::event::StoreRestored;
use windlass::model::{Action, Direction, Event, EventData, EventType};

const RETRY: RetryConfig = RetryConfig { tries: 4, first_pause: Span::millis(500), longest_pause: Span::seconds(10) };

/// Hears what operators ask for, drafts an answer, and panics on the first event it ever heard.
#[derive(Default)]
struct Panicker {
    poison: OnceLock<Uuid>,
    heard: Heard,
}

/// Hears the same, and is in order.
#[derive(Default)]
struct Witness {
    heard: Heard,
}

/// Which events were heard, and when.
#[derive(Default)]
struct Heard(Mutex<Vec<(Uuid, Instant)>>);

impl Heard {
    fn note(&self, event: &Event) {
        self.0.lock().unwrap().push((event.event_id, clock::monotonic()));
    }

    fn times(&self, event: &Event) -> Vec<Instant> {
        self.0.lock().unwrap().iter().filter(|(id, _)| *id == event.event_id).map(|(_, at)| *at).collect()
    }
}

impl Handler for Panicker {
    fn name(&self) -> &'static str {
        "Panicker"
    }

    fn subscribes(&self) -> &'static [EventType] {
        &[EventType::ReconcileRequested]
    }

    fn on_event(&self, event: &Event, _: &World<'_>, draft: &mut Draft) -> Result<(), HandlerError> {
        self.heard.note(event);
        draft.emit(StoreRestored { duration: 0.0, events_kept: 0, events_dropped: 0 }, Because::of(event.event_id));
        assert!(*self.poison.get_or_init(|| event.event_id) != event.event_id, "this event is poison");
        Ok(())
    }
}

impl Handler for Witness {
    fn name(&self) -> &'static str {
        "Witness"
    }

    fn subscribes(&self) -> &'static [EventType] {
        &[EventType::ReconcileRequested]
    }

    fn on_event(&self, event: &Event, _: &World<'_>, _: &mut Draft) -> Result<(), HandlerError> {
        self.heard.note(event);
        Ok(())
    }
}

#[tokio::test]
async fn a_handler_that_panics_stops_neither_the_others_nor_itself() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let mut config = brisk("c1");
    config.autoscaler.events.retry = RETRY;
    let (panicker, witness) = (Arc::new(Panicker::default()), Arc::new(Witness::default()));
    let more: Vec<Arc<dyn Handler>> = vec![panicker.clone(), witness.clone()];
    let engine = RunningEngine::start_with(&redis.url(), &config, folder.path(), more).await;
    engine.first(EventType::ClusterStateSynced).await;

    let poison = engine.command(Action::Reconcile).await;
    let wholesome = engine.command(Action::Reconcile).await;
    let buried = engine.first(EventType::EventDeadLettered).await;
    let EventData::EventDeadLettered(data) = &buried.data else { panic!("{buried:?}") };
    assert_eq!((data.handler.as_str(), data.event.parse(), data.tries), ("Panicker", Ok(poison.event_id), RETRY.tries));
    assert!(data.error.contains("panicked") && data.error.contains("this event is poison"), "{}", data.error);
    assert_eq!(buried.caused_by, Some(poison.event_id));

    let tries = panicker.heard.times(&poison);
    assert_eq!(tries.len(), RETRY.tries as usize);
    let pauses: Vec<Duration> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (pause, doubled) in pauses.iter().zip([1, 2, 4]) {
        // How much longer they are is the machine's affair.
        assert!(*pause >= RETRY.first_pause.get() * doubled, "each pause is twice the one before: {pauses:?}");
    }
    let next = panicker.heard.times(&wholesome);
    assert_eq!(next.len(), 1, "what works is handled once");
    assert!(next[0] < tries[tries.len() - 1], "the event after the poisonous one does not wait for its tries to end");
    for event in [&poison, &wholesome] {
        assert_eq!(witness.heard.times(event).len(), 1, "another handler hears it once");
    }

    // Of a try that failed nothing is written; of one that did not, all.
    let drafted: Vec<_> = engine.events().await.into_iter().filter(|event| event.source == "Panicker").collect();
    let causes: Vec<_> = drafted.iter().map(|event| event.caused_by).collect();
    assert_eq!(causes, [Some(wholesome.event_id)], "{drafted:?}");

    let look = engine.store.inspect().await.unwrap();
    assert_eq!(look.dead_letters, 1);
    let group = look.events.groups.iter().find(|group| group.name == "Panicker").unwrap();
    assert_eq!(group.pending, 0, "what is dead-lettered is dealt with: {group:?}");

    engine.command(scale(Direction::Up, 1)).await;
    engine.until("the engine goes on", |state| state.worker_count() == 3 && state.operations.is_empty()).await;
    engine.stop().await;
}
