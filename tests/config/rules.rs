//! Which values are allowed, alone and beside others.

use std::path::Path;

use windlass::config::ConfigErrors;

use super::{loads, mistakes, text};

#[test]
fn rules_between_settings() {
    for (file, expected) in [
        (
            "autoscaler: {limits: {min_nodes: 3, max_nodes: 2}}",
            "autoscaler.limits.min_nodes: found 3; allowed: not more than",
        ),
        ("autoscaler: {limits: {max_nodes: 1}}", "autoscaler.limits.max_nodes: found 1; allowed: not less than"),
        ("autoscaler: {thresholds: {cpu_high: 30}}", "autoscaler.thresholds.cpu_high: found 30; allowed: more than"),
        (
            "autoscaler: {thresholds: {memory_low: 85}}",
            "autoscaler.thresholds.memory_low: found 85; allowed: less than",
        ),
        ("autoscaler: {check_interval: 100ms}", "allowed: a duration from 200ms to 5m"),
        ("autoscaler: {check_interval: 301}", "found 5m 1s; allowed: a duration from 200ms to 5m"),
        ("autoscaler: {enforcement: {min_violation_check_interval: 0}}", "found 0s"),
        (
            "autoscaler: {holds: {default_duration: 2h, max_duration: 1h}}",
            "autoscaler.holds.default_duration: found 2h",
        ),
        ("autoscaler: {events: {retry: {first_pause: 11s}}}", "first_pause: found 11s; allowed: not more than"),
        ("autoscaler: {events: {retry: {longest_pause: 0}}}", "longest_pause: found 0s"),
        (
            "autoscaler: {events: {handlers: [NodeManager, NodeManager]}}",
            "handlers[1]: found NodeManager a second time",
        ),
        ("leader: {lease: 400ms}", "allowed: a duration from 500ms to 5m"),
        ("cluster: {docker: {timeout: 0}}", "cluster.docker.timeout: found 0s"),
        ("cluster: {docker: {host: localhost}}", "cluster.docker.host: found \"localhost\""),
        ("cluster: {kind: docker}", "windlass.yaml:1: workers.image: found nothing"),
        ("workers: {permanent: [a, b, a]}", "workers.permanent[2]: found \"a\" a second time"),
        ("workers: {permanent: [a, b, c, d, e, f, g]}", "workers.permanent: found 7 names; allowed: not more than"),
        ("workers: {mounts: [/a]}", "workers.mounts[0]: found \"/a\"; allowed: `source:target`"),
        ("workers: {mounts: [\"/a:b\"]}", "workers.mounts[0]: found \"/a:b\""),
        ("workers: {mounts: [\"/a:/b:rx\"]}", "workers.mounts[0]: found \"/a:/b:rx\""),
        ("workers: {mounts: [\"/a:/b\", \"v:/b:ro\"]}", "workers.mounts[1]: found the target \"/b\" a second time"),
        ("workers: {env: {\"A B\": x}}", "found the name \"A B\""),
        ("workers: {labels: {windlass.cluster: x}}", "found the name \"windlass.cluster\""),
        ("workers: {memory: 1mb}", "workers.memory: found 1mb; allowed: 6mb or more"),
        ("workers: {cpus: 0}", "workers.cpus: found 0; allowed: a number from 0.01 to 1024, or null"),
        ("pools: {network: host}", "pools.network: found \"host\"; allowed: the name of a bridge network, or null"),
        (
            "pools: {network: 'container:x'}",
            "pools.network: found \"container:x\"; allowed: the name of a Docker network",
        ),
        ("pools: {check_interval: 1ms}", "pools.check_interval: found 1ms; allowed: a duration from 200ms to 5m"),
        ("pools: {batch_size: 0}", "pools.batch_size: found 0; allowed: a whole number from 1 to 10000"),
        ("redis: {maxmemory: 0}", "redis.maxmemory: found 0"),
        ("redis: {url: \"http://db\"}", "redis.url: found \"http://db\"; allowed: redis://"),
        ("redis: {url: \"redis://\"}", "redis.url: found \"redis://\""),
        ("autoscaler: {min_nodes: 3}", "did you mean `autoscaler.limits.min_nodes`?"),
        ("autoscaler: {cooldowns: {scale_up: 1e300}}", "found 1e+300; allowed: a duration from 0s to 7days"),
        (
            "autoscaler: {cooldowns: {scale_up: 5fortnights}}",
            "allowed: a duration from 0s to 7days\n    a duration: seconds (90)",
        ),
        ("workers: {memory: 99999999999999999gb}", "allowed: an amount of memory"),
        ("workers: {labels: {tier: 1}}", "workers.labels.tier: found 1; allowed: text\n    put it in quotes"),
        ("[1, 2]", "windlass.yaml: found a list; allowed: a group of settings: autoscaler, cluster"),
        ("a: 1\n---\nb: 2\n", "found a second YAML document"),
        ("workers: {image: !!int x}", "workers.image: found a value that its tag does not allow"),
    ] {
        let found = mistakes(&text(file));
        assert_eq!(found.len(), 1, "{file}: {found:#?}");
        assert!(found[0].to_string().contains(expected), "{file}\n  expected {expected}\n  found    {}", found[0]);
    }
}

/// A line of a list of functions, and its one mistake.
#[test]
fn functions_are_checked_one_by_one() {
    for (function, expected) in [
        ("{name: a, image: a, port: 0}", "pools.functions[0].port: found 0; allowed: a whole number from 1 to 65535"),
        ("{name: a, image: a}", "pools.functions[0].port: found nothing"),
        ("{name: a, port: 80}", "pools.functions[0].image: found nothing; allowed: the name of an image"),
        ("{name: a, image: '', port: 80}", "pools.functions[0].image: found \"\""),
        ("{name: A, image: a, port: 80}", "pools.functions[0].name: found \"A\"; allowed: 1 to 63 of a-z"),
        ("{name: k3s-worker, image: a, port: 80}", "allowed: another name than workers.name_prefix"),
        ("{name: a, image: a, port: 80, max: 0}", "pools.functions[0].max: found 0; allowed: a whole number from 1"),
        (
            "{name: a, image: a, port: 80, min: 3, max: 2}",
            "pools.functions[0].min: found 3; allowed: not more than max",
        ),
        (
            "{name: a, image: a, port: 80, cpu_overload_threshold: 101}",
            "cpu_overload_threshold: found 101; allowed: a number from 1 to 100",
        ),
        (
            "{name: a, image: a, port: 80, memory_overload_threshold: 0}",
            "memory_overload_threshold: found 0; allowed: a number from 1 to 100",
        ),
        (
            "{name: a, image: a, port: 80, cooldown_cpu_threshold: 70}",
            "cooldown_cpu_threshold: found 70; allowed: less than cpu_overload_threshold (70)",
        ),
        ("{name: a, image: a, port: 80, cooldown_duration: 2d}", "found 2days; allowed: a duration from 0s to 1day"),
        ("{name: a, image: a, port: 80, memory: 1mb}", "pools.functions[0].memory: found 1mb; allowed: 6mb or more"),
        ("{name: a, image: a, port: 80, cpus: 0}", "pools.functions[0].cpus: found 0; allowed: a number from 0.01"),
        ("{name: a, image: a, port: 80, env: {'A B': x}}", "pools.functions[0].env.A B: found the name \"A B\""),
        ("{name: a, image: a, port: 80, mni: 1}", "did you mean `pools.functions[0].min`?"),
        ("{name: a, image: a, port: 80}, {name: a, image: b, port: 81}", "[1].name: found \"a\" a second time"),
    ] {
        let found = mistakes(&text(&format!("pools: {{functions: [{function}]}}")));
        assert_eq!(found.len(), 1, "{function}: {found:#?}");
        assert!(found[0].to_string().contains(expected), "{function}\n  expected {expected}\n  found    {}", found[0]);
    }
    let secret = mistakes(&text("pools: {functions: [{name: a, image: a, port: 80, env: {TOKEN: 4711}}]}"));
    assert!(!ConfigErrors(secret.clone()).to_string().contains("4711"), "{}", secret[0]);
    let loaded = loads(&text("pools: {functions: [{name: a, image: a, port: 80, min: 1, cooldown_duration: 1m}]}"));
    let specs = loaded.config.pools.specs();
    assert_eq!((specs[0].min, specs[0].max, specs[0].monitoring.cooldown_duration), (1, 10, 60.0));
}

#[test]
fn good_values_of_every_kind_are_taken() {
    let loaded = loads(
        &text(
            "\
cluster: {kind: docker, docker: {host: \"tcp://10.0.0.1:2375\"}}
workers:
  image: alpine
  mounts: [\"/a:/b\", \"data:/c:ro\", \"~/d:/e:rw\"]
  env: {A.b-c: \"\"}
  labels: {com.example.team: edge}
redis: {url: \"unix:///run/redis.sock\", data_dir: ~/redis}
log: {dir: \"~\"}
",
        )
        .home("/home/ops"),
    );
    assert_eq!(loaded.config.workers.mounts[2], "/home/ops/d:/e:rw");
    assert_eq!(loaded.config.redis.data_dir.as_deref(), Some(Path::new("/home/ops/redis")));
    // YAML's own `~` is null; in quotes it is the home directory.
    assert_eq!(loaded.config.log.dir.as_deref(), Some(Path::new("/home/ops")));
    let homeless = mistakes(&text("log: {dir: ~/x}"));
    assert!(
        homeless[0].to_string().contains("log.dir: found \"~/x\", and the home directory is not known"),
        "{}",
        homeless[0]
    );
}
