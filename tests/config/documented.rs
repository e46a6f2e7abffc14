//! What is documented is so: the default file, the schema, the page, and the configuration of the beginning.

use std::path::Path;

use windlass::config::{Config, DEFAULT, HandlerName, Origin, Sources, reference, schema, settings};

use super::{loads, text};

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
