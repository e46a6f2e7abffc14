//! Where settings come from: files, the environment, flags; and which of them wins.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use windlass::config::{
    Config, ConfigErrors, ConfigFile, NOT_SETTINGS, Origin, Source, Sources, Span, environment_table, settings,
};

use super::{loads, mistakes, places, text};

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
