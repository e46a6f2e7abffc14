//! What is on the screen: whole, pane by pane, and in every kind of trouble.

use std::sync::Arc;

use chrono::TimeDelta;
use insta::assert_snapshot;
use windlass::model::damage::{Flaw, Lost, Problem, Spot};
use windlass::model::{ReplicaId, ReplicaSeen, StoreHealth, View};

use super::super::layout::Pane;
use super::*;

#[test]
fn whole_80x24() {
    assert_snapshot!(screen(&model(80, 24)));
}

#[test]
fn whole_120x40() {
    assert_snapshot!(screen(&model(120, 40)));
}

#[test]
fn whole_160x48() {
    assert_snapshot!(screen(&model(160, 48)));
}

#[test]
fn every_pane_has_the_whole_body_when_zoomed() {
    for (width, height) in [(80, 24), (160, 48)] {
        for pane in Pane::ALL {
            let mut model = model(width, height);
            press(&mut model, &format!("{} z", pane.number()));
            assert_snapshot!(format!("zoomed_{}_{width}x{height}", pane.title()), screen(&model));
        }
    }
}

#[test]
fn tabs_share_a_place_on_a_small_terminal() {
    let mut model = model(80, 24);
    press(&mut model, "6");
    assert_snapshot!("tab_redis_80x24", screen(&model));
    press(&mut model, "4");
    assert_snapshot!("tab_operations_80x24", screen(&model));
}

#[test]
fn redis_down_is_said_and_panes_are_stale() {
    let mut view = gallery::view();
    let since = view.at - TimeDelta::seconds(73);
    view.store = StoreHealth::Down { since, error: "connection refused".to_owned(), protects: None };
    let shown = screen(&model_of(view, 120, 40));
    assert!(shown.contains(
        "Redis does not answer for 1m13s. What you see is what was last read; nothing is removed. connection"
    ));
    assert!(shown.matches(" stale ").count() >= 6, "{shown}");
    assert_snapshot!(shown);
}

#[test]
fn what_cannot_be_read_is_named() {
    let mut view = gallery::view();
    let key = "{edge}:cooldown:scale_up".to_owned();
    let problem = Problem::new(key, Spot::Whole, Flaw::Damaged, "`soon` is no time".to_owned(), Lost::Time);
    view.problems = Arc::new(vec![problem.clone()]);
    let shown = screen(&model_of(view.clone(), 120, 40));
    assert!(shown.contains("a value in Redis cannot be read: {edge}:cooldown:scale_up: `soon` is no time"), "{shown}");
    view.problems = Arc::new(vec![problem.clone(), problem]);
    assert!(screen(&model_of(view, 120, 40)).contains("2 values in Redis cannot be read"));
}

#[test]
fn an_epoch_that_began_at_the_time_is_short() {
    let mut view = gallery::view();
    view.leader.as_mut().unwrap().epoch = 1_795_189_248_123_456;
    let shown = screen(&model_of(view, 120, 40));
    assert!(shown.contains("e…3456"), "{shown}");
}

/// Replicas with the ages, in seconds, of their last signs of life; the first one leads.
fn with_replicas(mut view: View, ages: &[i64]) -> View {
    let seen = |(number, age): (usize, &i64)| ReplicaSeen {
        replica: ReplicaId(format!("edge-gw-{}:812:7f3a", number + 1)),
        last_seen: view.at - TimeDelta::seconds(*age),
    };
    view.replicas = Some(ages.iter().enumerate().map(seen).collect());
    view
}

#[test]
fn how_many_replicas_run_is_said_where_there_are_several() {
    for (width, height) in [(80, 24), (120, 40), (160, 48)] {
        // They were last read a while ago; that makes none of them silent.
        let view = with_replicas(gallery::view(), &[9, 8, 9]);
        assert_snapshot!(format!("three_replicas_{width}x{height}"), screen(&model_of(view, width, height)));
    }
}

#[test]
fn a_replica_that_is_alone_or_silent_is_not_counted() {
    let said = |ages: &[i64]| screen(&model_of(with_replicas(gallery::view(), ages), 120, 40));
    assert!(said(&[0, 1, 12]).contains("e12 · 2 replicas · attached"), "{}", said(&[0, 1, 12]));
    assert!(said(&[0, 12]).contains("e12 · attached"), "{}", said(&[0, 12]));
    assert!(said(&[0]).contains("e12 · attached"), "{}", said(&[0]));
}

#[test]
fn what_the_engine_does_without_redis_is_said() {
    let mut view = gallery::view();
    let since = view.at - TimeDelta::seconds(73);
    for (protects, said) in [
        (true, "Redis is down for 1m13s. The minimum is protected, nothing is removed. out of memory"),
        (false, "Redis is down for 1m13s. Nothing is changed until it is back. out of memory"),
    ] {
        view.store = StoreHealth::Down { since, error: "out of memory".to_owned(), protects: Some(protects) };
        let shown = screen(&model_of(view.clone(), 120, 40));
        assert!(shown.contains(said), "{shown}");
    }
}

#[test]
fn nobody_leads() {
    let mut view = gallery::view();
    view.leader = None;
    let shown = screen(&model_of(view, 80, 24));
    assert!(shown.contains("no engine runs; this is what Redis remembers"));
    assert_snapshot!(shown);
}

#[test]
fn nothing_is_known_yet() {
    let view = View::empty("edge".parse().unwrap(), gallery::view().at);
    assert_snapshot!(screen(&model_of(view, 80, 24)));
}

#[test]
fn what_is_unknown_is_not_zero() {
    let mut view = gallery::view();
    view.observation = None;
    let shown = screen(&model_of(view, 120, 40));
    assert!(!shown.contains(" 0%"), "{shown}");
    assert!(shown.contains('–'));
}

#[test]
fn too_small_says_what_is_needed_and_what_there_is() {
    let shown = screen(&model(79, 24));
    assert!(shown.contains("windlass needs 80x24, there is 79x24"), "{shown}");
    let shown = screen(&model(10, 3));
    assert!(shown.contains("windlass "), "{shown}");
}

#[test]
fn popups_at_80x24() {
    for (name, keys) in [
        ("confirm_up", "u"),
        ("confirm_down", "d"),
        ("confirm_down_selected", "D"),
        ("hold_scope", "h"),
        ("hold_duration", "h d"),
        ("hold_typed", "h d t 9 d"),
        ("hold_too_long", "h d t 9 d enter"),
        ("hold_reason", "h u 2"),
        ("release", "r"),
        ("protect", "j j j p"),
        ("help", "?"),
        ("palette", ":"),
        ("palette_command", ": s c a l e space u p space 2"),
        ("event", "5 k k enter"),
        ("worker", "j j enter"),
        ("track", "4 enter"),
        ("track_ended", "4 j j j enter j j"),
        ("filter_mistake", "/ s e v e r i t y : f a t a l"),
        ("filter_kept", "/ t y p e : n o d e , h o l d enter 5 z k"),
        ("filter", "/ t y p e : h o l d"),
    ] {
        let mut model = model(80, 24);
        press(&mut model, keys);
        assert_snapshot!(format!("popup_{name}_80x24"), screen(&model));
    }
}

#[test]
fn popups_at_160x48() {
    for (name, keys) in [
        ("help", "?"),
        ("event", "5 k k enter"),
        ("worker", "j j enter"),
        ("confirm_down", "d"),
        ("track", "4 enter"),
        ("track_ended", "4 j j j enter"),
        ("filter", "/ t y p e : h o l d"),
    ] {
        let mut model = model(160, 48);
        press(&mut model, keys);
        assert_snapshot!(format!("popup_{name}_160x48"), screen(&model));
    }
}

#[test]
fn numbers_that_change_width_move_nothing() {
    let columns = |seconds: i64, percent: f64| {
        let mut view = gallery::view();
        let mut seen = (**view.observation.as_ref().unwrap()).clone();
        seen.workers.values_mut().for_each(|worker| worker.cpu_percent = Some(percent));
        view.observation = Some(Arc::new(seen));
        let mut state = (*view.state).clone();
        state.workers.values_mut().for_each(|worker| worker.created_at = view.at - TimeDelta::seconds(seconds));
        view.state = Arc::new(state);
        let model = model_of(view, 160, 48);
        let row = screen(&model).lines().nth(4).unwrap().chars().collect::<Vec<_>>();
        (row.iter().position(|c| *c == '%'), row.iter().rposition(|c| *c == '│'), row.len())
    };
    assert_eq!(columns(9, 3.0), columns(123_456, 100.0));
}

#[test]
fn every_size_can_be_drawn_with_every_popup() {
    for (width, height) in
        [(1, 1), (40, 10), (80, 24), (81, 25), (119, 60), (120, 29), (120, 30), (133, 33), (300, 100)]
    {
        for keys in ["u", "h d t", "r", "?", ":", "5 enter", "enter", "/ x", "z", "q", "4 enter", "5 o enter"] {
            let mut model = model(width, height);
            press(&mut model, keys);
            screen(&model);
        }
    }
}
