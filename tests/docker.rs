//! Workers as containers of a real Docker daemon, and what an ill daemon does: nothing.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use support::docker::{CHECKED_IMAGE, IMAGE, TestCluster, available, docker, socket as docker_socket};
use support::fake_daemon::{FakeDaemon, Illness};
use support::line::Line;
use tokio::time::{sleep, timeout};
use windlass::clock;
use windlass::cluster::docker::{DockerHost, labels};
use windlass::cluster::{ClusterError, WorkerHost, WorkerRequest};
use windlass::config::{Bytes, ClusterKind, Config, Span};
use windlass::model::{ContainerState, Health, ObservedWorker, WorkerKind, WorkerName};

fn config(cluster: &TestCluster) -> Config {
    let mut config = Config::default();
    config.cluster.id = cluster.id.parse().unwrap();
    config.cluster.kind = ClusterKind::Docker;
    config.workers.image = Some(IMAGE.to_owned());
    config.workers.command = command("sleep 3600");
    config.workers.stop_timeout = Span::seconds(1);
    config
}

fn command(text: &str) -> Vec<String> {
    ["sh", "-c", text].map(str::to_owned).to_vec()
}

/// A cluster of a test's own, and its adapter; `None`, said aloud: no daemon answers.
fn on_docker(test: &str) -> Option<(TestCluster, DockerHost)> {
    available(test).then(|| {
        let cluster = TestCluster::new();
        let host = DockerHost::new(&config(&cluster)).unwrap();
        (cluster, host)
    })
}

fn request(cluster: &TestCluster, number: u32) -> WorkerRequest {
    WorkerRequest {
        name: cluster.name(number).parse().unwrap(),
        kind: WorkerKind::Dynamic,
        operation: clock::fresh_id(clock::now()),
    }
}

/// The listing, once `ready` holds for it; panics after ten seconds.
async fn listed(
    host: &DockerHost,
    ready: impl Fn(&BTreeMap<WorkerName, ObservedWorker>) -> bool,
) -> BTreeMap<WorkerName, ObservedWorker> {
    for _ in 0..50 {
        let workers = host.list().await.unwrap();
        if ready(&workers) {
            return workers;
        }
        sleep(Duration::from_millis(200)).await;
    }
    panic!("it never became so: {:?}", host.list().await.unwrap());
}

/// Whether the adapter notices a change within a second of `happening`.
async fn noticed_within_a_second(host: &DockerHost, happening: impl FnOnce() + Send + 'static) {
    while timeout(Duration::from_millis(500), host.changed()).await.is_ok() {}
    let (done, happened) = tokio::sync::oneshot::channel();
    let noticing = async {
        host.changed().await.unwrap();
    };
    let doing = tokio::task::spawn_blocking(move || {
        happening();
        let _ = done.send(());
    });
    let mut noticing = std::pin::pin!(noticing);
    let mut happened = std::pin::pin!(happened);
    // The event may well come before the command line returns.
    tokio::select! {
        () = &mut noticing => {}
        _ = &mut happened => timeout(Duration::from_secs(1), noticing).await.expect("noticed within a second"),
    }
    doing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_made_listed_adopted_and_removed() {
    let Some((cluster, host)) = on_docker("a_worker_is_made_listed_adopted_and_removed") else { return };
    assert!(host.list().await.unwrap().is_empty());

    let request = request(&cluster, 1);
    let made = host.create(&request).await.unwrap();
    assert!(!made.adopted);
    let workers = host.list().await.unwrap();
    let worker = &workers[&request.name];
    assert_eq!(worker.container_id, made.container_id);
    assert_eq!((worker.kind, worker.health), (WorkerKind::Dynamic, Health::Ready));
    assert_eq!(worker.state, ContainerState::Running);
    assert_eq!(worker.created_at.timestamp(), made.created_at.timestamp());
    let label = format!("{{{{index .Config.Labels \"{}\"}}}}", labels::OPERATION);
    assert_eq!(docker(&["inspect", "-f", &label, &made.container_id.0]), request.operation.to_string());

    let again = host.create(&request).await.unwrap();
    assert!(again.adopted);
    assert_eq!(again.container_id, made.container_id);
    assert_eq!(cluster.containers().len(), 1, "never doubled");

    host.remove(&request.name).await.unwrap();
    assert!(cluster.containers().is_empty());
    host.remove(&request.name).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_carcass_of_the_name_is_started_again() {
    let Some((cluster, host)) = on_docker("a_dead_carcass_of_the_name_is_started_again") else { return };
    let request = request(&cluster, 1);
    let made = host.create(&request).await.unwrap();
    docker(&["kill", &made.container_id.0]);
    let workers = listed(&host, |workers| !workers[&request.name].is_alive()).await;
    assert_eq!(workers[&request.name].state, ContainerState::Exited { code: Some(137) });

    let again = host.create(&request).await.unwrap();
    assert!(again.adopted);
    assert_eq!(again.container_id, made.container_id);
    assert_eq!(host.list().await.unwrap()[&request.name].state, ContainerState::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_made_and_never_started_is_started() {
    let Some((cluster, host)) = on_docker("a_worker_that_was_made_and_never_started_is_started") else { return };
    let request = request(&cluster, 1);
    // As a windlass leaves it that is killed between the two calls.
    let of_cluster = format!("{}={}", labels::CLUSTER, cluster.id);
    let of_worker = format!("{}={}", labels::WORKER, request.name);
    let name = request.name.as_str();
    docker(&["create", "--init", "--name", name, "--label", &of_cluster, "--label", &of_worker, IMAGE]);
    let worker = host.list().await.unwrap().remove(&request.name).unwrap();
    assert_eq!((worker.state, worker.health), (ContainerState::Created, Health::Starting));

    assert!(host.create(&request).await.unwrap().adopted);
    assert_eq!(host.list().await.unwrap()[&request.name].state, ContainerState::Running);
    assert_eq!(cluster.containers().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_follows_the_health_check() {
    if !available("readiness_follows_the_health_check") {
        return;
    }
    let cluster = TestCluster::new();
    let mut config = config(&cluster);
    config.workers.image = Some(CHECKED_IMAGE.to_owned());
    let host = DockerHost::new(&config).unwrap();
    let request = request(&cluster, 1);
    host.create(&request).await.unwrap();
    let name = request.name.as_str();
    assert_eq!(host.list().await.unwrap()[name].health, Health::Starting);
    while timeout(Duration::from_millis(300), host.changed()).await.is_ok() {}
    docker(&["exec", name, "touch", "/healthy"]);
    timeout(Duration::from_secs(5), host.changed()).await.expect("told by Docker").unwrap();
    listed(&host, |workers| workers[name].health == Health::Ready).await;
    docker(&["exec", name, "rm", "/healthy"]);
    timeout(Duration::from_secs(5), host.changed()).await.expect("told by Docker").unwrap();
    listed(&host, |workers| workers[name].health == Health::Unhealthy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_outage_the_events_are_followed_again() {
    if !available("after_an_outage_the_events_are_followed_again") {
        return;
    }
    let cluster = TestCluster::new();
    let line = Line::to_docker();
    let mut config = config(&cluster);
    config.cluster.docker.host = Some(line.host());
    config.cluster.docker.timeout = Span::millis(1500);
    let host = DockerHost::new(&config).unwrap();
    for (number, dead) in [(1, false), (2, true)] {
        let request = request(&cluster, number);
        host.create(&request).await.unwrap();
        while timeout(Duration::from_millis(300), host.changed()).await.is_ok() {}

        if dead {
            line.deaden();
        } else {
            line.cut();
        }
        let listing = host.list().await.unwrap_err();
        assert!(listing.is_transient(), "{listing}");
        let told = timeout(Duration::from_secs(1), host.changed()).await.expect("the outage is told").unwrap_err();
        assert!(told.is_transient(), "{told}");

        line.mend();
        let name = request.name.to_string();
        noticed_within_a_second(&host, move || {
            docker(&["rm", "-f", &name]);
        })
        .await;
        listed(&host, BTreeMap::is_empty).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_somebody_else_is_never_touched() {
    let Some((cluster, host)) = on_docker("what_belongs_to_somebody_else_is_never_touched") else { return };
    let request = request(&cluster, 1);
    let foreign = docker(&["run", "-d", "--init", "--name", request.name.as_str(), IMAGE, "sleep", "3600"]);

    let refusal = host.create(&request).await.unwrap_err();
    assert!(matches!(&refusal, ClusterError::Refused { .. }), "{refusal}");
    assert!(refusal.to_string().contains("rename or remove"), "{refusal}");
    let refusal = host.remove(&request.name).await.unwrap_err();
    assert!(matches!(&refusal, ClusterError::Refused { .. }), "{refusal}");
    assert_eq!(
        docker(&["inspect", "-f", "{{.Id}} {{.State.Running}}", request.name.as_str()]),
        format!("{foreign} true")
    );
    assert!(host.list().await.unwrap().is_empty());

    // A worker whose name happens to begin a foreign container's id does not exist either.
    let lookalike: WorkerName = foreign[..10].parse().unwrap();
    host.remove(&lookalike).await.unwrap();
    assert_eq!(docker(&["inspect", "-f", "{{.State.Running}}", &foreign]), "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_killed_from_outside_is_noticed_within_a_second() {
    let Some((cluster, host)) = on_docker("a_container_killed_from_outside_is_noticed_within_a_second") else { return };
    let request = request(&cluster, 1);
    host.create(&request).await.unwrap();
    let name = request.name.to_string();
    noticed_within_a_second(&host, move || {
        docker(&["rm", "-f", &name]);
    })
    .await;
    listed(&host, BTreeMap::is_empty).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_falls_between_the_look_and_the_stream() {
    let Some((cluster, host)) = on_docker("nothing_falls_between_the_look_and_the_stream") else { return };
    let request = request(&cluster, 1);
    host.create(&request).await.unwrap();
    host.changed().await.unwrap();
    host.list().await.unwrap();
    docker(&["rm", "-f", request.name.as_str()]);
    timeout(Duration::from_secs(1), host.changed()).await.expect("the removal is told afterwards").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_worker_is_still_removed() {
    let Some((cluster, host)) = on_docker("a_renamed_worker_is_still_removed") else { return };
    let request = request(&cluster, 1);
    host.create(&request).await.unwrap();
    docker(&["rename", request.name.as_str(), &cluster.name(99)]);
    assert!(host.list().await.unwrap().contains_key(&request.name), "the label says who it is");
    host.remove(&request.name).await.unwrap();
    assert!(cluster.containers().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_worker_is_unhealthy_and_can_be_removed() {
    let Some((cluster, host)) = on_docker("a_paused_worker_is_unhealthy_and_can_be_removed") else { return };
    let request = request(&cluster, 1);
    host.create(&request).await.unwrap();
    docker(&["pause", request.name.as_str()]);
    let workers = host.list().await.unwrap();
    let worker = &workers[&request.name];
    assert_eq!((&worker.state, worker.health, worker.cpu_percent), (&ContainerState::Paused, Health::Unhealthy, None));
    host.remove(&request.name).await.unwrap();
    assert!(cluster.containers().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn cpu_is_measured_against_the_limit() {
    if !available("cpu_is_measured_against_the_limit") {
        return;
    }
    let cluster = TestCluster::new();
    let mut config = config(&cluster);
    config.workers.cpus = Some(0.2);
    config.workers.command = command("while :; do :; done");
    let host = DockerHost::new(&config).unwrap();
    let request = request(&cluster, 1);
    host.create(&request).await.unwrap();
    assert_eq!(host.list().await.unwrap()[&request.name].cpu_percent, None, "one reading is no share");
    sleep(Duration::from_secs(3)).await;
    let percent = host.list().await.unwrap()[&request.name].cpu_percent.unwrap();
    assert!((80.0..=100.0).contains(&percent), "a busy loop takes all of its 0.2 cores: {percent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_measured_against_the_limit() {
    if !available("memory_is_measured_against_the_limit") {
        return;
    }
    let cluster = TestCluster::new();
    let mut config = config(&cluster);
    config.workers.memory = Some(Bytes::mebibytes(64));
    // The copy holds its one block of 32 MiB in memory while it waits to write it.
    config.workers.command = command("dd if=/dev/zero bs=32M count=1 | sleep 3600");
    let host = DockerHost::new(&config).unwrap();
    let request = request(&cluster, 1);
    host.create(&request).await.unwrap();
    let workers =
        listed(&host, |workers| workers[&request.name].memory_percent.is_some_and(|percent| percent > 45.0)).await;
    let percent = workers[&request.name].memory_percent.unwrap();
    assert!(percent < 70.0, "about half of 64 MiB: {percent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_is_refused_leaves_nothing() {
    if !available("a_start_that_is_refused_leaves_nothing") {
        return;
    }
    let cluster = TestCluster::new();
    let mut broken = config(&cluster);
    broken.workers.command = vec!["/no/such/program".to_owned()];
    // Without the init in between, Docker itself notices that there is nothing to run; a missing network it notices in any case.
    broken.workers.network = Some(format!("{}-no-such-network", cluster.id));
    let refusal = DockerHost::new(&broken).unwrap().create(&request(&cluster, 1)).await.unwrap_err();
    assert!(matches!(&refusal, ClusterError::Refused { .. }), "{refusal}");
    assert!(refusal.to_string().contains("docker network create"), "{refusal}");
    assert!(cluster.containers().is_empty());

    let mut broken = config(&cluster);
    broken.workers.image = Some("windlass-no-such-image:1".to_owned());
    let refusal = DockerHost::new(&broken).unwrap().create(&request(&cluster, 1)).await.unwrap_err();
    assert!(matches!(&refusal, ClusterError::Refused { .. }), "{refusal}");
    assert!(refusal.to_string().contains("pull or build it first"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_reach_the_worker_and_its_own_win() {
    if !available("variables_reach_the_worker_and_its_own_win") {
        return;
    }
    let cluster = TestCluster::new();
    let secrets = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secrets.path(), "TOKEN=from-file\nROLE=file\n").unwrap();
    let mut config = config(&cluster);
    config.workers.env_file = Some(secrets.path().to_owned());
    config.workers.env.insert("ROLE".to_owned(), "agent".to_owned());
    let made = DockerHost::new(&config).unwrap().create(&request(&cluster, 1)).await.unwrap();
    let variables = docker(&["exec", &made.container_id.0, "env"]);
    assert!(variables.contains("TOKEN=from-file") && variables.contains("ROLE=agent"), "{variables}");
}

async fn failure<T>(call: impl Future<Output = Result<T, ClusterError>>, limit: Duration) -> Option<ClusterError> {
    timeout(limit, call).await.expect("an answer within the limit").err()
}

/// Every call to a host that is ill: each has to fail as an outage, within the limit.
async fn is_an_outage(what: &str, host: &DockerHost, name: &WorkerName) {
    let limit = Duration::from_secs(3);
    let request =
        WorkerRequest { name: name.clone(), kind: WorkerKind::Dynamic, operation: clock::fresh_id(clock::now()) };
    let unavailable = |error: Option<ClusterError>| {
        assert!(matches!(&error, Some(ClusterError::Unavailable { .. })), "{what}: {error:?}");
    };
    unavailable(failure(host.list(), limit).await);
    unavailable(failure(host.create(&request), limit).await);
    unavailable(failure(host.remove(name), limit).await);
    unavailable(failure(host.changed(), limit).await);
}

fn ill(host: String) -> DockerHost {
    let mut config = Config::default();
    config.cluster.docker.host = Some(host);
    config.cluster.docker.timeout = Span::millis(500);
    config.workers.image = Some(IMAGE.to_owned());
    DockerHost::new(&config).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ill_daemon_is_an_outage_and_never_an_empty_cluster() {
    let name: WorkerName = "worker-1".parse().unwrap();
    for illness in [Illness::Error500, Illness::Hangs, Illness::Closes, Illness::HalfAnswer, Illness::Nonsense] {
        let daemon = FakeDaemon::start(illness);
        is_an_outage(&format!("{illness:?}"), &ill(daemon.host()), &name).await;
    }
    is_an_outage("no socket", &ill("unix:///nonexistent/docker.sock".to_owned()), &name).await;
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    is_an_outage("nobody listens", &ill(format!("unix://{}", socket.display())), &name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_404_that_is_not_dockers_does_not_mean_gone() {
    let name: WorkerName = "worker-1".parse().unwrap();
    let daemon = FakeDaemon::start(Illness::Lost);
    assert!(ill(daemon.host()).list().await.is_err());
    let daemon = FakeDaemon::start(Illness::LostButLists);
    assert!(ill(daemon.host()).remove(&name).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_comes_later_is_found() {
    if !available("a_daemon_that_comes_later_is_found") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let host = ill(format!("unix://{}", socket.display()));
    assert!(host.list().await.is_err());
    std::os::unix::fs::symlink(docker_socket(), &socket).unwrap();
    host.list().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_template_names_is_there_or_is_not() {
    if !available("what_the_template_names_is_there_or_is_not") {
        return;
    }
    let cluster = TestCluster::new();
    let look = async |image: Option<&str>, network: Option<&str>| {
        let mut config = config(&cluster);
        config.workers.image = image.map(str::to_owned);
        config.workers.network = network.map(str::to_owned);
        let host = DockerHost::new(&config).unwrap();
        (host.image_present().await.unwrap(), host.network_exists().await.unwrap())
    };
    assert_eq!(look(Some(IMAGE), Some("bridge")).await, (Some(true), Some(true)));
    let missing = format!("{}-missing", cluster.id);
    assert_eq!(look(Some(&missing), Some(&missing)).await, (Some(false), Some(false)));
    assert_eq!(look(None, Some("container:other")).await, (None, None));
    assert_eq!(look(Some(IMAGE), None).await.1, None);

    // A 404 of something that is not Docker says nothing about images and networks.
    let daemon = FakeDaemon::start(Illness::Lost);
    let mut config = config(&cluster);
    config.cluster.docker.host = Some(daemon.host());
    config.workers.network = Some("lan".to_owned());
    let host = DockerHost::new(&config).unwrap();
    assert!(host.image_present().await.is_err());
    assert!(host.network_exists().await.is_err());
}
