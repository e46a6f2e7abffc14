//! The webhook targets, one by one.

use windlass::config::ConfigErrors;

use super::{loads, mistakes, places, text};

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
