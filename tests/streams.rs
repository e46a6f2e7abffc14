//! Delivery from the streams on a real Redis: tries that survive a crash, losses that are counted, dead letters that are worked off.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

mod support;

use support::engine::{RunningEngine, brisk, connect};
use support::redis::TestRedis;
use windlass::bus::{Consumer, Loss, Pending, dead_letters, replay};
use windlass::clock;
use windlass::model::command::REPLAYED_AT_ONCE;
use windlass::model::{Action, Event, EventData, EventType, LogPosition, ReplicaId};
use windlass::store::{Store, StoreError};

fn replica(name: &str) -> ReplicaId {
    ReplicaId(name.to_owned())
}

async fn append(store: &Store, stream: &str, count: usize) {
    let mut pipe = redis::pipe();
    for number in 0..count {
        pipe.cmd("XADD").arg(stream).arg("*").arg("event").arg(number).ignore();
    }
    pipe.query_async::<()>(&mut store.connection()).await.unwrap();
}

async fn trim(store: &Store, stream: &str, length: usize) {
    redis::cmd("XTRIM")
        .arg(stream)
        .arg("MAXLEN")
        .arg("=")
        .arg(length)
        .exec_async(&mut store.connection())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_try_is_counted_before_it_begins_and_to_wait_is_no_try() {
    let redis = TestRedis::start();
    let store = connect(&redis.url(), &brisk("c1")).await;
    let join = async |name: &str| Consumer::join(&store, "s".to_owned(), "g", &replica(name)).await.unwrap();
    let (mut first, _) = join("a").await;
    append(&store, "s", 3).await;
    let read = first.next().await.unwrap().entries;
    let tries = |pending: &[Pending]| pending.iter().map(|entry| entry.tries).collect::<Vec<_>>();
    let (second, left) = join("b").await;
    assert_eq!(tries(&left.pending), [1, 1, 1]);
    // It dies in the middle of the first entry, again and again; the two behind it never had their turn.
    second.again(&read[0].id).await.unwrap().unwrap();
    second.again(&read[0].id).await.unwrap().unwrap();
    let (_, left) = join("c").await;
    assert_eq!(tries(&left.pending), [3, 1, 1]);
    assert_eq!(left.pending[2].id, read[2].id);
}

#[tokio::test]
async fn what_is_trimmed_is_counted_whether_it_was_read_or_not() {
    let redis = TestRedis::start();
    let store = connect(&redis.url(), &brisk("c1")).await;
    append(&store, "s", 50).await;
    let join = async |name: &str| Consumer::join(&store, "s".to_owned(), "g", &replica(name)).await.unwrap();
    let (mut consumer, left) = join("a").await;
    assert_eq!(left.lost, [], "what came before the group is not its own");
    append(&store, "s", 500).await;
    trim(&store, "s", 300).await;
    let (_, left) = join("a").await;
    assert_eq!(left.lost, [Loss { count: Some(200) }], "never read");
    let (_, left) = join("a").await;
    assert_eq!(left.lost, [Loss { count: Some(200) }], "until it is reported");
    consumer.loss_reported().await.unwrap();
    let (_, left) = join("a").await;
    assert_eq!(left.lost, [], "and then no more");
    let read = consumer.next().await.unwrap().entries;
    assert_eq!(read.len(), 64);
    trim(&store, "s", 200).await;
    assert_eq!(consumer.next().await.unwrap().lost, Some(Loss { count: Some(36) }), "while it reads");
    assert_eq!(consumer.again(&read[0].id).await.unwrap(), None, "read, and gone since");
    let (_, left) = join("b").await;
    assert_eq!(left.lost, [Loss { count: Some(63) }], "read by somebody who is gone, and gone since");
    assert_eq!(left.pending.len(), 64, "the second batch is still there");
    let (_, left) = join("c").await;
    assert_eq!(left.lost, [], "told once");
}

#[tokio::test]
async fn an_engine_tells_what_it_lost_and_gives_up_what_killed_it() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let config = brisk("c1");
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    let store = engine.store.clone();
    engine.stop().await;
    // Somebody reads an event that its handler never survives.
    let stream = store.keys().events();
    let (mut reader, _) = Consumer::join(&store, stream.clone(), "NodeManager", &replica("dies")).await.unwrap();
    append(&store, &stream, 1).await;
    let poison = reader.next().await.unwrap().entries.pop().unwrap();
    for _ in 1..config.autoscaler.events.retry.tries {
        reader.again(&poison.id).await.unwrap().unwrap();
    }
    append(&store, &stream, 100).await;

    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let killed = |event: &Event| {
        matches!(&event.data, EventData::EventDeadLettered(data)
            if data.handler == "NodeManager" && data.tries == 5 && data.error.contains("at every try"))
    };
    engine.event("the poison's end", killed).await;
    engine.stop().await;

    append(&store, &stream, 300).await;
    trim(&store, &stream, 100).await;
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    for handler in ["MetricsListener", "NodeManager"] {
        let lost = |event: &Event| matches!(&event.data, EventData::EventsLost(data) if data.handler == handler && data.count >= Some(200));
        engine.event("the loss", lost).await;
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_dead_letter_goes_to_its_handler_alone() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let engine = RunningEngine::start(&redis.url(), &brisk("c1"), folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    let asked = engine.command(Action::Reconcile).await;
    let answers = |events: &[Event]| events.iter().filter(|event| event.caused_by == Some(asked.event_id)).count();
    engine.event("agreement", |event| event.caused_by == Some(asked.event_id)).await;
    let dead = async |handler: &str, event: &str| {
        let entry: String = redis::cmd("XADD")
            .arg(engine.store.keys().dead_letters())
            .arg(&["*", "event", event, "entry", "1-1", "handler", handler, "error", "no", "tries", "5"])
            .query_async(&mut engine.store.connection())
            .await
            .unwrap();
        entry
    };
    let text = serde_json::to_string(&asked).unwrap();
    let letter = dead("StateSynchronizer", &text).await;
    let shown = dead_letters::show(&engine.store, &letter).await.unwrap().unwrap();
    assert_eq!((shown.event().as_ref(), shown.tries, shown.error.as_str()), (Some(&asked), 5, "no"));
    let retried = engine.command(Action::DeadLetterRetry { entry: letter }).await;
    assert!(
        matches!(&retried.data, EventData::EventDeadLetterRetried(data) if data.event == asked.event_id.to_string()),
        "{retried:?}"
    );
    engine
        .event("agreement again", |event| event.caused_by == Some(asked.event_id) && event.event_id > retried.event_id)
        .await;
    let events = engine.events().await;
    assert_eq!(answers(&events), 2);
    assert_eq!(events.iter().filter(|event| event.event_id == asked.event_id).count(), 1, "the log has it once");

    for (handler, event) in [("Nobody", text.as_str()), ("operator", "{}"), ("NodeManager", "not an event")] {
        let entry = dead(handler, event).await;
        let refused = engine.command(Action::DeadLetterRetry { entry: entry.clone() }).await;
        assert!(matches!(&refused.data, EventData::CommandRefused(no) if no.reason == "dead_letter"), "{refused:?}");
        assert_eq!(
            engine.command(Action::DeadLetterDrop { entry }).await.event_type(),
            EventType::EventDeadLetterDropped
        );
    }
    let unknown = engine.command(Action::DeadLetterDrop { entry: "not a position".to_owned() }).await;
    assert_eq!(unknown.event_type(), EventType::CommandRefused);
    let page = dead_letters::list(&engine.store, None, 10).await.unwrap();
    assert_eq!((page.total, page.letters.len(), page.older), (0, 0, None));
    for _ in 0..3 {
        dead("Nobody", "{}").await;
    }
    let first = dead_letters::list(&engine.store, None, 2).await.unwrap();
    let rest = dead_letters::list(&engine.store, first.older.as_deref(), 2).await.unwrap();
    assert_eq!((first.total, first.letters.len(), rest.letters.len(), rest.older), (3, 2, 1, None));
    assert!(first.letters[1].entry > rest.letters[0].entry, "newest first");
    engine.stop().await;
}

#[tokio::test]
async fn what_is_replayed_goes_to_the_named_handler_alone_and_changes_no_log() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let engine = RunningEngine::start(&redis.url(), &brisk("c1"), folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    let begin = LogPosition::at(clock::now());
    let asked = engine.command(Action::Reconcile).await;
    let answers = |events: &[Event]| events.iter().filter(|event| event.caused_by == Some(asked.event_id)).count();
    engine.event("agreement", |event| event.caused_by == Some(asked.event_id)).await;
    let again = |handler: &str, from: &LogPosition| Action::Replay {
        handler: handler.to_owned(),
        from: from.clone(),
        to: None,
    };

    let done = engine.command(again("StateSynchronizer", &begin)).await;
    let EventData::EventsReplayed(data) = &done.data else { panic!("{done:?}") };
    assert_eq!((data.handler.as_str(), data.count, data.from), ("StateSynchronizer", 1, asked.timestamp));
    assert_eq!(done.actor.to_string(), "anna");
    engine
        .event("agreement again", |event| event.caused_by == Some(asked.event_id) && event.event_id > done.event_id)
        .await;
    let events = engine.events().await;
    assert_eq!(answers(&events), 2, "once more, and not twice");
    assert_eq!(events.iter().filter(|event| event.event_id == asked.event_id).count(), 1, "the log has it once");
    let audit = replay::audit(&engine.store, None, None).await.unwrap();
    assert!(audit.whole && audit.differences.is_empty(), "{audit:?}");

    let refused = async |action: Action, word: &str| {
        let refused = engine.command(action).await;
        let told =
            matches!(&refused.data, EventData::CommandRefused(no) if no.reason == "replay" && no.detail.contains(word));
        assert!(told, "{refused:?}");
    };
    refused(again("Nobody", &begin), "does not run").await;
    refused(again("NodeManager", &LogPosition::at(clock::now())), "nothing for NodeManager").await;
    let text = serde_json::to_string(&asked).unwrap();
    let mut pipe = redis::pipe();
    for _ in 0..=REPLAYED_AT_ONCE {
        pipe.cmd("XADD").arg(engine.store.keys().events()).arg(&["*", "event", &text]).ignore();
    }
    pipe.query_async::<()>(&mut engine.store.connection()).await.unwrap();
    refused(again("StateSynchronizer", &begin), "shorter span").await;
    engine.stop().await;
}

#[tokio::test]
async fn a_state_that_the_log_does_not_give_is_told() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let engine = RunningEngine::start(&redis.url(), &brisk("c1"), folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    let store = engine.store.clone();
    engine.stop().await;
    let audit = replay::audit(&store, None, None).await.unwrap();
    assert!(audit.whole && audit.events > 0 && audit.differences.is_empty(), "{audit:?}");
    assert_eq!(audit.compared.len(), 12);

    let command = |words: &[&str]| {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command
    };
    let mut connection = store.connection();
    let counter = store.keys().worker_counter();
    command(&["INCR", &counter]).exec_async(&mut connection).await.unwrap();
    let audit = replay::audit(&store, None, None).await.unwrap();
    assert_eq!((audit.whole, audit.differences), (true, vec!["worker counter"]));
    command(&["DECR", &counter]).exec_async(&mut connection).await.unwrap();

    // Without its beginning, the log says nothing of what was there before, and what it says is still held against the state.
    let last = LogPosition::at(audit.last.unwrap());
    let rest = replay::audit(&store, Some(&last), None).await.unwrap();
    assert!(!rest.whole && rest.differences.is_empty() && !rest.compared.contains(&"workers"), "{rest:?}");
    trim(&store, &store.keys().events(), 1).await;
    let trimmed = replay::audit(&store, None, None).await.unwrap();
    assert_eq!((trimmed.whole, trimmed.events, trimmed.differences), (false, 1, vec![]));
    let early = replay::audit(&store, None, Some(&"1-0".parse().unwrap())).await.unwrap();
    assert_eq!((early.whole, early.events, early.compared), (false, 0, vec![]));
}

#[tokio::test]
async fn who_leads_no_longer_takes_nothing_away_from_who_does() {
    let redis = TestRedis::start();
    let store = connect(&redis.url(), &brisk("c1")).await;
    let lease = std::time::Duration::from_millis(1);
    let old = store.acquire_lease(&replica("a"), lease).await.unwrap().unwrap();
    let (mut stopped, _) = Consumer::join(&store, "s".to_owned(), "g", &replica("a")).await.unwrap();
    tokio::time::sleep(lease * 20).await;
    let new = store.acquire_lease(&replica("b"), lease).await.unwrap().unwrap();
    let (mut leads, _) = Consumer::join(&store, "s".to_owned(), "g", &replica("b")).await.unwrap();
    append(&store, "s", 3).await;
    let refused = Consumer::fetch(&store, old, &[], &mut [&mut stopped]).await.unwrap_err();
    assert!(matches!(refused, StoreError::Fenced { ours, newest } if (ours, newest) == (old, new)), "{refused}");
    let read = Consumer::fetch(&store, new, &[], &mut [&mut leads]).await.unwrap();
    assert_eq!(read[0].entries.len(), 3);
    assert_eq!(Consumer::fetch(&store, new, &[], &mut [&mut leads]).await.unwrap()[0].entries, []);
}

#[tokio::test]
async fn a_redis_that_was_restarted_says_that_a_group_lags_behind_only_where_it_does() {
    let mut redis = TestRedis::durable();
    let store = connect(&redis.url(), &brisk("c1")).await;
    let stream = store.keys().events();
    let join = async |name: &str| Consumer::join(&store, stream.clone(), "g", &replica(name)).await;
    let (mut consumer, _) = join("a").await.unwrap();
    append(&store, &stream, 40).await;
    for entry in consumer.next().await.unwrap().entries {
        consumer.skip(&[entry.id]).await.unwrap();
    }
    redis.restart();
    let mut lags = Vec::new();
    for _ in 0..2 {
        let inspection = loop {
            // The connection that was cut is not back at once.
            if let Ok(inspection) = store.inspect().await {
                break inspection;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        };
        lags.push(inspection.events.groups[0].lag);
        join("b").await.unwrap();
        append(&store, &stream, 1).await;
    }
    assert_eq!(lags, [Some(0), Some(1)]);
}
