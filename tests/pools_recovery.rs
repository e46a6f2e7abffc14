//! Function pools after a start: what is remembered in a real Redis, held against a real Docker daemon.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use support::docker::{FUNCTION_IMAGE, FUNCTION_PORT, TestCluster, available, docker};
use support::engine::{brisk, connect};
use support::redis::TestRedis;
use windlass::clock;
use windlass::cluster::docker::labels;
use windlass::cluster::pools::{ObservedPoolContainer, PoolContainerRequest};
use windlass::cluster::{self, ClusterError};
use windlass::config::{ClusterKind, Config, FunctionConfig, Span};
use windlass::model::pool::{MonitoringConfig, PersistedPoolState};
use windlass::model::{Change, ContainerId, ContainerStatus, Pool, PoolContainer, PoolSpec, ReplicaId};
use windlass::pools::recover::{GoneCause, recover};
use windlass::store::pools::{BATCH, PoolProblemKind};
use windlass::store::{Keys, Store, Transaction};
use windlass::viewer;

fn at() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn pool(function: &str, containers: u32) -> Pool {
    let container = |number| PoolContainer {
        id: ContainerId(format!("id-{function}-{number}")),
        name: format!("{function}-{number}"),
        address: None,
        port: 8080,
        status: ContainerStatus::Idle,
        cpu_percent: None,
        memory_percent: None,
        last_active: at(),
        idle_since: Some(at() - TimeDelta::seconds(5)),
    };
    let spec = PoolSpec {
        function: function.parse().unwrap(),
        image: "image:1".to_owned(),
        port: 8080,
        min: 0,
        max: 5,
        monitoring: MonitoringConfig::default(),
    };
    Pool { spec, containers: (1..=containers).map(container).collect(), verified: false, last_updated: at() }
}

fn put(pool: &Pool) -> Change {
    Change::PutPool(Box::new(PersistedPoolState::from(pool)))
}

/// Writes as the leader does.
async fn commit(store: &Store, changes: Vec<Change>) {
    let replica = ReplicaId("test".to_owned());
    let epoch = if let Some(leader) = store.leader().await.unwrap() {
        leader.epoch
    } else {
        store.acquire_lease(&replica, Duration::from_secs(600)).await.unwrap().expect("the lease is free")
    };
    let transaction = Transaction::new(clock::fresh_id(clock::now()), epoch, changes, Vec::new());
    store.commit(&transaction, 1_000).await.unwrap();
}

async fn store(redis: &TestRedis) -> Store {
    connect(&redis.url(), &brisk("c1")).await
}

#[tokio::test]
async fn what_is_written_is_read_back_whatever_the_batch() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    assert_eq!(store.load_pools(BATCH).await.unwrap().pools, [], "nothing yet");
    let pools: Vec<Pool> = (0..230).map(|number| pool(&format!("f-{number:03}"), number % 4)).collect();
    commit(&store, pools.iter().map(put).collect()).await;
    // Keys that are not ours to read.
    let other = connect(&redis.url(), &brisk("c2")).await;
    commit(&other, vec![put(&pool("theirs", 1))]).await;
    redis.command(&["SET", "autoscaler:pool:untagged", "x"]);
    for batch in [1, 7, BATCH, 10_000, 0] {
        let loaded = store.load_pools(batch).await.unwrap();
        assert_eq!((loaded.pools, loaded.problems), (pools.clone(), Vec::new()), "in batches of {batch}");
    }
    commit(&store, vec![Change::RemovePool(pools[0].spec.function.clone())]).await;
    assert_eq!(store.load_pools(BATCH).await.unwrap().pools, pools[1..]);
    assert_eq!(other.load_pools(BATCH).await.unwrap().pools, [pool("theirs", 1)]);
}

#[tokio::test]
async fn another_prefix_is_another_memory_and_may_look_like_a_pattern() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    let keys = Keys::new(&"c1".parse().unwrap(), "autoscaler_events").with_pool_prefix("a*[b]?\\");
    let mine = Store::connect(store.address().clone(), keys).await.unwrap();
    commit(&store, vec![put(&pool("theirs", 1))]).await;
    commit(&mine, vec![put(&pool("mine", 1))]).await;
    assert_eq!(mine.load_pools(BATCH).await.unwrap().pools, [pool("mine", 1)]);
    assert_eq!(store.load_pools(BATCH).await.unwrap().pools, [pool("theirs", 1)]);
}

#[tokio::test]
async fn records_live_as_long_as_their_pool_is_refreshed() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    commit(&store, vec![put(&pool("a", 1)), put(&pool("b", 1))]).await;
    let (key, gone) = (store.keys().pool("a"), "gone".parse().unwrap());
    let left = |key: &str| redis.command(&["TTL", key]).trim_start_matches(':').trim().parse::<i64>().unwrap();
    assert!((86_300..=86_400).contains(&left(&key)), "{}", left(&key));
    redis.command(&["EXPIRE", &key, "60"]);
    let functions = ["a".parse().unwrap(), gone, "b".parse().unwrap()];
    assert_eq!(store.refresh_pools(&functions).await.unwrap(), ["gone".parse().unwrap()], "to be written anew");
    assert!((86_300..=86_400).contains(&left(&key)), "{}", left(&key));
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named_and_the_others_are_read() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    let keys = store.keys();
    commit(&store, vec![put(&pool("good", 2)), put(&pool("other", 1))]).await;
    let newer = r#"{"schema":99,"function_name":"newer","what":"is this"}"#;
    redis.command(&["SET", &keys.pool("damaged"), "{half a rec"]);
    redis.command(&["SET", &keys.pool("binary"), "\u{1}\u{2}"]);
    redis.command(&["SET", &keys.pool("newer"), newer]);
    redis.command(&["LPUSH", &keys.pool("list"), "x"]);
    let record = serde_json::to_string(&PersistedPoolState::from(&pool("good", 1))).unwrap();
    redis.command(&["SET", &keys.pool("renamed"), &record]);
    redis.command(&["SET", &keys.pool_metadata(), "[]"]);
    let loaded = store.load_pools(2).await.unwrap();
    assert_eq!(loaded.pools, [pool("good", 2), pool("other", 1)]);
    let found: Vec<_> = loaded.problems.iter().map(|problem| (problem.key.clone(), problem.kind)).collect();
    let expected = [
        (keys.pool("binary"), PoolProblemKind::Damaged),
        (keys.pool("damaged"), PoolProblemKind::Damaged),
        (keys.pool("list"), PoolProblemKind::ForeignType),
        (keys.pool("newer"), PoolProblemKind::NewerSchema),
        (keys.pool("renamed"), PoolProblemKind::Damaged),
        (keys.pool_metadata(), PoolProblemKind::Damaged),
    ];
    assert_eq!(found, expected);
    assert_eq!(loaded.metadata, None);
    let told: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    assert!(told[2].contains("it is a list") && told[3].contains("schema is 99"), "{told:#?}");
    assert!(redis.command(&["GET", &keys.pool("newer")]).contains(newer), "nothing was touched");
}

/// The seed's own record, as its program leaves it.
#[tokio::test]
async fn an_older_record_is_upgraded_and_written_anew() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    let mut record = serde_json::to_value(PersistedPoolState::from(&pool("old", 1))).unwrap();
    for field in ["schema", "image", "port"] {
        record.as_object_mut().unwrap().remove(field);
    }
    redis.command(&["SET", &store.keys().pool("old"), &record.to_string()]);
    let loaded = store.load_pools(BATCH).await.unwrap();
    assert_eq!(loaded.outdated, ["old".parse().unwrap()].into());
    assert_eq!((loaded.pools[0].spec.port, loaded.pools[0].containers.len()), (8080, 1));
}

#[tokio::test]
async fn what_was_measured_is_seen_by_everybody_and_ages() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    let mut measured = pool("a", 2);
    measured.verified = true;
    measured.containers[0].address = Some([10, 0, 0, 7].into());
    measured.containers[0].cpu_percent = Some(42.5);
    commit(&store, vec![put(&measured), put(&pool("b", 1))]).await;
    store.write_pool_loads(std::slice::from_ref(&measured), at()).await.unwrap();

    let seen = store.read_pools_for_view(at() + TimeDelta::seconds(3)).await.unwrap();
    assert_eq!(seen, [measured.clone(), pool("b", 1)]);
    let seen = store.read_pools_for_view(at() + TimeDelta::seconds(60)).await.unwrap();
    assert_eq!((seen[0].verified, seen[0].containers[0].cpu_percent), (false, None), "too old to say anything");

    store.write_pool_loads(&[measured], clock::now()).await.unwrap();
    let view = viewer::read_once(&store, "c1".parse().unwrap(), 10).await.unwrap();
    let pools = view.pools.expect("the pools were read");
    assert_eq!((pools.len(), pools[0].verified, pools[0].containers[0].cpu_percent), (2, true, Some(42.5)));

    redis.command(&["DEL", &store.keys().pool_loads()]);
    redis.command(&["SET", &store.keys().pool_loads(), "not ours"]);
    assert_eq!(store.read_pools_for_view(at()).await.unwrap()[0].containers[0].cpu_percent, None);
    assert!(store.write_pool_loads(&[pool("a", 1)], at()).await.unwrap_err().to_string().contains("pool_loads"));
}

fn config(cluster: &TestCluster, function: &str) -> Config {
    let mut config = brisk(&cluster.id);
    config.cluster.kind = ClusterKind::Docker;
    config.pools.stop_timeout = Span::seconds(1);
    config.pools.functions.push(FunctionConfig::new(function.parse().unwrap(), FUNCTION_IMAGE, FUNCTION_PORT));
    config
}

/// The pool of some containers as the runtime remembers it.
fn remembered(spec: PoolSpec, containers: &[ObservedPoolContainer]) -> Pool {
    let container = |found: &ObservedPoolContainer| PoolContainer {
        id: found.id.clone(),
        name: found.name.clone(),
        port: found.port,
        ..pool("any", 1).containers.remove(0)
    };
    Pool { spec, containers: containers.iter().map(container).collect(), verified: false, last_updated: at() }
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_keeps_what_runs_drops_what_is_proved_gone_and_adopts_what_was_not_remembered() {
    if !available("recovery_keeps_what_runs_drops_what_is_proved_gone_and_adopts_what_was_not_remembered") {
        return;
    }
    let cluster = TestCluster::new();
    let function = format!("{}-fn", cluster.id);
    let config = config(&cluster, &function);
    let redis = TestRedis::start();
    let store = connect(&redis.url(), &config).await;
    let host = cluster::connect_pools(&config, std::path::Path::new("/nonexistent")).unwrap();
    let specs = config.pools.specs();

    let mut made = Vec::new();
    for number in 1..=4 {
        made.push(host.create(&request(&function, number)).await.unwrap());
    }
    // The fourth was made and not recorded any more: a crash between the two.
    commit(&store, vec![put(&remembered(specs[0].clone(), &made[..3]))]).await;
    docker(&["kill", &made[1].id.0]);
    docker(&["rm", "-f", &made[2].id.0]);
    let stranger = host.create(&request(&format!("{}-other", cluster.id), 1)).await.unwrap();

    let now = clock::now();
    let recovered = recover(&store, &*host, &specs, BATCH, now).await.unwrap();
    assert!(recovered.verified(), "{:?}", recovered.unverified);
    let kept: Vec<_> = recovered.pools[0].containers.iter().map(|found| (&found.id, found.address)).collect();
    assert_eq!(kept, [(&made[0].id, made[0].address), (&made[3].id, made[3].address)]);
    assert_eq!(recovered.pools[0].containers[0].idle_since, Some(at() - TimeDelta::seconds(5)), "its clock goes on");
    let gone: Vec<_> = recovered.gone.iter().map(|gone| (&gone.container.id, gone.cause)).collect();
    assert_eq!(gone, [(&made[1].id, GoneCause::Exited), (&made[2].id, GoneCause::Removed)]);
    let ids = |found: &[ObservedPoolContainer]| found.iter().map(|found| found.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&recovered.adopted), [made[3].id.clone()]);
    assert_eq!(ids(&recovered.ended), [made[1].id.clone()]);
    assert_eq!(ids(&recovered.unknown), std::slice::from_ref(&stranger.id));
    assert!(cluster.containers().contains(&stranger.id.0), "left alone");

    commit(&store, recovered.changes).await;
    let loaded = store.load_pools(BATCH).await.unwrap();
    assert_eq!(loaded.metadata.map(|told| (told.last_cleanup, told.total_pools)), Some((now.timestamp(), 1)));
    let again = recover(&store, &*host, &specs, BATCH, now).await.unwrap();
    assert_eq!((again.containers(), again.gone.len(), again.changes.len()), (2, 0, 0), "{:?}", again.changes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_docker_that_does_not_answer_leaves_the_pools_as_they_are_remembered() {
    let redis = TestRedis::start();
    let mut config = brisk("c1");
    config.cluster.kind = ClusterKind::Docker;
    config.cluster.docker.host = Some("unix:///nonexistent/docker.sock".to_owned());
    let store = connect(&redis.url(), &config).await;
    let host = cluster::connect_pools(&config, std::path::Path::new("/nonexistent")).unwrap();
    commit(&store, vec![put(&pool("a", 3)), put(&pool("b", 1))]).await;

    let recovered = recover(&store, &*host, &[pool("a", 0).spec], BATCH, at()).await.unwrap();
    assert!(matches!(recovered.unverified, Some(ClusterError::Unavailable { .. })), "{:?}", recovered.unverified);
    assert_eq!(recovered.pools, [pool("a", 3), pool("b", 1)], "all there, unverified");
    assert_eq!(recovered.unconfigured, ["b".parse().unwrap()]);
    assert!(!recovered.changes.iter().any(|change| matches!(change, Change::PutPool(_) | Change::RemovePool(_))));
    commit(&store, recovered.changes).await;
    assert_eq!(store.load_pools(BATCH).await.unwrap().pools, recovered.pools);
}

#[tokio::test]
async fn a_redis_that_does_not_answer_is_an_error_and_not_a_loss() {
    let mut redis = TestRedis::start();
    let mut config = brisk("c1");
    config.cluster.kind = ClusterKind::Docker;
    let store = connect(&redis.url(), &config).await;
    let host = cluster::connect_pools(&config, std::path::Path::new("/nonexistent")).unwrap();
    redis.kill();
    recover(&store, &*host, &[], BATCH, at()).await.expect_err("nothing can be said of the pools");
}

fn request(function: &str, number: u32) -> PoolContainerRequest {
    PoolContainerRequest {
        function: function.parse().unwrap(),
        name: format!("{function}-{number}"),
        image: FUNCTION_IMAGE.to_owned(),
        port: FUNCTION_PORT,
        ordered_by: None,
    }
}

/// The labels are what recovery goes by: they are part of the contract with whoever looks at the daemon.
#[test]
fn the_labels_are_these() {
    assert_eq!((labels::CLUSTER, labels::POOL, labels::PORT), ("windlass.cluster", "windlass.pool", "windlass.port"));
}
