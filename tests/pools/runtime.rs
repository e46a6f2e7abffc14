//! The runtime for programs of one's own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use windlass::cluster::simulated::pools::{SimulatedPools, call, kill};
use windlass::model::{ContainerStatus, Direction};
use windlass::pools::{AutoscalingRuntime, AutoscalingRuntimeBuilder, PoolError};

use crate::stage::{function, wait};
use crate::support::redis::TestRedis;

fn builder(data_dir: &Path) -> AutoscalingRuntimeBuilder {
    AutoscalingRuntimeBuilder::new()
        .cluster_id("mine")
        .pool_host(Arc::new(SimulatedPools::new(data_dir, 1)))
        .poll_interval(Duration::from_millis(100))
        .cooldown_duration(Duration::from_millis(500))
        .min_containers_per_function(1)
        .max_containers_per_function(3)
}

async fn started(builder: AutoscalingRuntimeBuilder) -> AutoscalingRuntime {
    let mut runtime = builder.build().await.unwrap();
    runtime.start().await.unwrap();
    runtime
}

#[tokio::test]
async fn a_program_keeps_pools_and_finds_them_again() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let with_redis = || builder(folder.path()).redis_url(redis.url()).persistence_key_prefix("faas");
    call(folder.path(), &function("hello"), Some(30.0)).unwrap();
    let runtime = started(with_redis()).await;
    runtime.ensure_pool("hello", "hello:1", 8080).await.unwrap();
    wait("an endpoint", || runtime.healthiest("hello").is_some()).await;
    let names = runtime.scale("hello", Direction::Up, 1).await.unwrap();
    assert_eq!(names, ["mine-hello-2"]);
    assert!(matches!(runtime.scale("hello", Direction::Up, 2).await, Err(PoolError::Refused { reason: "limit", .. })));
    assert!(matches!(runtime.scale("nope", Direction::Up, 1).await, Err(PoolError::Refused { reason: "pool", .. })));
    assert!(redis.command(&["GET", "{mine}:faas:pool:hello"]).contains("mine-hello-2"));

    // A second one follows, and takes over at once when the first ends.
    let other = with_redis().build().await.unwrap();
    runtime.shutdown().await;
    let mut other = other;
    other.start().await.unwrap();
    let found = pool_of_runtime(&other);
    assert_eq!(found, ["mine-hello-1", "mine-hello-2"], "the pool is there as soon as the runtime has started");
    kill(folder.path(), "mine-hello-1").unwrap();
    call(folder.path(), &function("hello"), Some(0.0)).unwrap();
    wait("only one is left, the minimum", || pool_of_runtime(&other) == ["mine-hello-2"]).await;
    other.remove_pool("hello").await.unwrap();
    wait("the pool is gone", || other.pools().is_empty()).await;
    assert_eq!(redis.command(&["EXISTS", "{mine}:faas:pool:hello"]).trim(), ":0");
    assert!(matches!(other.remove_pool("hello").await, Err(PoolError::Unknown(_))));
    other.shutdown().await;
}

fn pool_of_runtime(runtime: &AutoscalingRuntime) -> Vec<String> {
    let pools = runtime.pools();
    pools.iter().flat_map(|pool| &pool.containers).map(|container| container.name.clone()).collect()
}

#[tokio::test]
async fn one_that_is_alone_goes_on_without_redis_and_takes_nothing_away() {
    let (mut redis, folder) = (TestRedis::durable(), tempfile::tempdir().unwrap());
    call(folder.path(), &function("hello"), Some(30.0)).unwrap();
    let runtime = started(builder(folder.path()).redis_url(redis.url())).await;
    runtime.ensure_pool("hello", "hello:1", 8080).await.unwrap();
    wait("an endpoint", || runtime.healthiest("hello").is_some()).await;
    redis.kill();
    // Longer than its lease.
    tokio::time::sleep(Duration::from_secs(5)).await;
    call(folder.path(), &function("hello"), Some(500.0)).unwrap();
    wait("three containers", || pool_of_runtime(&runtime).len() == 3).await;
    call(folder.path(), &function("hello"), Some(0.0)).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(pool_of_runtime(&runtime).len(), 3, "nothing goes without Redis");
    redis.restart();
    wait("the minimum", || pool_of_runtime(&runtime).len() == 1).await;
    runtime.shutdown().await;
}

#[tokio::test]
async fn without_persistence_no_redis_is_needed_and_labels_find_the_containers() {
    let folder = tempfile::tempdir().unwrap();
    call(folder.path(), &function("hello"), Some(120.0)).unwrap();
    let alone = || builder(folder.path()).persistence_enabled(false).redis_url("redis://127.0.0.1:1");
    let runtime = started(alone()).await;
    assert!(matches!(runtime.ensure_pool("Hello", "hello:1", 1).await, Err(PoolError::Name(_))));
    runtime.ensure_pool("hello", "hello:1", 8080).await.unwrap();
    wait("two containers", || pool_of_runtime(&runtime).len() == 2).await;
    runtime.shutdown().await;
    let runtime = started(alone()).await;
    assert!(runtime.pools().is_empty());
    runtime.ensure_pool("hello", "hello:1", 8080).await.unwrap();
    wait("they are found", || pool_of_runtime(&runtime).len() == 2).await;
    assert_eq!(pool_of_runtime(&runtime), ["mine-hello-1", "mine-hello-2"]);
    runtime.shutdown().await;
}

#[tokio::test]
async fn a_function_is_woken_from_zero() {
    let folder = tempfile::tempdir().unwrap();
    let asleep = builder(folder.path()).persistence_enabled(false).min_containers_per_function(0);
    let runtime = started(asleep).await;
    runtime.ensure_pool("hello", "hello:1", 8080).await.unwrap();
    wait("a look", || runtime.pools().iter().all(|pool| pool.verified)).await;
    assert!(runtime.healthiest("hello").is_none());
    let endpoint = runtime.wake("hello").await.unwrap().expect("an endpoint");
    assert_eq!((endpoint.container.as_str(), endpoint.status), ("mine-hello-1", ContainerStatus::Healthy));
    assert!(runtime.wake("hello").await.unwrap().is_some(), "a second one tells the same");
    assert_eq!(pool_of_runtime(&runtime), ["mine-hello-1"]);
    runtime.shutdown().await;
}

#[tokio::test]
async fn what_cannot_be_meant_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let refused = async |builder: AutoscalingRuntimeBuilder| builder.build().await.err().expect("an error").to_string();
    let alone = || builder(folder.path()).persistence_enabled(false);
    assert_eq!(
        refused(alone().min_containers_per_function(4)).await,
        "min_containers_per_function: 4 to 3 is not allowed: a minimum up to the maximum, and a maximum of at least 1"
    );
    assert!(refused(alone().cpu_overload_threshold(f64::NAN)).await.starts_with("cpu_overload_threshold: NaN"));
    assert!(refused(alone().cluster_id("Mine")).await.contains("cluster id"));
    assert!(refused(builder(folder.path()).redis_url("redis://127.0.0.1:1")).await.contains("Redis"));
    let idle = alone().build().await.unwrap();
    assert!(matches!(idle.ensure_pool("hello", "hello:1", 8080).await, Err(PoolError::NotNow(_))));
}
