//! The containers of function pools on a real Docker daemon, and what an ill daemon does: nothing.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use support::docker::{FUNCTION_IMAGE, FUNCTION_PORT, IMAGE, TestCluster, available, docker};
use support::fake_daemon::{FakeDaemon, Illness};
use tokio::time::sleep;
use windlass::clock;
use windlass::cluster::docker::pools::DockerPools;
use windlass::cluster::docker::{DockerHost, labels};
use windlass::cluster::pools::{Load, ObservedPoolContainer, PoolContainerRequest, PoolHost};
use windlass::cluster::{self, ClusterError, WorkerHost, WorkerRequest};
use windlass::config::{Bytes, ClusterKind, Config, FunctionConfig, Span};
use windlass::model::{ContainerId, FunctionName, WorkerKind};

fn config(cluster: &TestCluster) -> Config {
    let mut config = Config::default();
    config.cluster.id = cluster.id.parse().unwrap();
    config.cluster.kind = ClusterKind::Docker;
    config.workers.image = Some(IMAGE.to_owned());
    config.workers.stop_timeout = Span::seconds(1);
    config.pools.stop_timeout = Span::seconds(1);
    config
}

fn pools(cluster: &TestCluster) -> DockerPools {
    DockerPools::new(&config(cluster)).unwrap()
}

/// Container names are the daemon's own: the function bears the cluster's.
fn function(cluster: &TestCluster) -> FunctionName {
    format!("{}-fn", cluster.id).parse().unwrap()
}

fn request(cluster: &TestCluster, number: u32) -> PoolContainerRequest {
    let function = function(cluster);
    let name = format!("{function}-{number}");
    PoolContainerRequest { function, name, image: FUNCTION_IMAGE.to_owned(), port: FUNCTION_PORT, ordered_by: None }
}

/// What a function answers; it may have been started just now.
async fn called(container: &ObservedPoolContainer) -> String {
    let address = SocketAddr::new(container.address.expect("an address"), container.port);
    for _ in 0..100 {
        if let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
            stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            return answer;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("{address} does not answer");
}

/// The load of a container, once it is known.
async fn measured(pools: &DockerPools, id: &ContainerId) -> Load {
    for _ in 0..50 {
        let loads = pools.load(std::slice::from_ref(id)).await;
        if let Some(load) = loads.get(id).filter(|load| load.cpu_percent.is_some()) {
            return *load;
        }
        sleep(Duration::from_millis(500)).await;
    }
    panic!("no load: {:?}", pools.load(std::slice::from_ref(id)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_is_made_listed_called_measured_and_removed() {
    if !available("a_container_is_made_listed_called_measured_and_removed") {
        return;
    }
    let cluster = TestCluster::new();
    let pools = pools(&cluster);
    assert!(pools.list().await.unwrap().is_empty());

    let made = pools.create(&request(&cluster, 1)).await.unwrap();
    assert!(made.running && made.port == FUNCTION_PORT, "{made:?}");
    assert!(called(&made).await.contains("hello"));
    let mut listed = pools.list().await.unwrap();
    // The listing tells whole seconds.
    assert_eq!(listed[0].created_at.timestamp(), made.created_at.timestamp());
    listed[0].created_at = made.created_at;
    assert_eq!(listed, std::slice::from_ref(&made));

    let load = measured(&pools, &made.id).await;
    assert!(load.memory_percent.is_some_and(|percent| (0.0..100.0).contains(&percent)), "{load:?}");
    assert_eq!(pools.load(&[ContainerId("0".repeat(64))]).await, HashMap::new(), "unknown is left out");

    pools.remove(&made.id).await.unwrap();
    assert!(cluster.containers().is_empty());
    pools.remove(&made.id).await.expect("what is gone is removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_is_listed_as_such_and_what_is_paused_takes_no_calls() {
    if !available("what_has_ended_is_listed_as_such_and_what_is_paused_takes_no_calls") {
        return;
    }
    let cluster = TestCluster::new();
    let pools = pools(&cluster);
    let (one, other) =
        (pools.create(&request(&cluster, 1)).await.unwrap(), pools.create(&request(&cluster, 2)).await.unwrap());
    docker(&["kill", &one.id.0]);
    docker(&["pause", &other.id.0]);
    let listed = pools.list().await.unwrap();
    docker(&["unpause", &other.id.0]);
    let seen: Vec<_> = listed.iter().map(|found| (found.id.clone(), found.running, found.address.is_some())).collect();
    assert_eq!(seen, [(one.id, false, false), (other.id, true, false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_and_workers_do_not_see_each_other() {
    if !available("pools_and_workers_do_not_see_each_other") {
        return;
    }
    let cluster = TestCluster::new();
    let (pools, workers) = (pools(&cluster), DockerHost::new(&config(&cluster)).unwrap());
    let operation = clock::fresh_id(clock::now());
    let name = cluster.name(1).parse().unwrap();
    let worker = workers.create(&WorkerRequest { name, kind: WorkerKind::Dynamic, operation }).await.unwrap();
    let function = pools.create(&request(&cluster, 1)).await.unwrap();

    assert_eq!(workers.list().await.unwrap().into_keys().collect::<Vec<_>>(), [cluster.name(1).parse().unwrap()]);
    let listed = pools.list().await.unwrap();
    assert_eq!(listed.iter().map(|found| &found.id).collect::<Vec<_>>(), [&function.id]);

    let told = pools.remove(&worker.container_id).await.unwrap_err();
    assert!(matches!(told, ClusterError::Refused { .. }) && told.to_string().contains(labels::POOL), "{told}");
    assert_eq!(cluster.containers().len(), 2, "a worker is no pool's to remove");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_is_adopted_if_it_is_ours_and_refused_if_not() {
    if !available("a_name_that_is_taken_is_adopted_if_it_is_ours_and_refused_if_not") {
        return;
    }
    let cluster = TestCluster::new();
    let pools = pools(&cluster);
    let request = request(&cluster, 1);
    let made = pools.create(&request).await.unwrap();
    assert_eq!(pools.create(&request).await.unwrap(), made, "never doubled");
    docker(&["kill", &made.id.0]);
    let again = pools.create(&request).await.unwrap();
    assert_eq!((again.id, again.running, again.address.is_some()), (made.id.clone(), true, true), "started again");

    let another = PoolContainerRequest { function: format!("{}-b", cluster.id).parse().unwrap(), ..request };
    let told = pools.create(&another).await.unwrap_err();
    assert!(matches!(told, ClusterError::Refused { .. }), "another pool's: {told}");

    let foreign = format!("{}-x-1", cluster.id);
    docker(&["create", "--name", &foreign, IMAGE]);
    let told = pools.create(&PoolContainerRequest { name: foreign.clone(), ..another }).await.unwrap_err();
    assert!(matches!(told, ClusterError::Refused { .. }) && told.to_string().contains(labels::CLUSTER), "{told}");
    let id = ContainerId(docker(&["inspect", "-f", "{{.Id}}", &foreign]));
    assert!(matches!(pools.remove(&id).await, Err(ClusterError::Refused { .. })));
    // Docker finds containers by name as well: a name is no id.
    pools.remove(&ContainerId(foreign.clone())).await.unwrap();
    assert_eq!(docker(&["inspect", "-f", "{{.Id}}", &foreign]), id.0, "untouched");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_environment_and_network_are_the_functions() {
    if !available("limits_environment_and_network_are_the_functions") {
        return;
    }
    let cluster = TestCluster::new();
    let network = Network::new(&cluster);
    let mut config = config(&cluster);
    config.pools.network = Some(network.0.clone());
    config.pools.functions.push(FunctionConfig {
        cpus: Some(0.5),
        memory: Some(Bytes::mebibytes(32)),
        env: [("MODE".to_owned(), "fast".to_owned())].into(),
        ..FunctionConfig::new(function(&cluster), FUNCTION_IMAGE, FUNCTION_PORT)
    });
    let pools = cluster::connect_pools(&config, std::path::Path::new("/nonexistent")).unwrap();
    let made = pools.create(&request(&cluster, 1)).await.unwrap();
    let told =
        docker(&["inspect", "-f", "{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}} {{.Config.Env}}", &made.id.0]);
    assert!(told.starts_with("500000000 33554432 ") && told.contains("MODE=fast"), "{told}");
    let format = format!("{{{{(index .NetworkSettings.Networks {:?}).IPAddress}}}}", network.0);
    assert_eq!(made.address.map(|address| address.to_string()), Some(docker(&["inspect", "-f", &format, &made.id.0])));
    pools.remove(&made.id).await.unwrap();
}

/// A network of a test's own.
struct Network(String);

impl Network {
    fn new(cluster: &TestCluster) -> Self {
        let name = format!("{}-net", cluster.id);
        docker(&["network", "create", &name]);
        Self(name)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = std::process::Command::new("docker").args(["network", "rm", "-f", &self.0]).output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_is_refused_with_what_to_do_and_leaves_nothing() {
    if !available("what_cannot_be_made_is_refused_with_what_to_do_and_leaves_nothing") {
        return;
    }
    let cluster = TestCluster::new();
    let pools = pools(&cluster);
    let missing = PoolContainerRequest { image: "windlass-test/not-there:0".to_owned(), ..request(&cluster, 1) };
    let told = pools.create(&missing).await.unwrap_err();
    assert!(matches!(told, ClusterError::Refused { .. }), "{told}");
    for words in ["windlass-test/not-there", "pull or build it first", "`pools.functions`"] {
        assert!(told.to_string().contains(words), "{told}");
    }
    let mut config = config(&cluster);
    config.pools.network = Some(format!("{}-none", cluster.id));
    let told = DockerPools::new(&config).unwrap().create(&request(&cluster, 1)).await.unwrap_err();
    assert!(told.to_string().contains("`pools.network`"), "{told}");
    assert!(cluster.containers().is_empty(), "nothing is left of an attempt");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ill_daemon_is_never_taken_for_nothing_there() {
    let mut config = Config::default();
    config.cluster.kind = ClusterKind::Docker;
    config.cluster.docker.timeout = Span::millis(500);
    let id = ContainerId("f".repeat(64));
    for illness in
        [Illness::Error500, Illness::Lost, Illness::Hangs, Illness::Closes, Illness::HalfAnswer, Illness::Nonsense]
    {
        let daemon = FakeDaemon::start(illness);
        config.cluster.docker.host = Some(daemon.host());
        let pools = DockerPools::new(&config).unwrap();
        assert!(pools.list().await.is_err(), "{illness:?}");
        assert!(pools.remove(&id).await.is_err(), "{illness:?}: not Docker's own \"No such container\"");
        assert_eq!(pools.load(std::slice::from_ref(&id)).await.get(&id).and_then(|load| load.cpu_percent), None);
    }
    config.cluster.docker.host = Some("unix:///nonexistent/docker.sock".to_owned());
    let told = DockerPools::new(&config).unwrap().list().await.unwrap_err();
    assert!(told.is_transient() && told.to_string().contains("/nonexistent/docker.sock"), "{told}");
}
