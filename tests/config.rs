//! The configuration as operators meet it: files, variables and flags in, a configuration or all mistakes out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;
use windlass::config::{
    Config, ConfigErrors, ConfigFile, DEFAULT, HandlerName, Loaded, Mistake, NOT_SETTINGS, Origin, Role, Secret,
    Source, Sources, Span, environment_table, reference, schema, settings,
};

fn text(text: &str) -> Sources {
    Sources::new().file(ConfigFile::Text("windlass.yaml".into(), text.to_owned()))
}

fn mistakes(sources: &Sources) -> Vec<Mistake> {
    Config::load(sources).expect_err("there are mistakes").0
}

fn loads(sources: &Sources) -> Loaded {
    Config::load(sources).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Line and field of each.
fn places(mistakes: &[Mistake]) -> Vec<(usize, &str)> {
    mistakes.iter().map(|mistake| (mistake.origin.line.unwrap_or(0), mistake.field.as_str())).collect()
}

#[test]
fn nothing_at_all_is_the_default() {
    for sources in [Sources::new(), text(""), text("# nothing\n"), text("autoscaler:\n  limits:\n    # min_nodes: 3\n")]
    {
        assert_eq!(loads(&sources).config, Config::default());
    }
}

#[test]
fn the_documented_default_is_the_default() {
    assert_eq!(loads(&text(DEFAULT)).config, Config::default());
}

#[test]
fn the_documented_default_sets_every_setting_and_comments_on_each() {
    let loaded = loads(&text(DEFAULT));
    for setting in settings() {
        assert_ne!(loaded.origin(&setting.path), Origin::BUILT_IN, "{} is not in the file", setting.path);
    }
    for (number, line) in DEFAULT.lines().enumerate() {
        let content = line.trim_start();
        if !content.is_empty() && !content.starts_with('#') {
            let comment = content.split_once(" # ").map_or("", |(_, comment)| comment);
            assert!(comment.len() > 5, "line {} has no comment: {line}", number + 1);
            assert!(line.chars().count() <= 120, "line {} is too long", number + 1);
        }
    }
}

/// The configuration that the mission's document 002 gives, to the letter.
#[test]
fn the_first_configuration_still_loads() {
    let file = "\
autoscaler:
  limits:
    min_nodes: 2
    max_nodes: 6
  enforcement:
    auto_scale_to_min: true
    min_violation_check_interval: 10  # seconds
    emergency_scale_threshold: 2  # scale up 2x if this many lost
  events:
    event_bus:
      type: \"redis_streams\"
      stream_name: \"autoscaler_events\"
      max_stream_length: 10000
    handlers:
      - \"MetricsListener\"
      - \"ScalingDecisionEngine\"
      - \"NodeManager\"
      - \"MinimumNodeEnforcer\"
      - \"StateSynchronizer\"
";
    let mut expected = Config::default();
    // It names five of the six handlers: without the last one nobody is told by webhook.
    assert_eq!(expected.autoscaler.events.handlers.pop(), Some(HandlerName::AlertManager));
    assert_eq!(loads(&text(file)).config, expected);
}

#[test]
fn webhook_targets_are_read_and_checked_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "s3cret\n").unwrap();
    let file = "\
autoscaler:
  events:
    alerts:
      targets:
        - name: ops
          url: https://hooks.example/services/T0/s3cret
          format: slack
          types: [HoldPlaced]
          header_files: {authorization: ~/token}
        - {name: am, url: 'http://am:9093', format: alertmanager, min_severity: null, types: [StoreDegraded]}
";
    let loaded = loads(&text(file).home(folder.path()));
    let targets = &loaded.config.autoscaler.events.alerts.targets;
    assert_eq!(targets.len(), 2);
    assert_eq!(targets[0].min_severity, Some(windlass::model::Severity::Warning));
    assert_eq!(targets[0].header_files["authorization"], folder.path().join("token"));
    let shown = format!("{:?} {:?}", loaded.config, loaded.effective());
    assert!(shown.contains("https://hooks.example/***") && !shown.contains("s3cret"), "{shown}");

    let file = "\
autoscaler:
  events:
    alerts:
      targets:
        - {name: Ops, url: 'https://hooks.example/s3cret'}
        - {name: b, url: 'ftp://s3cret'}
        - {name: c, url: 'https://c', tries: 0}
        - {name: d, url: 'https://d', secret: s3cret}
        - {name: e, url: 'https://e', types: [HoldPlaced, HoldPlace]}
        - {url: 'https://f'}
        - {name: g, url: 'https://g', headers: {x-a: [s3cret]}}
";
    let found = mistakes(&text(file));
    let at = |number: usize, field: &str| format!("autoscaler.events.alerts.targets[{number}]{field}");
    let expected = [
        (5, at(0, ".name")),
        (6, at(1, ".url")),
        (7, at(2, ".tries")),
        (8, at(3, ".secret")),
        (9, at(4, ".types[1]")),
        (10, at(5, ".name")),
        (11, at(6, ".headers.x-a")),
    ];
    assert_eq!(places(&found), expected.each_ref().map(|(line, field)| (*line, field.as_str())));
    assert_eq!(found[5].found, "nothing");
    assert!(!ConfigErrors(found.clone()).to_string().contains("s3cret"), "{}", ConfigErrors(found));

    let file = "\
autoscaler:
  events:
    alerts:
      targets:
        - {name: a, url: 'https://user:s3cret@a'}
        - {name: a, url: 'https://b'}
        - {name: c, url: 'https://c', min_severity: null}
        - {name: d, url: 'https://d', timeout: 1ms, give_up_after: 30d}
        - {name: e, url: 'https://e', headers: {'x y': z, Host: z}}
        - {name: f, url: 'https://f', hmac_secret_file: /nonexistent/secret}
";
    let found = mistakes(&text(file));
    let expected = [
        (5, at(0, ".url")),
        (6, at(1, ".name")),
        (7, at(2, ".min_severity")),
        (8, at(3, ".timeout")),
        (8, at(3, ".give_up_after")),
        (9, at(4, ".headers.Host")),
        (9, at(4, ".headers.x y")),
        (10, at(5, ".hmac_secret_file")),
    ];
    assert_eq!(places(&found), expected.each_ref().map(|(line, field)| (*line, field.as_str())));
    assert!(!ConfigErrors(found.clone()).to_string().contains("s3cret"), "{}", ConfigErrors(found));
}

#[test]
fn all_mistakes_of_a_file_come_at_once_with_their_lines() {
    let file = "\
# mine
cluster:
  id: Bad_Name
autoscaler:
  check_interval: soon
  limits:
    min_nodes: two
    max_node: 4
workers:
  privileged: \"yes\"
";
    let found = mistakes(&text(file));
    assert_eq!(
        places(&found),
        [
            (3, "cluster.id"),
            (5, "autoscaler.check_interval"),
            (7, "autoscaler.limits.min_nodes"),
            (8, "autoscaler.limits.max_node"),
            (10, "workers.privileged"),
        ]
    );
    assert_eq!(
        ConfigErrors(found).to_string(),
        "\
windlass.yaml:3: cluster.id: found \"Bad_Name\"; allowed: 1 to 63 of a-z, 0-9 and '-', starting and ending with a letter or digit
windlass.yaml:5: autoscaler.check_interval: found \"soon\"; allowed: a duration from 200ms to 5m
    a duration: seconds (90) or whole numbers with their units (500ms, 30s, 5m, 2h, 1d)
windlass.yaml:7: autoscaler.limits.min_nodes: found \"two\"; allowed: a whole number from 0 to 1000
windlass.yaml:8: autoscaler.limits.max_node: found a setting that does not exist (\"max_node\"); allowed: max_nodes, min_nodes
    did you mean `autoscaler.limits.max_nodes`?
windlass.yaml:10: workers.privileged: found \"yes\"; allowed: true or false
5 mistakes. Every setting, with what it means: windlass config default"
    );
}

#[test]
fn mistakes_of_every_kind_come_at_once() {
    let file = "\
cluster: {kind: docke}
autoscaler:
  limits: {min_nodes: 9}
  dry_run: true
  dry_run: false
  thresholds:
    cpu_low: 90
workers:
  permanent:
    - edge-1
    - counter
";
    let found = mistakes(&text(file));
    assert_eq!(
        places(&found),
        [
            (1, "cluster.kind"),
            (3, "autoscaler.limits.min_nodes"),
            (5, "autoscaler.dry_run"),
            (7, "autoscaler.thresholds.cpu_low"),
            (11, "workers.permanent[1]"),
        ]
    );
    assert_eq!(found[0].hint.as_deref(), Some("did you mean `docker`?"));
    assert_eq!(found[1].allowed, "not more than autoscaler.limits.max_nodes (6)");
    assert_eq!(
        (found[2].column, found[2].hint.as_deref()),
        (Some(3), Some("it is set on line 4 already: keep one of the two"))
    );
    assert_eq!(found[3].allowed, "less than autoscaler.thresholds.cpu_high (80)");
    assert!(found[4].allowed.contains("not `counter`"), "{}", found[4]);
}

#[test]
fn what_a_repeated_key_sets_is_checked_too() {
    let file = "workers: {cpus: many}\nleader: {lease: 3s}\nworkers:\n  image: [1]\n  image: 2\n  imag: x\n";
    let found = mistakes(&text(file));
    let image = "workers.image";
    assert_eq!(
        places(&found),
        [(1, "workers.cpus"), (3, "workers"), (4, image), (5, image), (5, image), (6, "workers.imag")]
    );
}

#[test]
fn broken_syntax_is_one_mistake_with_line_and_column_and_the_other_sources_are_still_checked() {
    let sources = text("autoscaler:\n\tdry_run: true\n").environment([("WINDLASS_CLUSTER_KIND", "vm")]);
    let found = mistakes(&sources);
    assert_eq!(places(&found), [(2, ""), (0, "cluster.kind")]);
    assert!(found[0].column.is_some() && found[0].to_string().contains("indent with spaces"), "{}", found[0]);
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let sources = text("autoscaler:\n  limits: {min_nodes: 1, max_nodes: 9}\n  steps:\n    up: 4\n")
        .environment([
            ("WINDLASS_AUTOSCALER_LIMITS_MIN_NODES", "3"),
            ("WINDLASS_AUTOSCALER_LIMITS_MAX_NODES", "8"),
            ("HOME", "/"),
        ])
        .flag("autoscaler.limits.min_nodes", "5");
    let loaded = loads(&sources);
    let limits = loaded.config.autoscaler.limits;
    assert_eq!((limits.min_nodes, limits.max_nodes, loaded.config.autoscaler.steps.up), (5, 8, 4));
    assert_eq!(loaded.origin("autoscaler.limits.min_nodes").source, Source::Flag("autoscaler.limits.min_nodes".into()));
    assert_eq!(loaded.origin("autoscaler.limits.max_nodes").to_string(), "WINDLASS_AUTOSCALER_LIMITS_MAX_NODES");
    assert_eq!(loaded.origin("autoscaler.steps.up").to_string(), "windlass.yaml:4");
    assert_eq!(loaded.origin("leader.lease"), Origin::BUILT_IN);
    let effective = loaded.effective();
    assert_eq!(effective.len(), settings().len());
    let (_, value, origin) = effective.iter().find(|(setting, ..)| setting.path == "autoscaler.steps.up").unwrap();
    assert_eq!((value, origin), (&Value::from(4), &loaded.origin("autoscaler.steps.up")));
    assert_eq!(loaded.file.as_deref(), Some(Path::new("windlass.yaml")));
}

#[test]
fn a_mistake_is_told_even_where_a_later_source_overrides_it() {
    let sources = text("autoscaler: {dry_run: maybe}").flag("autoscaler.dry_run", "true");
    assert_eq!(places(&mistakes(&sources)), [(1, "autoscaler.dry_run")]);
}

#[test]
fn the_environment_reads_every_form() {
    let loaded = loads(&Sources::new().environment([
        ("WINDLASS_AUTOSCALER_DRY_RUN", "true"),
        ("WINDLASS_AUTOSCALER_CHECK_INTERVAL", "90"),
        ("WINDLASS_WORKERS_COMMAND", "sleep, 3600"),
        ("WINDLASS_WORKERS_PERMANENT", "[edge-1, edge-2]"),
        ("WINDLASS_WORKERS_ENV", "{PORT: \"8080\", MODE: fast}"),
        ("WINDLASS_WORKERS_CPUS", "1.5"),
        ("WINDLASS_WORKERS_MEMORY", "512mb"),
        ("WINDLASS_CLUSTER_REGION", "5"),
        ("WINDLASS_REDIS_URL", ""),
    ]));
    let config = loaded.config;
    assert!(config.autoscaler.dry_run);
    assert_eq!(config.autoscaler.check_interval, Span::seconds(90));
    assert_eq!(config.workers.command, ["sleep", "3600"]);
    assert_eq!(config.workers.permanent.len(), 2);
    assert_eq!(config.workers.env, BTreeMap::from([("MODE".into(), "fast".into()), ("PORT".into(), "8080".into())]));
    assert_eq!(config.workers.cpus, Some(1.5));
    assert_eq!(config.workers.memory.map(|memory| memory.to_string()).as_deref(), Some("512mb"));
    assert_eq!(config.cluster.region, "5");
    assert_eq!(config.redis.url, None);
}

#[test]
fn every_setting_can_be_set_in_the_environment() {
    for setting in settings() {
        let (name, ..) =
            environment_table().into_iter().find(|(_, path, _)| *path == setting.path).expect("a variable");
        let value = match &setting.default {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let loaded = loads(&Sources::new().environment([(name.clone(), value)]));
        assert_eq!(loaded.config, Config::default(), "{name}");
        assert_eq!(loaded.origin(&setting.path).source, Source::Environment(name));
    }
}

#[test]
fn variables_are_unique_and_those_that_name_nothing_are_mistakes() {
    let table = environment_table();
    let names: BTreeSet<_> = table.iter().map(|(name, ..)| name).collect();
    assert_eq!(names.len(), table.len());

    let found = mistakes(
        &Sources::new().environment([("WINDLASS_AUTOSCALER_DRYRUN", "true"), ("WINDLASS_REDIS_PASWORD", "hunter2")]),
    );
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].hint.as_deref(), Some("did you mean WINDLASS_AUTOSCALER_DRY_RUN?"));
    assert_eq!(found[1].hint.as_deref(), Some("did you mean WINDLASS_REDIS_PASSWORD?"));
    assert!(!ConfigErrors(found).to_string().contains("hunter2"));

    loads(&Sources::new().environment(NOT_SETTINGS.map(|(name, _)| (name, "long-enough-for-a-token"))));
}

#[test]
fn a_wrong_value_anywhere_is_one_mistake_in_plain_words() {
    for setting in settings() {
        let mut value = "{x: {y: [1]}}".to_owned();
        for name in setting.path.rsplit('.') {
            value = format!("{{{name}: {value}}}");
        }
        let found = mistakes(&text(&value));
        assert_eq!(found.len(), 1, "{}: {found:?}", setting.path);
        assert!(found[0].field.starts_with(&setting.path), "{}", found[0]);
        for jargon in ["anyOf", "oneOf", "$ref", "additionalProperties", "^["] {
            assert!(!found[0].to_string().contains(jargon), "{}", found[0]);
        }
    }
}

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
fn what_is_wrong_already_is_not_compared() {
    let found = mistakes(&text("autoscaler: {limits: {min_nodes: 10, max_nodes: many}}"));
    assert_eq!(places(&found), [(1, "autoscaler.limits.max_nodes")]);
    // `max_nods` was to be the maximum: a minimum above the default one is no second mistake.
    let found = mistakes(&text("autoscaler: {limits: {min_nodes: 10, max_nods: 20}}"));
    assert_eq!(places(&found), [(1, "autoscaler.limits.max_nods")]);
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

#[test]
fn files_that_are_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("windlass.yaml");
    let loaded = loads(&Sources::new().file(ConfigFile::IfPresent(path.clone())));
    assert_eq!((loaded.config, loaded.file), (Config::default(), None));
    let found = mistakes(&Sources::new().file(ConfigFile::Required(path.clone())));
    assert!(found[0].to_string().contains("found a file that cannot be read"), "{}", found[0]);

    std::fs::write(&path, "autoscaler: {dry_run: true}").unwrap();
    let loaded = loads(&Sources::new().file(ConfigFile::IfPresent(path.clone())));
    assert!(loaded.config.autoscaler.dry_run && loaded.file == Some(path));
}

#[test]
fn the_password_is_read_and_never_printed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("password");
    std::fs::write(&path, "from-file\n").unwrap();
    let sources =
        text("redis: {url: \"redis://ops:in-url@db:6379/1\"}").flag("redis.password_file", path.display().to_string());

    let config = loads(&sources).config;
    assert_eq!(config.redis.password.as_ref().map(Secret::expose), Some("from-file"));
    assert_eq!(config.redis.url.as_deref(), Some("redis://ops:in-url@db:6379/1"));
    let shown = format!("{config:?} {config:#?} {}", serde_json::to_string(&config).unwrap());
    assert!(!shown.contains("from-file") && !shown.contains("in-url"), "{shown}");
    assert!(shown.contains("redis://ops:***@db:6379/1"), "{shown}");

    let sources = sources.environment([("WINDLASS_REDIS_PASSWORD", "from-env")]);
    let loaded = loads(&sources);
    assert_eq!(loaded.config.redis.password.as_ref().map(Secret::expose), Some("from-env"));
    assert!(!format!("{loaded:?} {sources:?}").contains("from-env"), "neither what was loaded nor its sources show it");
    assert!(!format!("{sources:?}").contains("in-url"));

    for file in [
        "redis: {url: \"http://ops:in-url@db\"}",
        "redis: {url: \"ops:in-url@db\"}",
        "redis: {url: \"redis://ops:in-url@db:port\"}",
        "redis: {url: [\"redis://ops:in-url@db\"]}",
        "redis: {urll: \"redis://ops:in-url@db\"}",
        "redis: {password: in-url}",
        "redis: \"redis://ops:in-url@db\"",
        "workers: {env: {TOKEN: [in-url]}}",
        "workers: {env: in-url}",
        "redis: {password_file: /nowhere/at/all}",
    ] {
        let errors = Config::load(&text(file)).expect_err(file);
        assert_eq!(errors.0.len(), 1, "{errors}");
        assert!(!errors.to_string().contains("in-url") && !format!("{errors:?}").contains("in-url"), "{errors}");
    }
    assert!(mistakes(&text("redis: {password: x}"))[0].to_string().contains("redis.password_file"));
}

#[test]
fn bearer_tokens_are_read_and_never_printed() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, token: &str| {
        std::fs::write(dir.path().join(name), token).unwrap();
        dir.path().join(name).display().to_string()
    };
    let (good, other, short) =
        (file("good", "anna-s-long-token\n"), file("other", "bert-s-long-token"), file("short", "short"));
    let tokens = |tokens: &str| text(&format!("http: {{listen: \"0.0.0.0:0\", tokens: [{tokens}]}}"));
    let anna = format!("{{name: anna, role: operator, token_file: {good}}}");
    let sources = tokens(&anna).environment([("WINDLASS_HTTP_TOKEN", "from-environment-1")]);
    let loaded = loads(&sources);
    let known: Vec<_> = loaded.config.http.tokens.iter().map(|token| (token.name.as_str(), token.role)).collect();
    assert_eq!(known, [("anna", Role::Operator), ("operator", Role::Operator)]);
    let secrets: Vec<_> = loaded.config.http.tokens.iter().flat_map(|token| &token.token).map(Secret::expose).collect();
    assert_eq!(secrets, ["anna-s-long-token", "from-environment-1"]);
    let shown = format!("{loaded:?} {sources:?} {}", serde_json::to_string(&loaded.config).unwrap());
    assert!(!shown.contains("long-token") && !shown.contains("from-environment"), "{shown}");

    for (sources, expected) in [
        (text("http: {listen: \"0.0.0.0:9464\"}"), "allowed: a loopback address"),
        (text("http: {listen: \"[::]:9464\"}"), "allowed: a loopback address"),
        (
            text("http: {listen: \"localhost:9464\"}"),
            "http.listen: found \"localhost:9464\"; allowed: an IP address and a port",
        ),
        (tokens(&format!("{{name: anna, role: admin, token_file: {good}}}")), "allowed: one of viewer, operator"),
        (tokens("{name: anna, role: viewer, token_file: /nowhere/at/all}"), "which cannot be read"),
        (
            tokens(&format!("{{name: engine, role: viewer, token_file: {good}}}")),
            "that is what the engine calls itself",
        ),
        (tokens(&format!("{{name: anna, role: viewer, token_file: {short}}}")), "fewer than 16 characters"),
        (tokens("{name: anna, role: viewer, token_file: x, token: hunter2}"), "name a file in `token_file`"),
        (tokens("{name: anna, role: viewer}"), "http.tokens[0].token_file: found nothing; allowed: text"),
        (
            tokens(&format!("{anna}, {{name: anna, role: viewer, token_file: {other}}}")),
            "found the name \"anna\" a second time",
        ),
        (
            tokens(&format!("{anna}, {{name: bert, role: viewer, token_file: {good}}}")),
            "the same token as \"anna\" has",
        ),
        (text("").environment([("WINDLASS_HTTP_TOKEN", "hunter2")]), "WINDLASS_HTTP_TOKEN: found a token"),
    ] {
        let errors = ConfigErrors(mistakes(&sources));
        assert!(errors.to_string().contains(expected), "expected {expected}\nfound {errors}");
        assert!(!errors.to_string().contains("hunter2"), "{errors}");
    }
    loads(&text("http: {listen: \"0.0.0.0:9464\"}").environment([("WINDLASS_HTTP_TOKEN", "from-environment-1")]));
    loads(&text("http: {listen: \"[::1]:9464\"}"));
}

#[test]
fn the_schema_is_valid_and_describes_everything() {
    let schema = schema();
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&serde_json::to_value(Config::default()).unwrap()));
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        for (property, node) in definition["properties"].as_object().into_iter().flatten() {
            assert!(node["title"].is_string() && node["description"].is_string(), "{name}.{property}");
        }
    }
    assert!(settings().iter().all(|setting| !setting.description.is_empty()));
}

#[test]
fn the_page_about_the_configuration_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CONFIGURATION.md");
    let page = reference::markdown();
    if std::env::var_os("WINDLASS_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/CONFIGURATION.md is stale: run WINDLASS_BLESS=1 cargo test --test config");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_panics_the_loader(file in "(?s).{0,120}") {
        let _ = Config::load(&text(&file)).map_err(|errors| errors.to_string());
    }

    #[test]
    fn no_yamlish_text_panics_the_loader(
        file in "((cluster|autoscaler|limits|min_nodes|workers|env|redis|url|memory|permanent)(: |:\n)|\n| {1,4}|- |\\[|\\]|\\{|\\}|,|\"|'|#|&a |\\*a|!!int |~|null|-1|1e400|5m|redis://u:p@h|\t|---\n){0,30}",
        variable in "WINDLASS_(WORKERS_(ENV|MOUNTS|MEMORY|CPUS|PERMANENT)|REDIS_URL|CLUSTER_(ID|KIND)|[A-Z_]{0,12})",
        value in "[-{}\\[\\]a-z:/0-9~, ]{0,20}",
    ) {
        let sources = text(&file).environment([(variable, value.clone())]).flag("autoscaler.windows.pressure", value);
        if let Err(errors) = Config::load(&sources) {
            prop_assert!(!errors.0.is_empty());
            prop_assert!(errors.0.iter().all(|mistake| !mistake.found.contains('\n')));
        }
    }

    /// Whatever loads keeps the rules that the policy relies on.
    #[test]
    fn what_loads_is_consistent(min in 0_u32..1200, max in 0_u32..1200, low in -5.0..105.0_f64, high in -5.0..105.0_f64) {
        let file = format!("autoscaler: {{limits: {{min_nodes: {min}, max_nodes: {max}}}, thresholds: {{cpu_low: {low}, cpu_high: {high}}}}}");
        let right = min <= 1000 && (1..=1000).contains(&max) && min <= max
            && (0.0..=100.0).contains(&low) && (1.0..=100.0).contains(&high) && low < high;
        prop_assert_eq!(Config::load(&text(&file)).is_ok(), right);
    }
}
