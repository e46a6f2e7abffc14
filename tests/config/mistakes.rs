//! Mistakes: all at once, each with its place and what is allowed there.

use windlass::config::{ConfigErrors, settings};

use super::{mistakes, places, text};

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
fn what_is_wrong_already_is_not_compared() {
    let found = mistakes(&text("autoscaler: {limits: {min_nodes: 10, max_nodes: many}}"));
    assert_eq!(places(&found), [(1, "autoscaler.limits.max_nodes")]);
    // `max_nods` was to be the maximum: a minimum above the default one is no second mistake.
    let found = mistakes(&text("autoscaler: {limits: {min_nodes: 10, max_nods: 20}}"));
    assert_eq!(places(&found), [(1, "autoscaler.limits.max_nods")]);
}
