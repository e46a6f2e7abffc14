//! The world's rules on a timetable of their own, and the file between real accesses.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::file::Kept as _;
use super::scenario_file;
use super::world::World;
use super::*;
use crate::model::{ContainerState, Health, WorkerKind};

pub(super) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    start() + TimeDelta::seconds(seconds)
}

pub(super) fn request(number: u64) -> WorkerRequest {
    WorkerRequest {
        name: WorkerName::numbered("w", number).unwrap(),
        kind: WorkerKind::Dynamic,
        operation: Uuid::nil(),
    }
}

pub(super) fn scenario(rest: &str) -> Scenario {
    let text = format!("name: test\nphases:\n  - {{ at: 0s, cpu_demand: 1.2, memory_demand: 1.0 }}\n{rest}");
    scenario_file::parse(&text).unwrap()
}

/// A world with workers 1 to `count`, made a second apart from the start on.
pub(super) fn world(scenario: Scenario, count: u64) -> World {
    let mut world = World::new(7, scenario, start());
    for number in 1..=count {
        world.create(&request(number), at(i64::try_from(number).unwrap() - 1)).unwrap();
    }
    world
}

pub(super) fn dead(world: &World) -> Vec<String> {
    world.workers.iter().filter(|(_, worker)| !worker.is_alive()).map(|(name, _)| name.to_string()).collect()
}

#[test]
fn a_worker_boots_and_then_takes_its_share() {
    let world = world(scenario(""), 1);
    let booting = &world.observe(at(1))["w-1"];
    assert_eq!((booting.health, booting.cpu_percent), (Health::Starting, None));
    let ready = &world.observe(at(2))["w-1"];
    assert_eq!(ready.health, Health::Ready);
    assert!(ready.cpu_percent.unwrap() > 95.0, "1.2 workers' worth on one: {ready:?}");
    assert_eq!(world.ready(at(2)), 1);
}

#[test]
fn more_workers_mean_less_load_on_each() {
    let load = |count| {
        let world = world(scenario(""), count);
        let seen = world.observe(at(60));
        seen.values().filter_map(|worker| worker.cpu_percent).sum::<f64>() / count as f64
    };
    assert!((54.0..66.0).contains(&load(2)), "{}", load(2));
    assert!((27.0..33.0).contains(&load(4)), "{}", load(4));
}

#[test]
fn a_crash_takes_the_youngest_once() {
    let mut world = world(scenario("loop_after: 100s\nincidents: [{ at: 20s, crash: 2 }]"), 3);
    assert!(!world.advance(start() - TimeDelta::seconds(5)) && dead(&world).is_empty());
    world.advance(at(19));
    assert!(dead(&world).is_empty());
    assert!(world.advance(at(20)));
    assert_eq!(dead(&world), ["w-2", "w-3"]);
    assert_eq!(world.observe(at(20))["w-3"].state, ContainerState::Exited { code: Some(137) });

    // The engine cleans up and starts anew; nothing happens again, not even after a restart from the file.
    world.remove(&request(2).name);
    world.remove(&request(3).name);
    world.create(&request(4), at(21)).unwrap();
    let stored = serde_json::to_string(&world).unwrap();
    let mut world: World = serde_json::from_str(&stored).unwrap();
    assert!(!world.advance(at(99)) && dead(&world).is_empty());
    world.advance(at(120));
    assert_eq!(dead(&world), ["w-1", "w-4"], "but in the next round it does");
}

#[test]
fn a_worker_made_after_a_crash_is_not_its_victim() {
    let mut world = world(scenario("incidents: [{ at: 20s, crash: { worker: youngest } }]"), 1);
    world.create(&request(2), at(21)).unwrap();
    world.advance(at(25));
    assert_eq!(dead(&world), ["w-1"]);
}

#[test]
fn a_crash_can_name_its_victim() {
    for (target, victim) in [("oldest", "w-1"), ("youngest", "w-3"), ("w-2", "w-2")] {
        let incident = format!("incidents: [{{ at: 20s, crash: {{ worker: {target} }} }}]");
        let mut world = world(scenario(&incident), 3);
        world.advance(at(20));
        assert_eq!(dead(&world), [victim], "{target}");
    }
}

#[test]
fn a_crashed_worker_that_is_made_again_is_adopted_and_boots() {
    let mut world = world(scenario("incidents: [{ at: 20s, crash: 1 }]"), 1);
    world.advance(at(20));
    let id = world.workers["w-1"].id.clone();
    let again = world.create(&request(1), at(30)).unwrap();
    assert!(again.adopted);
    assert_eq!(again.container_id, id);
    assert_eq!(world.observe(at(31))["w-1"].health, Health::Starting);
    assert_eq!(world.observe(at(32))["w-1"].health, Health::Ready);
}

#[test]
fn sickness_passes() {
    let mut world = world(scenario("incidents: [{ at: 20s, unhealthy: { count: 1, for: 10s } }]"), 2);
    world.advance(at(20));
    let sick =
        |world: &World, at| world.observe(at).values().filter(|worker| worker.health == Health::Unhealthy).count();
    assert_eq!((sick(&world, at(20)), sick(&world, at(29)), sick(&world, at(30))), (1, 1, 0));
    assert_eq!(world.next_instant(at(20)), Some(at(30)), "and somebody is told when");
}

#[test]
fn pods_wait_until_there_are_workers_for_them() {
    let mut world = world(
        scenario(
            "  - { at: 20s, cpu_demand: 1, memory_demand: 1, pending: { count: 5, per_worker: 3, deployments: [shop] } }\n  - { at: 60s, cpu_demand: 1, memory_demand: 1 }",
        ),
        2,
    );
    world.advance(at(19));
    assert_eq!(world.pending(at(19)).count, 0);
    world.advance(at(25));
    let pending = world.pending(at(25));
    assert_eq!((pending.count, pending.workers_needed, pending.waiting_seconds), (5, 2, 5.0));
    assert_eq!(pending.deployments, ["shop"]);

    world.create(&request(3), at(25)).unwrap();
    assert_eq!(world.pending(at(26)).count, 5, "a worker that boots makes no room yet");
    assert_eq!((world.pending(at(27)).count, world.pending(at(27)).workers_needed), (2, 1));
    world.create(&request(4), at(27)).unwrap();
    assert_eq!(world.pending(at(29)).count, 0);
    world.remove(&request(4).name);
    assert_eq!(world.pending(at(30)).count, 2, "and what goes leaves its pods behind");
    world.advance(at(60));
    assert_eq!(world.pending(at(60)).count, 0, "the next phase ends it");
}

#[test]
fn another_scenario_begins_with_the_workers_that_are_there() {
    let mut world = world(scenario("incidents: [{ at: 20s, crash: 1 }]"), 2);
    world.advance(at(20));
    let other = scenario("incidents: [{ at: 5s, crash: 1 }]");
    assert!(world.play(7, &other, at(50)));
    assert!(!world.play(7, &other, at(60)), "and goes on when a second process comes");
    assert_eq!(world.workers.len(), 2);
    world.advance(at(55));
    assert_eq!(dead(&world), ["w-1", "w-2"]);
}

#[test]
fn the_demo_shows_everything_in_two_minutes() {
    // Two workers, kept so by a simple keeper: every kind of trouble has to come by.
    let mut world = world(scenario_file::load(Some("default")).unwrap(), 2);
    let (mut high, mut low, mut pending, mut sick, mut slow) = (false, false, false, false, false);
    let (mut silent, mut failed, mut strays) = (0, 0, BTreeSet::new());
    let mut crashes = Vec::new();
    for second in 0..120 {
        let now = at(second);
        world.advance(now);
        let seen = world.observe(now);
        let gone: Vec<_> =
            seen.values().filter(|worker| !worker.is_alive()).map(|worker| worker.name.clone()).collect();
        let ended = |wanted| {
            seen.values().filter(|worker| worker.state == ContainerState::Exited { code: Some(wanted) }).count()
        };
        crashes.extend(Some(ended(137)).filter(|count| *count > 0));
        failed += ended(1);
        silent += u32::from(world.scenario.is_unreachable(world.elapsed(now)));
        strays.extend(seen.keys().filter(|name| name.as_str().starts_with("stray")).cloned());
        for name in gone {
            world.remove(&name);
            world.made += 1;
            world.create(&request(world.made + 10), now).unwrap();
        }
        let cpu = seen.values().map(|worker| worker.cpu_percent).collect::<Option<Vec<_>>>();
        let mean = cpu.map(|cpu| cpu.iter().sum::<f64>() / cpu.len() as f64);
        high |= mean.is_some_and(|mean| mean > 80.0);
        low |= mean.is_some_and(|mean| mean < 30.0);
        pending |= world.pending(now).count > 0;
        sick |= seen.values().any(|worker| worker.health == Health::Unhealthy && worker.is_alive());
        slow |= world.workers.values().any(|worker| worker.ready_at - worker.created_at > TimeDelta::seconds(5));
    }
    assert!(high && low && pending && sick && slow, "{high} {low} {pending} {sick} {slow}");
    assert_eq!(crashes, [1, 2, 1]);
    assert_eq!((silent, strays.len()), (4, 1));
    let repaired = world.workers.len() == world.ready(at(120)) as usize;
    assert!(failed > 0 && repaired, "{failed} starts failed; all is well in the end: {repaired}");
}

proptest! {
    #[test]
    fn the_same_inputs_give_the_same_world(
        seed in any::<u64>(),
        steps in proptest::collection::vec((1_i64..40, 0_u64..6, any::<bool>()), 1..30),
        name in prop_oneof![Just("default"), Just("flapping"), Just("night"), Just("quiet")],
    ) {
        let run = |through_the_file: bool| {
            let mut world = World::new(seed, scenario_file::load(Some(name)).unwrap(), start());
            let (mut now, mut seen) = (start(), Vec::new());
            for (wait, number, make) in &steps {
                now += TimeDelta::seconds(*wait);
                world.advance(now);
                if *make { world.create(&request(*number), now).unwrap(); } else { world.remove(&request(*number).name); }
                seen.push((world.observe(now), world.pending(now), world.ready(now), world.next_instant(now)));
                if through_the_file {
                    world = serde_json::from_str(&serde_json::to_string(&world).unwrap()).unwrap();
                }
            }
            seen
        };
        prop_assert_eq!(run(false), run(true));
    }

    #[test]
    fn shares_are_percentages_and_looking_more_often_changes_nothing(
        seed in any::<u64>(),
        count in 0_u64..8,
        looks in proptest::collection::vec(0_i64..115, 0..20),
    ) {
        let scenario = scenario_file::load(Some("default")).unwrap();
        let mut rare = World::new(seed, scenario, start());
        for number in 0..count {
            rare.create(&request(number), start()).unwrap();
        }
        let mut often = rare.clone();
        let mut looks = looks;
        looks.sort_unstable();
        for second in looks {
            often.advance(at(second));
            for worker in often.observe(at(second)).values() {
                for percent in [worker.cpu_percent, worker.memory_percent].into_iter().flatten() {
                    prop_assert!((0.0..=100.0).contains(&percent));
                }
            }
        }
        often.advance(at(119));
        rare.advance(at(119));
        prop_assert_eq!(often.observe(at(119)), rare.observe(at(119)));
    }
}

pub(super) fn simulated(folder: &Path, scenario: Option<&str>) -> Simulated {
    let mut config = Config::default();
    config.cluster.simulated.scenario = scenario.map(str::to_owned);
    Simulated::new(&config, folder).unwrap()
}

#[tokio::test]
async fn several_processes_share_one_world() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (simulated(folder.path(), None), simulated(folder.path(), None));
    let made = one.create(&request(1)).await.unwrap();
    assert_eq!(other.list().await.unwrap()["w-1"].container_id, made.container_id);
    assert!(other.create(&request(1)).await.unwrap().adopted, "never doubled");
    other.remove(&request(1).name).await.unwrap();
    assert!(one.list().await.unwrap().is_empty());
    one.remove(&request(1).name).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_the_same_time_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let makers = (0..20).map(|number| {
        let host = simulated(folder.path(), None);
        tokio::spawn(async move { host.create(&request(number)).await })
    });
    for made in futures::future::join_all(makers).await {
        made.unwrap().unwrap();
    }
    assert_eq!(simulated(folder.path(), None).list().await.unwrap().len(), 20);
}

#[tokio::test]
async fn a_kill_from_outside_is_noticed_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let host = simulated(folder.path(), None);
    host.create(&request(1)).await.unwrap();
    host.list().await.unwrap();
    kill(folder.path(), &request(1).name).unwrap();
    tokio::time::timeout(Duration::from_secs(1), host.changed()).await.expect("within a second").unwrap();
    assert!(host.list().await.unwrap().is_empty());
    assert!(kill(folder.path(), &request(1).name).is_err());
}

#[tokio::test]
async fn readiness_is_told_and_then_it_is_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let host = simulated(folder.path(), None);
    host.create(&request(1)).await.unwrap();
    assert_eq!(host.list().await.unwrap()["w-1"].health, Health::Starting);
    tokio::time::timeout(Duration::from_secs(3), host.changed()).await.expect("ready after two seconds").unwrap();
    // Without a look in between the same is not told again, nor is anything else.
    assert!(tokio::time::timeout(Duration::from_millis(600), host.changed()).await.is_err());
    assert_eq!(host.list().await.unwrap()["w-1"].health, Health::Ready);
}

#[tokio::test]
async fn a_drain_evicts_and_an_unknown_node_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let host = simulated(folder.path(), None);
    host.create(&request(1)).await.unwrap();
    assert!(host.drain(&request(1).name).await.unwrap() > 0);
    assert!(!host.drain(&request(2).name).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(World::FILE_NAME);
    let aside = |number: u32| folder.path().join(format!("{}.bad-{number}", World::FILE_NAME));
    for (number, bad) in [(1, "{\"version\": 1, \"seed\""), (2, "{\"version\": 99}")] {
        std::fs::write(&file, bad).unwrap();
        assert!(simulated(folder.path(), None).list().await.unwrap().is_empty());
        assert_eq!(std::fs::read_to_string(aside(number)).unwrap(), bad);
        assert!(simulated(folder.path(), None).list().await.is_ok(), "and it goes on");
    }
    assert!(!aside(3).exists());
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_an_outage() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("file");
    std::fs::write(&in_the_way, "").unwrap();
    assert!(simulated(&in_the_way, None).list().await.unwrap_err().is_transient());
    // A file that is there and cannot be read is not an empty world.
    std::fs::create_dir(folder.path().join(World::FILE_NAME)).unwrap();
    assert!(simulated(folder.path(), None).list().await.unwrap_err().is_transient());
}

#[test]
fn a_wrong_scenario_is_refused_at_once() {
    let mut config = Config::default();
    config.cluster.simulated.scenario = Some("defualt".to_owned());
    let error = Simulated::new(&config, Path::new("/nonexistent")).err().unwrap();
    assert!(!error.is_transient() && error.to_string().contains("default, quiet"), "{error}");
}
