//! Incidents that change what the world answers: silence, failing starts and strays.

use std::time::Duration;

use super::tests::{at, dead, request, scenario, simulated, world};
use super::world::World;
use super::*;
use crate::model::{ContainerState, Health, WorkerKind};

fn strays(world: &World) -> Vec<WorkerName> {
    world.workers.keys().filter(|name| name.as_str().starts_with("stray")).cloned().collect()
}

fn restarted(world: &World) -> World {
    serde_json::from_str(&serde_json::to_string(world).unwrap()).unwrap()
}

#[test]
fn strays_come_once_a_round_over_restarts_as_well() {
    let mut world = world(scenario("loop_after: 100s\nincidents: [{ at: 20s, stray: 2 }]"), 1);
    world.advance(at(19));
    assert_eq!(strays(&world).len(), 0);
    assert!(world.advance(at(20)));
    let first = strays(&world);
    assert_eq!(first.len(), 2);
    for name in &first {
        let seen = &world.observe(at(20))[name];
        assert_eq!((seen.kind, seen.health, seen.created_at), (WorkerKind::Dynamic, Health::Ready, at(20)));
    }
    for name in &first {
        world.remove(name);
    }
    let mut world = restarted(&world);
    assert!(!world.advance(at(99)) && strays(&world).is_empty());
    world.advance(at(120));
    let second = strays(&world);
    assert!(second.len() == 2 && second.iter().all(|name| !first.contains(name)), "{first:?} {second:?}");
}

#[test]
fn a_strays_name_is_nobody_elses() {
    let taken: WorkerName = "stray-03".parse().unwrap();
    let mut world = world(scenario("incidents: [{ at: 20s, stray: 20 }]"), 1);
    world.create(&WorkerRequest { name: taken.clone(), ..request(0) }, at(1)).unwrap();
    let id = world.workers[&taken].id.clone();
    world.advance(at(20));
    assert_eq!((world.workers.len(), &world.workers[&taken].id), (22, &id));
    for name in strays(&world) {
        let number = name.number().unwrap();
        assert_ne!(WorkerName::numbered("stray", number).unwrap(), name, "what windlass would allocate");
    }
}

#[test]
fn a_start_that_fails_ends_while_it_boots() {
    let mut world = world(scenario("incidents: [{ at: 20s, failing_start: { for: 8s } }]"), 1);
    world.advance(at(20));
    assert!(dead(&world).is_empty(), "who runs already goes on");
    world.create(&request(2), at(21)).unwrap();
    assert_eq!(world.observe(at(21))["w-2"].health, Health::Starting);
    assert_eq!(world.next_instant(at(21)), Some(at(22)), "and somebody is told when");
    let mut world = restarted(&world);
    assert!(world.advance(at(22)));
    assert_eq!(world.observe(at(22))["w-2"].state, ContainerState::Exited { code: Some(1) });
    assert!(!world.advance(at(23)), "it ends once");

    assert!(world.create(&request(2), at(27)).unwrap().adopted);
    world.advance(at(28));
    assert_eq!(dead(&world), ["w-2"], "to start it again does not help yet");
    world.create(&request(2), at(28)).unwrap();
    world.create(&request(3), at(28)).unwrap();
    world.advance(at(60));
    assert_eq!((dead(&world).len(), world.ready(at(60))), (0, 3), "afterwards it does");
}

#[test]
fn a_start_that_is_slow_and_fails_never_becomes_ready() {
    for startup in ["0s", "1s", "9s"] {
        let rest = format!("startup: {startup}\nincidents: [{{ at: 20s, failing_start: {{ for: 8s }} }}]");
        let mut world = world(scenario(&rest), 0);
        world.create(&request(1), at(20)).unwrap();
        for tenth in 0..100 {
            let now = at(20) + chrono::TimeDelta::milliseconds(tenth * 100);
            world.advance(now);
            assert_eq!(world.ready(now), 0, "{startup} after {tenth} tenths");
        }
        assert_eq!(dead(&world), ["w-1"], "{startup}");
    }
}

#[test]
fn what_gave_up_before_a_crash_is_not_its_victim_however_rarely_one_looks() {
    let rest = "incidents: [{ at: 20s, failing_start: { for: 8s } }, { at: 23s, crash: { worker: youngest } }]";
    let mut rare = world(scenario(rest), 2);
    rare.create(&request(3), at(21)).unwrap();
    let mut often = rare.clone();
    for second in 21..40 {
        often.advance(at(second));
    }
    rare.advance(at(40));
    let codes = |world: &World| world.workers.values().map(|worker| worker.exit_code).collect::<Vec<_>>();
    assert_eq!(codes(&rare), [None, Some(137), Some(1)]);
    assert_eq!(codes(&often), codes(&rare));
}

#[test]
fn a_start_that_is_refused_leaves_nothing() {
    let rest = "incidents: [{ at: 20s, failing_start: { for: 8s, refuse: true } }, { at: 24s, crash: 1 }]";
    let mut world = world(scenario(rest), 1);
    world.advance(at(21));
    let refusal = world.create(&request(2), at(21)).unwrap_err();
    assert!(refusal.contains("w-2") && refusal.contains("failing_start"), "{refusal}");
    assert!(world.create(&request(1), at(21)).unwrap().adopted, "what runs need not be started");
    world.advance(at(24));
    assert!(world.create(&request(1), at(25)).is_err(), "what ended has to be");
    assert_eq!((world.workers.len(), world.made), (1, 1));
    assert!(world.create(&request(2), at(28)).is_ok());
}

/// Plays `incidents` from a file, as a process does.
fn playing(folder: &Path, incidents: &str) -> Simulated {
    let path = folder.join("scenario.yaml");
    let phases = "phases: [{ at: 0s, cpu_demand: 1, memory_demand: 1 }]";
    std::fs::write(&path, format!("name: test\nstartup: 0s\ndrain: 0s\n{phases}\nincidents: {incidents}\n")).unwrap();
    simulated(folder, path.to_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_unreachable_every_call_says_so_and_the_world_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let incidents = "[{ at: 1s, unreachable: { for: 2s } }, { at: 1500ms, crash: { worker: w-1 } }]";
    let host = playing(folder.path(), incidents);
    for number in 1..=2 {
        host.create(&request(number)).await.unwrap();
    }
    assert_eq!(host.list().await.unwrap().len(), 2);

    // Who waits for a change when the silence begins is told of that, and not to look.
    let told = tokio::time::timeout(Duration::from_secs(5), host.changed()).await.unwrap().unwrap_err();
    assert!(told.is_transient() && told.to_string().starts_with("simulated does not answer"), "{told}");
    let other = playing(folder.path(), incidents);
    for host in [&host, &other] {
        let answers = [
            host.list().await.err(),
            host.create(&request(3)).await.err(),
            host.remove(&request(2).name).await.err(),
            host.changed().await.err(),
            host.pending().await.err(),
            host.ready_nodes().await.err(),
            host.drain(&request(2).name).await.err(),
        ];
        let silent = |answer: &Option<ClusterError>| answer.as_ref().is_some_and(ClusterError::is_transient);
        assert!(answers.iter().all(silent), "{answers:?}");
    }

    let deadline = clock::monotonic() + Duration::from_secs(10);
    let seen = loop {
        match host.list().await {
            Ok(seen) => break seen,
            Err(_) if clock::monotonic() < deadline => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => panic!("it never came back: {error}"),
        }
    };
    let states: Vec<_> = seen.values().map(|worker| (worker.name.as_str(), worker.is_alive())).collect();
    assert_eq!(states, [("w-1", false), ("w-2", true)], "nothing was made or removed, but what crashed did");
    assert!(
        simulated(folder.path(), folder.path().join("scenario.yaml").to_str()).list().await.is_ok(),
        "and only once"
    );
}

#[tokio::test]
async fn a_drain_that_ends_in_silence_has_no_known_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scenario.yaml");
    let phases = "phases: [{ at: 0s, cpu_demand: 1, memory_demand: 1 }]";
    let text = format!("name: test\ndrain: 1500ms\n{phases}\nincidents: [{{ at: 1s, unreachable: {{ for: 1h }} }}]\n");
    std::fs::write(&path, text).unwrap();
    let host = simulated(folder.path(), path.to_str());
    host.create(&request(1)).await.unwrap();
    assert!(host.drain(&request(1).name).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn a_refused_start_is_a_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let host = playing(folder.path(), "[{ at: 0s, failing_start: { for: 1h, refuse: true } }]");
    let refusal = host.create(&request(1)).await.unwrap_err();
    assert!(!refusal.is_transient() && refusal.to_string().starts_with("simulated refuses: w-1"), "{refusal}");
    assert!(host.list().await.unwrap().is_empty());
}
