//! Function pools: what is shown of them, and what their keys do.

use insta::assert_snapshot;
use ratatui::style::Color;
use windlass::model::{Action, ContainerStatus, Direction, FunctionName, Pool};

use super::super::layout::Pane;
use super::super::popup::Popup;
use super::*;

fn with_pools(width: u16, height: u16) -> Model {
    model_of(gallery::with_pools(gallery::view()), width, height)
}

fn function(name: &str) -> FunctionName {
    name.parse().unwrap()
}

fn scale(name: &str, direction: Direction) -> Action {
    Action::PoolScale { function: function(name), direction, count: 1 }
}

fn asked(model: &Model) -> &Action {
    match model.popups.last() {
        Some(Popup::Confirm(confirm)) => &confirm.action,
        other => panic!("no confirmation but {other:?}"),
    }
}

/// A picture with other pools.
fn change(model: &mut Model, edit: impl FnOnce(&mut Vec<Pool>)) {
    let mut view = (*model.view).clone();
    let mut pools = (**view.pools.as_ref().unwrap()).clone();
    edit(&mut pools);
    view.pools = Some(Arc::new(pools));
    update(model, Message::View(Arc::new(view)));
}

#[test]
fn what_is_shown_of_them() {
    for (width, height) in [(80, 24), (120, 40), (160, 48)] {
        for (name, keys) in [
            ("pools", "7"),
            ("pools_zoomed", "7 z"),
            ("pool", "7 enter j"),
            ("pool_asleep", "7 j enter"),
            ("pool_up", "7 +"),
            ("pool_saturated_up", "7 j j >"),
            ("pool_drain", "7 enter E"),
        ] {
            let mut model = with_pools(width, height);
            press(&mut model, keys);
            assert_snapshot!(format!("{name}_{width}x{height}"), screen(&model));
        }
    }
}

#[test]
fn without_pools_they_take_no_room_and_are_not_passed_by() {
    for (width, height) in [(80, 24), (160, 48)] {
        let mut none = model(width, height);
        assert!(!screen(&none).contains("pools"));
        for _ in 0..7 {
            press(&mut none, "tab");
            assert_ne!(none.focus, Pane::Pools);
        }
        press(&mut none, "7");
        assert!(screen(&none).contains("were not read yet"), "{}", screen(&none));
        press(&mut none, "esc");
        assert_eq!(none.focus, Pane::Workers);
        let mut empty = with_pools(width, height);
        change(&mut empty, Vec::clear);
        press(&mut empty, "7");
        assert!(screen(&empty).contains("no function pools"), "{}", screen(&empty));
        assert!(press(&mut empty, "enter > < E W + -").is_empty());
        assert!(empty.popups.is_empty(), "there is nothing to be asked about");
    }
}

#[test]
fn on_a_small_terminal_they_have_the_whole_body_until_one_leaves() {
    for leave in ["esc", "z", "1", "tab"] {
        let mut model = with_pools(80, 24);
        press(&mut model, "7");
        assert!(!screen(&model).contains("timeline"));
        press(&mut model, leave);
        assert!(screen(&model).contains("timeline"), "{leave}");
    }
    let mut model = with_pools(160, 48);
    press(&mut model, "7");
    assert!(screen(&model).contains("timeline"), "there is room for both");
}

#[test]
fn what_is_unknown_is_not_zero() {
    let mut model = with_pools(120, 40);
    change(&mut model, |pools| {
        for container in pools.iter_mut().flat_map(|pool| &mut pool.containers) {
            (container.cpu_percent, container.memory_percent) = (None, None);
        }
    });
    press(&mut model, "7 z");
    let shown: Vec<String> = screen(&model).lines().skip(2).map(ToOwned::to_owned).collect();
    assert!(!shown.iter().any(|line| line.contains('%')), "{shown:#?}");
    assert_eq!(shown.iter().map(|line| line.matches("   – ").count()).sum::<usize>(), 8, "{shown:#?}");
}

#[test]
fn states_are_told_by_marks_as_well_as_by_colours() {
    let mut model = with_pools(120, 40);
    press(&mut model, "1");
    let coloured = buffer(&model);
    let plain = {
        model.theme = Theme::plain();
        buffer(&model)
    };
    let text = |buffer: &Buffer| buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect::<String>();
    assert_eq!(text(&coloured), text(&plain));
    assert!(plain.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    let shown = screen(&model);
    for said in ["●1", "▲1", "○1", "◌1", "saturated", "asleep", "? unverified", "idle 12s/30s"] {
        assert!(shown.contains(said), "{said} is missing in\n{shown}");
    }
}

#[test]
fn at_its_minimum_an_idle_clock_has_no_end() {
    let mut model = with_pools(120, 40);
    change(&mut model, |pools| pools[0].spec.min = 3);
    let shown = screen(&model);
    assert!(shown.contains("idle 12s") && !shown.contains("idle 12s/"), "{shown}");
}

#[test]
fn keys_scale_the_selected_pool_and_ask() {
    for (key, direction) in [(">", Direction::Up), ("+", Direction::Up), ("<", Direction::Down), ("-", Direction::Down)]
    {
        let mut model = with_pools(80, 24);
        assert!(press(&mut model, &format!("7 j j {key}")).is_empty());
        assert_eq!(*asked(&model), scale("resize-images", direction), "{key}");
        let sent = Effect::Send { action: scale("resize-images", direction), reason: "manual".to_owned() };
        assert_eq!(press(&mut model, "y"), [sent]);
        assert!(model.popups.is_empty());
    }
    let mut model = with_pools(80, 24);
    press(&mut model, "7 1 +");
    assert!(matches!(asked(&model), Action::Scale { .. }), "on the workers, workers are meant");
    press(&mut model, "n >");
    assert_eq!(*asked(&model), scale("hello", Direction::Up), "the pools' own keys work from anywhere");
}

#[test]
fn what_follows_is_shown_before() {
    for (keys, said) in [
        ("7 +", "containers of hello 3 → 4 (min 0, max 5)"),
        ("7 -", "takes idle ones first"),
        ("7 j j >", "3 is more than the maximum of 2: the engine will refuse"),
        ("7 j -", "none may go (minimum 0): the engine will refuse"),
        ("7 j W", "ocr gets its first container"),
        ("7 G -", "the containers' runtime has not confirmed"),
        ("7 enter E", "hello-1 gets no more calls"),
        ("7 j j enter E", "resize-images-1 gets no more calls"),
        ("7 G enter E", "thumbnails-1 is draining already"),
        (": p o o l space u p space n o n e enter", "there is no pool none: the engine will refuse"),
    ] {
        let mut model = with_pools(80, 24);
        press(&mut model, keys);
        assert!(matches!(model.popups.last(), Some(Popup::Confirm(_))), "{keys}");
        assert!(screen(&model).contains(said), "{keys}: {said:?} is missing in\n{}", screen(&model));
    }
}

#[test]
fn draining_is_of_the_selected_container_and_the_pool_stays_open() {
    let mut model = with_pools(80, 24);
    press(&mut model, "7 E");
    assert!(matches!(model.popups[..], [Popup::Pool(_)]), "first one chooses which");
    press(&mut model, "j E");
    let drain = Action::PoolDrain { function: function("hello"), container: "hello-2".to_owned() };
    assert_eq!(*asked(&model), drain);
    assert_eq!(press(&mut model, "y"), [Effect::Send { action: drain, reason: "manual".to_owned() }]);
    assert!(matches!(model.popups[..], [Popup::Pool(_)]));
    press(&mut model, "enter");
    assert!(model.popups.is_empty());
}

#[test]
fn a_container_that_goes_does_not_put_another_under_the_key() {
    let mut model = with_pools(80, 24);
    press(&mut model, "7 enter j j");
    change(&mut model, |pools| drop(pools[0].containers.remove(0)));
    press(&mut model, "D");
    let drain = Action::PoolDrain { function: function("hello"), container: "hello-3".to_owned() };
    assert_eq!(*asked(&model), drain);
    press(&mut model, "n");
    change(&mut model, |pools| drop(pools.remove(0)));
    assert!(screen(&model).contains("it is kept no longer"), "{}", screen(&model));
    assert!(press(&mut model, "E + - W").is_empty());
    press(&mut model, "esc");
    assert_eq!(model.pools.selected, Some(function("ocr")), "its neighbour is selected");
}

#[test]
fn without_confirmation_they_are_sent_at_once() {
    let mut model = with_pools(80, 24);
    model.options.confirm = false;
    let send = |action| Effect::Send { action, reason: "manual".to_owned() };
    assert_eq!(press(&mut model, "7 >"), [send(scale("hello", Direction::Up))]);
    let drain = Action::PoolDrain { function: function("hello"), container: "hello-1".to_owned() };
    assert_eq!(press(&mut model, "enter E"), [send(drain)]);
    assert_eq!(press(&mut model, "<"), [send(scale("hello", Direction::Down))]);
    assert_eq!(press(&mut model, "esc j W"), [send(Action::PoolWake { function: function("ocr") })]);
}

#[test]
fn only_an_empty_pool_is_woken() {
    let mut model = with_pools(80, 24);
    assert!(press(&mut model, "7 W").is_empty());
    assert!(model.popups.is_empty());
    assert!(screen(&model).contains("pool hello is awake"), "{}", screen(&model));
}

#[test]
fn a_changed_pool_is_a_reason_to_draw() {
    let mut model = with_pools(120, 40);
    press(&mut model, "7 j j");
    model.take_stale_screen();
    let view = Arc::clone(&model.view);
    update(&mut model, Message::View(view));
    assert!(!model.take_stale_screen());
    change(&mut model, |pools| pools[0].containers[2].status = ContainerStatus::Healthy);
    assert!(model.take_stale_screen());
    assert_eq!(model.pools.selected, Some(function("resize-images")));
}

#[test]
fn the_timeline_is_filtered_by_function() {
    for (filter, found) in
        [("function:hello", 1), ("function:hello,thumb", 2), ("function:none", 0), ("resize-images", 1)]
    {
        let mut model = with_pools(160, 48);
        press(&mut model, "/");
        type_text(&mut model, filter);
        assert_eq!(model.timeline.rows.len(), found, "{filter}");
    }
}

#[test]
fn every_size_can_be_drawn() {
    for (width, height) in [(80, 24), (81, 25), (119, 60), (120, 29), (120, 30), (133, 33), (300, 100)] {
        for keys in ["7", "7 z", "7 enter", "7 j enter", "7 G enter E", "7 j W", "7 j j >"] {
            let mut model = with_pools(width, height);
            press(&mut model, keys);
            screen(&model);
        }
    }
}
