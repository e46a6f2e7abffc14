#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

use std::os::unix::fs::PermissionsExt;

use chrono::TimeDelta;
use tempfile::TempDir;

use super::*;
use crate::model::event::CooldownStarted;
use crate::model::{Actor, Direction, EventData, Metadata};
use crate::store::Acknowledgement;

fn cluster() -> ClusterId {
    "c1".parse().unwrap()
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
}

fn event(number: u128) -> Event {
    let data = CooldownStarted { direction: Direction::Up, until: at(60), duration: 60.0 };
    Event {
        event_id: Uuid::from_u128(number),
        timestamp: at(1),
        source: "test".to_owned(),
        data: EventData::CooldownStarted(data),
        metadata: Metadata { cluster_id: cluster(), region: "here".to_owned() },
        caused_by: None,
        correlation_id: None,
        actor: Actor::Engine,
    }
}

fn line(event: &Event) -> Line<'_> {
    Line::Event(Cow::Borrowed(event))
}

fn head(epoch: u64) -> Head {
    Head::new(cluster(), ReplicaId("a host:12:../x".to_owned()), epoch, at(0), "gone".to_owned())
}

fn begin(folder: &TempDir) -> Spill {
    Spill::begin(folder.path(), head(7), 100).unwrap()
}

/// A file whose process is gone.
fn only_left(folder: &TempDir) -> Left {
    let mut found = look(folder.path(), &cluster()).unwrap();
    match found.pop() {
        Some(Found::Left(left)) if found.is_empty() => *left,
        other => panic!("{found:?} {other:?}"),
    }
}

fn only(folder: &TempDir) -> Leftover {
    let mut found = leftovers(folder.path(), &cluster()).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn add(path: &Path, text: &str) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn what_is_written_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut spill = begin(&folder);
    let acknowledgement = Acknowledgement { stream: "s".to_owned(), group: "g".to_owned(), entry: "1-0".to_owned() };
    let doubtful = Transaction {
        acknowledgements: vec![acknowledgement],
        ..Transaction::new(Uuid::from_u128(9), 7, Vec::new(), vec![event(1)])
    };
    let (two, three) = (event(2), event(3));
    spill.append([Line::Doubt(Cow::Borrowed(&doubtful))]);
    spill.append([line(&two), line(&three)]);
    spill.append([Line::Heard { handler: "NodeManager".into(), event: two.event_id }]);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(spill.path().unwrap()), 0o600);
    assert_eq!(mode(&folder.path().join(FOLDER)), 0o700);
    drop(spill);

    let left = only_left(&folder);
    assert_eq!(left.head, head(7));
    assert_eq!(left.doubtful, Some(doubtful));
    assert_eq!(left.events, [two.clone(), three]);
    assert_eq!(left.heard, [("NodeManager".to_owned(), two.event_id)]);
    assert_eq!((left.unreadable, left.is_torn), (0, false));
    assert_eq!(left.all().count(), 3);
    left.remove();
    assert_eq!(leftovers(folder.path(), &cluster()).unwrap(), []);
}

#[test]
fn a_name_means_nothing_to_the_file_system() {
    let name = head(7).file_name();
    assert_eq!(name, "c1-a_host_12____x-7.jsonl");
    let long = Head { replica: ReplicaId("ä".repeat(300) + "b"), ..head(u64::MAX) };
    assert!(long.file_name().len() < 200 && long.file_name().contains("_b-"), "{}", long.file_name());
}

#[test]
fn a_line_that_was_cut_off_is_told_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut spill = begin(&folder);
    spill.append([line(&event(1))]);
    let path = spill.path().unwrap().to_owned();
    drop(spill);
    let whole = serde_json::to_string(&line(&event(2))).unwrap();
    add(&path, "not a line\n");
    add(&path, &format!("{whole}\n"));
    add(&path, &whole[..whole.len() / 2]);
    let left = only_left(&folder);
    assert_eq!(left.events, [event(1), event(2)]);
    assert_eq!((left.unreadable, left.is_torn), (2, true));
}

#[test]
fn what_counts_no_more_goes_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut spill = Spill::begin(folder.path(), head(7), 2).unwrap();
    let mut events: Vec<Event> = Vec::new();
    for number in 0..50 {
        events.push(event(number));
        spill.append([line(&event(number))]);
        if spill.is_overgrown() {
            let dropped = events.len() - 2;
            spill.write_anew(dropped as u64, events[dropped..].iter().map(line));
        }
        let length = fs::read_to_string(spill.path().unwrap()).unwrap().lines().count();
        assert!(length <= 7, "{length} lines after {number} events");
    }
    drop(spill);
    let left = only_left(&folder);
    assert!(left.head.dropped > 40 && left.events.last() == Some(&event(49)), "{left:?}");
    assert_eq!(left.head.dropped as usize + left.events.len(), 50, "every event is there or counted");
}

/// With everything in it that counts, it may be longer than the bound; it must not be written anew at every event then.
#[test]
fn a_long_file_is_not_written_anew_at_every_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut spill = Spill::begin(folder.path(), head(7), 2).unwrap();
    let events: Vec<Event> = (0..40).map(event).collect();
    spill.append(events.iter().map(line));
    assert!(spill.is_overgrown());
    spill.write_anew(0, events.iter().map(line));
    assert!(!spill.is_overgrown());
    spill.append([line(&event(41))]);
    assert!(!spill.is_overgrown());
}

#[test]
fn whoever_lives_keeps_the_own_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut spill = begin(&folder);
    assert_eq!(only(&folder).kind, LeftoverKind::InUse);
    spill.write_anew(0, [line(&event(1))]);
    assert_eq!(only(&folder).kind, LeftoverKind::InUse, "the new file is locked as well");
    drop(spill);
    let found = only(&folder);
    assert_eq!((found.kind, found.events, found.since), (LeftoverKind::Waiting, Some(1), Some(at(0))));
}

#[test]
fn another_clusters_file_is_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    drop(Spill::begin(folder.path(), Head { cluster: "c1-b".parse().unwrap(), ..head(7) }, 10));
    assert_eq!(leftovers(folder.path(), &cluster()).unwrap(), []);
    assert!(look(folder.path(), &cluster()).unwrap().is_empty());
    assert_eq!(leftovers(folder.path(), &"c1-b".parse().unwrap()).unwrap().len(), 1);
}

#[test]
fn a_newer_or_foreign_file_is_told_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    drop(Spill::begin(folder.path(), Head { schema: SCHEMA + 1, ..head(7) }, 10));
    let found = only(&folder);
    let LeftoverKind::Unreadable(why) = &found.kind else { panic!("{found:?}") };
    assert!(why.contains("schema 2, this windlass knows up to 1"), "{why}");
    fs::write(&found.path, "what is this\n").unwrap();
    let found = only(&folder);
    assert!(matches!(&found.kind, LeftoverKind::Unreadable(why) if why.contains("first line")), "{found:?}");
    assert!(matches!(look(folder.path(), &cluster()).unwrap()[..], [Found::Unreadable(..)]));
    assert!(found.path.exists());
}

#[test]
fn where_nothing_can_be_written_it_goes_on_without() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FOLDER), "in the way").unwrap();
    assert!(Spill::begin(folder.path(), head(7), 10).is_none());

    // Root may write everywhere, so that it is the place that goes.
    let folder = tempfile::tempdir().unwrap();
    let mut spill = begin(&folder);
    spill.append([line(&event(1))]);
    fs::remove_dir_all(folder.path()).unwrap();
    spill.write_anew(0, [line(&event(1))]);
    assert_eq!(spill.path(), None, "it is not complete any more");
    spill.append([line(&event(2))]);
    spill.remove();
}

#[test]
fn what_nobody_records_is_kept_for_people_within_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    for epoch in 0..ABANDONED_KEPT as u64 + 5 {
        let mut spill = Spill::begin(folder.path(), head(epoch), 10).unwrap();
        spill.append([line(&event(1))]);
        spill.abandon();
    }
    let found = leftovers(folder.path(), &cluster()).unwrap();
    assert_eq!(found.len(), ABANDONED_KEPT);
    assert!(found.iter().all(|one| one.kind == LeftoverKind::Abandoned && one.events == Some(1)), "{found:?}");
    assert!(look(folder.path(), &cluster()).unwrap().is_empty(), "nobody records them");
}
