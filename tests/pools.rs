//! Function pools as an engine and as a program of one's own keep them: on a real Redis, with simulated containers and with real ones.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

#[path = "pools/again.rs"]
mod again;
#[path = "http/client.rs"]
#[allow(dead_code, reason = "each test uses its part of this")]
mod client;
#[path = "pools/containers.rs"]
mod containers;
#[path = "pools/outage.rs"]
mod outage;
#[path = "pools/runtime.rs"]
mod runtime;
#[path = "pools/stage.rs"]
mod stage;
mod support;

use serde_json::Value;
use stage::{Stage, all, count, function, idle_for, pool_of, pooled, statuses};
use support::engine::{RunningEngine, brisk};
use support::redis::TestRedis;
use windlass::cluster::simulated::pools::{call, kill, silence};
use windlass::model::{Action, ContainerStatus, Direction, EventData, EventType};

#[tokio::test]
async fn a_pool_grows_with_its_calls_and_shrinks_when_they_end() {
    let stage = Stage::set(&pooled("c1", 1, 3)).await;
    let up = stage.engine.first(EventType::PoolScaledUp).await;
    let EventData::PoolScaledUp(data) = &up.data else { panic!("{up:?}") };
    assert_eq!((data.reason.as_str(), data.new_containers), ("below_minimum", 1));
    assert_eq!(data.container_names, ["c1-hello-1"]);
    assert_eq!(up.source, "PoolManager");

    stage.calls(Some(500.0));
    stage.engine.first(EventType::PoolSaturated).await;
    stage.until("three containers", |pool| pool.containers.len() == 3 && all(pool, ContainerStatus::Overloaded)).await;
    stage.calls(Some(0.0));
    stage.until("one idle container", |pool| pool.containers.len() == 1 && all(pool, ContainerStatus::Idle)).await;
    let events = stage.engine.events().await;
    let reasons = |wanted: EventType| {
        let found = events.iter().filter(|event| event.event_type() == wanted);
        found
            .filter_map(|event| Some(serde_json::to_value(&event.data).unwrap()["data"]["reason"].as_str()?.to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(reasons(EventType::PoolScaledUp), ["below_minimum", "all_overloaded", "all_overloaded"]);
    assert_eq!(reasons(EventType::PoolScaledDown), ["idle", "idle"]);
    for once in
        [EventType::PoolSaturated, EventType::PoolSaturationEnded, EventType::PoolConfigured, EventType::PoolsRecovered]
    {
        assert_eq!(count(&events, once), 1, "{once}");
    }
    // Record and log agree, in the seed's words.
    let record: Value = serde_json::from_str(&stage.get("{c1}:autoscaler:pool:hello")).unwrap();
    assert_eq!(record["function_name"], "hello");
    assert_eq!(record["containers"].as_array().unwrap().len(), 1);
    assert_eq!(record["containers"][0]["status"], "Idle");
    let metadata: Value = serde_json::from_str(&stage.get("{c1}:autoscaler:metadata")).unwrap();
    assert_eq!(metadata["total_pools"], 1);
    let ttl = stage.redis.command(&["TTL", "{c1}:autoscaler:pool:hello"]);
    assert!(ttl.trim().trim_start_matches(':').parse::<i64>().unwrap() > 86_000, "{ttl}");
    stage.clear().await;
}

#[tokio::test]
async fn what_is_killed_is_replaced_up_to_the_minimum() {
    let stage = Stage::set(&pooled("c1", 2, 3)).await;
    let before = stage.until("two containers", |pool| pool.containers.len() == 2 && pool.verified).await;
    kill(stage.folder.path(), &before.containers[0].name).unwrap();
    let lost = stage.engine.first(EventType::PoolContainerLost).await;
    let EventData::PoolContainerLost(data) = &lost.data else { panic!("{lost:?}") };
    assert_eq!((data.container.as_str(), data.cause.as_str()), ("c1-hello-1", "container_removed"));
    stage.engine.event_after(EventType::PoolScaledUp, lost.event_id).await;
    let after = stage.until("two containers", |pool| pool.containers.len() == 2).await;
    assert_ne!(after.containers[0].id, before.containers[0].id);
    assert_eq!(after.containers[1].id, before.containers[1].id);
    stage.clear().await;
}

#[tokio::test]
async fn a_restart_finds_everything_again_and_adopts_what_was_not_recorded() {
    let config = pooled("c1", 2, 4);
    let stage = Stage::set(&config).await;
    stage.calls(Some(60.0));
    let before = stage.until("two containers", |pool| pool.containers.len() == 2).await;
    let Stage { redis, engine, folder, .. } = stage;
    engine.crash().await;
    // One was made, and the leader died before it could record it; one went meanwhile.
    let host = windlass::cluster::connect_pools(&config, folder.path()).unwrap();
    let request = windlass::cluster::pools::PoolContainerRequest {
        function: function("hello"),
        name: "c1-hello-3".to_owned(),
        image: "hello:1".to_owned(),
        port: 8080,
        ordered_by: None,
    };
    let made = host.create(&request).await.unwrap();
    kill(folder.path(), &before.containers[0].name).unwrap();

    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let second =
        |event: &windlass::model::Event| matches!(&event.data, EventData::PoolsRecovered(data) if data.gone > 0);
    let recovered = engine.event("the recovery", second).await;
    let EventData::PoolsRecovered(data) = &recovered.data else { panic!("{recovered:?}") };
    assert_eq!((data.pools, data.containers, data.gone, data.adopted), (1, 2, 1, 1));
    let stage = Stage { redis, engine, folder };
    let after = stage.until("both", |pool| pool.containers.len() == 2 && pool.verified).await;
    let ids: Vec<_> = after.containers.iter().map(|container| &container.id).collect();
    assert_eq!(ids, [&before.containers[1].id, &made.id]);
    assert_eq!(count(&stage.engine.events().await, EventType::PoolScaledUp), 1, "nothing was made anew");
    stage.clear().await;
}

#[tokio::test]
async fn from_zero_on_demand_over_http() {
    let mut config = client::with_tokens(&pooled("c1", 0, 2));
    config.pools.functions[0].cooldown_duration = windlass::config::Span::seconds(3600);
    let stage = Stage::set(&config).await;
    stage.engine.first(EventType::PoolConfigured).await;
    let server = client::TestServer::start(&config, &support::engine::connect(&stage.redis.url(), &config).await).await;
    let server = server.ready().await;
    let path = "/api/v1/pools/hello/endpoint";
    let none =
        server.until(path, Some(client::VIEWER), |reply| reply.status == 503 && reply.code() == "no_container").await;
    assert_eq!(none.header("retry-after"), Some("1"), "{none:?}");
    let found = server.until(path, Some(client::VIEWER), |reply| reply.status == 200).await.json();
    assert_eq!(found["container"], "c1-hello-1");
    let url = format!("http://{}:8080", found["address"].as_str().unwrap());
    assert_eq!((found["url"].as_str().unwrap(), &found["last_resort"]), (url.as_str(), &Value::Bool(false)));
    let woken = stage.engine.first(EventType::PoolScaledUp).await;
    let EventData::PoolScaledUp(data) = &woken.data else { panic!("{woken:?}") };
    assert_eq!((data.reason.as_str(), woken.source.as_str()), ("demand", "operator"));

    let unknown = server.get("/api/v1/pools/nope/endpoint", Some(client::VIEWER)).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "unknown_function"));
    assert!(unknown.message().contains("the pools are hello"), "{}", unknown.message());
    let pools = server.get("/api/v1/pools", Some(client::VIEWER)).await.json();
    assert_eq!(pools["pools"][0]["containers"][0]["name"], "c1-hello-1");
    assert_eq!(server.get(path, None).await.status, 401);
    let text = server
        .until("/metrics", Some(client::VIEWER), |reply| reply.body.contains("windlass_pool_containers"))
        .await
        .body;
    assert!(text.contains(r#"windlass_pool_max{function="hello"} 2"#), "{text}");
    server.stop().await;
    stage.clear().await;
}

#[tokio::test]
async fn a_silent_runtime_takes_nothing_away() {
    let stage = Stage::set(&pooled("c1", 1, 3)).await;
    stage.calls(Some(0.0));
    let before = stage.until("an idle container", |pool| pool.verified && all(pool, ContainerStatus::Idle)).await;
    stage.scale(Direction::Up, 1).await;
    silence(stage.folder.path(), true).unwrap();
    let silent = stage.engine.first(EventType::PoolsUnverified).await;
    let pool = stage.until("unverified", |pool| !pool.verified).await;
    assert_eq!(pool.containers.len(), 2);
    let refused = stage.scale(Direction::Up, 1).await;
    assert_eq!(stage::reason(&refused), "cluster_unknown");
    // Far longer than an idle container is left its cooldown.
    tokio::time::sleep(stage::COOLDOWN * 3).await;
    assert_eq!(stage.pool().containers.len(), 2);
    silence(stage.folder.path(), false).unwrap();
    let back = stage.engine.event_after(EventType::PoolsRecovered, silent.event_id).await;
    assert_eq!(back.caused_by, Some(silent.event_id));
    let events = stage.engine.events().await;
    assert_eq!(count(&events, EventType::PoolsUnverified), 1);
    assert_eq!(count(&events, EventType::PoolContainerLost), 0);
    stage.until("its cooldown over", |pool| pool.containers.len() == 1).await;
    assert_eq!(before.containers.len(), 1);
    stage.clear().await;
}

#[tokio::test]
async fn operators_scale_and_drain_within_the_limits() {
    let mut config = pooled("c1", 1, 3);
    config.pools.functions[0].cooldown_duration = windlass::config::Span::seconds(3600);
    let stage = Stage::set(&config).await;
    stage.calls(Some(0.0));
    stage.until("a container", |pool| pool.verified && pool.containers.len() == 1).await;

    let up = stage.scale(Direction::Up, 2).await;
    let EventData::PoolScaledUp(data) = &up.data else { panic!("{up:?}") };
    assert_eq!((data.previous_containers, data.new_containers, data.reason.as_str()), (1, 3, "test"));
    assert_eq!(data.container_names, ["c1-hello-2", "c1-hello-3"]);
    assert_eq!((up.actor.to_string().as_str(), up.source.as_str()), ("anna", "operator"));
    assert_eq!(stage::reason(&stage.scale(Direction::Up, 1).await), "limit");
    assert_eq!(stage::reason(&stage.scale(Direction::Down, 3).await), "limit");
    assert_eq!(stage::reason(&stage.scale(Direction::Up, 0).await), "invalid");
    assert_eq!(stage::reason(&stage.engine.command(Action::PoolWake { function: function("hello") }).await), "awake");
    let unknown = stage.engine.command(Action::PoolWake { function: function("nope") }).await;
    assert_eq!(stage::detail(&unknown), "there is no pool nope; the pools are hello");

    let down = stage.scale(Direction::Down, 1).await;
    let EventData::PoolScaledDown(data) = &down.data else { panic!("{down:?}") };
    assert_eq!((data.previous_containers, data.new_containers, data.reason.as_str()), (3, 2, "test"));

    // The last one may be drained too: another takes its place.
    let pool = stage.until("two", |pool| pool.containers.len() == 2).await;
    stage.calls(Some(60.0));
    stage
        .until("busy", |pool| {
            all(pool, ContainerStatus::Healthy) && pool.containers.iter().all(|one| one.cpu_percent > Some(9.0))
        })
        .await;
    let name = pool.containers[0].name.clone();
    let drain = Action::PoolDrain { function: function("hello"), container: name.clone() };
    let draining = stage.engine.command(drain.clone()).await;
    assert_eq!(draining.event_type(), EventType::PoolContainerDraining);
    let drained = |pool: &windlass::model::Pool| statuses(pool).contains(&ContainerStatus::Draining);
    stage.until("it is drained", drained).await;
    for _ in 0..8 {
        assert_ne!(stage.engine.pools.healthiest("hello").unwrap().container, name, "it gets no more calls");
    }
    assert_eq!(stage::reason(&stage.engine.command(drain).await), "container");
    stage.calls(Some(0.0));
    let gone = stage.engine.event_after(EventType::PoolScaledDown, draining.event_id).await;
    let EventData::PoolScaledDown(data) = &gone.data else { panic!("{gone:?}") };
    assert_eq!((data.reason.as_str(), data.container_names.as_slice()), ("drained", [name].as_slice()));
    assert_eq!((gone.caused_by, gone.actor.to_string().as_str()), (draining.caused_by, "anna"));
    stage.clear().await;
}

#[tokio::test]
async fn without_redis_nothing_is_taken_away_and_calls_are_answered() {
    let mut config = pooled("c1", 1, 3);
    config.leader.lease = windlass::config::Span::seconds(1);
    let mut stage = Stage::set_on(TestRedis::durable(), &config).await;
    stage.calls(Some(150.0));
    stage.until("three busy containers", |pool| pool.containers.len() == 3 && pool.verified).await;
    stage.redis.kill();
    stage.calls(Some(0.0));
    stage.until("idle", |pool| all(pool, ContainerStatus::Idle)).await;
    tokio::time::sleep(stage::COOLDOWN * 3).await;
    assert_eq!(stage.pool().containers.len(), 3, "nothing goes without Redis");
    assert!(stage.engine.pools.healthiest("hello").is_some());
    stage.calls(Some(150.0));
    stage.until("busy again", |pool| !statuses(pool).contains(&ContainerStatus::Idle)).await;
    stage.redis.restart();
    stage.engine.first(EventType::StoreRestored).await;
    stage.calls(Some(0.0));
    stage.until("one container", |pool| pool.containers.len() == 1).await;
    let record: Value = serde_json::from_str(&stage.get("{c1}:autoscaler:pool:hello")).unwrap();
    assert_eq!(record["containers"].as_array().unwrap().len(), 1);
    let events = stage.engine.events().await;
    assert_eq!(count(&events, EventType::PoolContainerLost), 0);
    assert_eq!(count(&events, EventType::PoolScaledDown), 2);
    stage.clear().await;
}

#[tokio::test]
async fn a_follower_tells_whom_to_call_and_takes_over() {
    let config = pooled("c1", 2, 3);
    let stage = Stage::set(&config).await;
    stage.calls(Some(60.0));
    let before = stage.until("two containers", |pool| pool.containers.len() == 2 && pool.verified).await;
    let follower = RunningEngine::start(&stage.redis.url(), &config, stage.folder.path()).await;
    stage::wait("the follower knows whom to call", || follower.pools.healthiest("hello").is_some()).await;
    let Stage { redis, engine, folder } = stage;
    engine.stop().await;
    let stage = Stage { redis, engine: follower, folder };
    let first = stage.engine.first(EventType::LeaderElected).await;
    stage.engine.event_after(EventType::LeaderElected, first.event_id).await;
    kill(stage.folder.path(), &before.containers[0].name).unwrap();
    stage.engine.first(EventType::PoolContainerLost).await;
    stage.until("two containers", |pool| pool.containers.len() == 2).await;
    stage.clear().await;
}

#[tokio::test]
async fn a_pool_that_leaves_the_configuration_is_emptied_and_forgotten() {
    let config = pooled("c1", 2, 3);
    let stage = Stage::set(&config).await;
    stage.calls(Some(0.0));
    stage.until("two containers", |pool| pool.containers.len() == 2 && pool.verified).await;
    let Stage { redis, engine, folder } = stage;
    engine.stop().await;
    let without = brisk("c1");
    let mut without_pools = without.clone();
    without_pools.pools.check_interval = config.pools.check_interval;
    let engine = RunningEngine::start(&redis.url(), &without_pools, folder.path()).await;
    let removed = engine.first(EventType::PoolRemoved).await;
    assert_eq!(removed.source, "PoolManager");
    assert!(engine.pools.pools().is_empty() || pool_of(&engine.pools, "hello").containers.is_empty());
    assert_eq!(redis.command(&["EXISTS", "{c1}:autoscaler:pool:hello"]).trim(), ":0");
    engine.stop().await;
}

#[tokio::test]
async fn a_dry_run_touches_nothing() {
    let mut config = pooled("c1", 2, 3);
    config.autoscaler.dry_run = true;
    let stage = Stage::set(&config).await;
    stage.until("a look", |pool| pool.verified).await;
    assert_eq!(stage::reason(&stage.scale(Direction::Up, 1).await), "dry_run");
    assert!(stage.pool().containers.is_empty());
    stage.clear().await;
}

#[tokio::test]
async fn an_idle_clock_survives_a_restart() {
    let mut config = pooled("c1", 0, 2);
    config.pools.functions[0].cooldown_duration = windlass::config::Span::seconds(3600);
    let stage = Stage::set(&config).await;
    call(stage.folder.path(), &function("hello"), Some(0.0)).unwrap();
    stage.engine.first(EventType::PoolConfigured).await;
    stage.until("a look", |pool| pool.verified).await;
    stage.engine.command(Action::PoolWake { function: function("hello") }).await;
    let before = stage.until("it idles", |pool| idle_for(pool).is_some()).await;
    let Stage { redis, engine, folder } = stage;
    engine.crash().await;
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let stage = Stage { redis, engine, folder };
    let after = stage.until("it idles still", |pool| pool.verified && idle_for(pool).is_some()).await;
    assert_eq!(idle_for(&after).unwrap().timestamp(), idle_for(&before).unwrap().timestamp());
    stage.clear().await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_set_aside_and_its_containers_are_adopted() {
    let config = pooled("c1", 2, 3);
    let stage = Stage::set(&config).await;
    let before = stage.until("two containers", |pool| pool.containers.len() == 2 && pool.verified).await;
    let Stage { redis, engine, folder } = stage;
    engine.stop().await;
    redis.command(&["SET", "{c1}:autoscaler:pool:hello", "nonsense"]);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let aside = engine.first(EventType::ValueQuarantined).await;
    let EventData::ValueQuarantined(data) = &aside.data else { panic!("{aside:?}") };
    assert_eq!(data.key, "{c1}:autoscaler:pool:hello");
    assert!(redis.command(&["GET", &data.moved_to]).contains("nonsense"));
    let stage = Stage { redis, engine, folder };
    let after = stage.until("two containers", |pool| pool.containers.len() == 2 && pool.verified).await;
    let ids = |pool: &windlass::model::Pool| pool.containers.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&after), ids(&before));
    stage::wait("its record", || stage.get("{c1}:autoscaler:pool:hello").contains("c1-hello-2")).await;
    stage.clear().await;
}
