//! The same with real containers: their load is theirs.

use windlass::config::{Config, FunctionConfig, Span};
use windlass::model::{Action, ContainerStatus, Direction, EventData, EventType};

use crate::stage::{Stage, all, function};
use crate::support::docker::{IMAGE, TestCluster, available, docker};
use crate::support::engine::{RunningEngine, docker_config};
use crate::support::redis::TestRedis;

/// One core's tenth is all that a container may use, so that a busy one hurts nobody.
fn config(cluster: &TestCluster) -> Config {
    let mut config = docker_config(cluster);
    config.autoscaler.limits.min_nodes = 0;
    config.autoscaler.limits.max_nodes = 1;
    config.pools.check_interval = Span::millis(500);
    config.pools.stop_timeout = Span::seconds(1);
    let mut hello = FunctionConfig::new(function("hello"), IMAGE, 8080);
    (hello.min, hello.max) = (1, 2);
    hello.cpus = Some(0.1);
    hello.cooldown_duration = Span::seconds(2);
    config.pools.functions = vec![hello];
    config
}

/// Keeps a container busy until [`rest`].
fn toil(name: &str) {
    docker(&["exec", "-d", name, "sh", "-c", "touch /tmp/busy; while [ -e /tmp/busy ]; do :; done"]);
}

fn rest(name: &str) {
    docker(&["exec", name, "rm", "-f", "/tmp/busy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_of_real_containers_lives() {
    if !available("a_pool_of_real_containers_lives") {
        return;
    }
    let cluster = TestCluster::new();
    let config = config(&cluster);
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let stage = Stage { redis, engine, folder };
    let pool = stage.until("an idle container with an address", |pool| {
        all(pool, ContainerStatus::Idle) && pool.containers.iter().all(|container| container.address.is_some())
    });
    let first = pool.await.containers[0].clone();
    assert_eq!(first.name, format!("{}-hello-1", cluster.id));

    toil(&first.name);
    stage.until("overload is relieved", |pool| pool.containers.len() == 2).await;
    rest(&first.name);
    stage.until("the minimum again", |pool| pool.containers.len() == 1 && all(pool, ContainerStatus::Idle)).await;
    let down = stage.engine.first(EventType::PoolScaledDown).await;
    assert!(matches!(&down.data, EventData::PoolScaledDown(data) if data.reason == "idle"), "{down:?}");

    let last = stage.pool().containers[0].clone();
    docker(&["rm", "-f", &last.name]);
    stage.engine.first(EventType::PoolContainerLost).await;
    let before =
        stage.until("it is replaced", |pool| pool.containers.len() == 1 && pool.containers[0].id != last.id).await;

    // A restart finds it again.
    let Stage { redis, engine, folder } = stage;
    engine.crash().await;
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let stage = Stage { redis, engine, folder };
    let after = stage.until("it is found again", |pool| pool.verified && pool.containers.len() == 1).await;
    assert_eq!(after.containers[0].id, before.containers[0].id);

    let answer =
        stage.engine.command(Action::PoolScale { function: function("hello"), direction: Direction::Up, count: 1 });
    assert_eq!(answer.await.event_type(), EventType::PoolScaledUp);
    let busy = stage.until("two", |pool| pool.containers.len() == 2).await;
    assert_eq!(busy.containers.len(), 2);
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_not_there_is_said_and_tried_again_later() {
    if !available("an_image_that_is_not_there_is_said_and_tried_again_later") {
        return;
    }
    let cluster = TestCluster::new();
    let mut config = config(&cluster);
    config.pools.functions[0].image = "windlass-test-no-such-image:latest".to_owned();
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let failed = engine.first(EventType::PoolScalingFailed).await;
    let EventData::PoolScalingFailed(data) = &failed.data else { panic!("{failed:?}") };
    assert!(data.error.contains("windlass-test-no-such-image"), "{}", data.error);
    assert!(data.retry_at > failed.timestamp);
    let answer =
        engine.command(Action::PoolScale { function: function("hello"), direction: Direction::Up, count: 1 }).await;
    assert_eq!(crate::stage::reason(&answer), "failed");
    engine.stop().await;
}
