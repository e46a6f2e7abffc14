//! Every action of the key table, by its default keys. The `match` is exhaustive: a new action does not compile without its test.

use windlass::model::{Action, Direction};

use super::super::keys::Act;
use super::super::layout::Pane;
use super::super::popup::Popup;
use super::super::roster::Sort;
use super::*;

fn top(model: &Model) -> &Popup {
    model.popups.last().expect("a popup is open")
}

fn confirmed(model: &Model) -> &Action {
    match top(model) {
        Popup::Confirm(confirm) => &confirm.action,
        other => panic!("no confirmation but {other:?}"),
    }
}

fn pane(act: Act) -> Pane {
    Pane::ALL[act as usize - Act::Pane1 as usize]
}

#[test]
fn every_key_does_what_its_action_says() {
    for act in Act::ALL {
        for key in act.default_keys() {
            check(*act, key);
        }
    }
}

#[allow(clippy::too_many_lines, reason = "one arm an action: a table")]
fn check(act: Act, key: &str) {
    let mut model = model(80, 24);
    let said = format!("{} on {key}", act.name());
    match act {
        Act::ScaleUp => {
            press(&mut model, key);
            let wanted = Action::Scale { direction: Direction::Up, count: 1, worker: None, honor_cooldown: false };
            assert_eq!(*confirmed(&model), wanted, "{said}");
        }
        Act::ScaleDown => {
            press(&mut model, key);
            let wanted = Action::Scale { direction: Direction::Down, count: 1, worker: None, honor_cooldown: false };
            assert_eq!(*confirmed(&model), wanted, "{said}");
        }
        Act::ScaleDownSelected => {
            press(&mut model, "G k k k");
            press(&mut model, key);
            let worker = Some("k3s-worker-6".parse().unwrap());
            let wanted = Action::Scale { direction: Direction::Down, count: 1, worker, honor_cooldown: false };
            assert_eq!(*confirmed(&model), wanted, "{said}");
        }
        Act::Hold => {
            press(&mut model, key);
            assert!(matches!(top(&model), Popup::Hold(_)), "{said}");
        }
        Act::Release => {
            press(&mut model, key);
            assert!(matches!(top(&model), Popup::Release(_)), "{said}");
        }
        Act::Protect => {
            press(&mut model, "G k k");
            press(&mut model, key);
            assert_eq!(*confirmed(&model), Action::Protect { worker: "k3s-worker-7".parse().unwrap() }, "{said}");
        }
        Act::Reconcile => {
            let effects = press(&mut model, key);
            assert_eq!(effects, [Effect::Send { action: Action::Reconcile, reason: "manual".to_owned() }], "{said}");
        }
        Act::PoolUp | Act::PoolDown | Act::PoolWake => {
            let mut model = model_of(gallery::with_pools(gallery::view()), 80, 24);
            press(&mut model, "7 j");
            press(&mut model, key);
            let function = "ocr".parse().unwrap();
            let wanted = match act {
                Act::PoolUp => Action::PoolScale { function, direction: Direction::Up, count: 1 },
                Act::PoolDown => Action::PoolScale { function, direction: Direction::Down, count: 1 },
                _ => Action::PoolWake { function },
            };
            assert_eq!(*confirmed(&model), wanted, "{said}");
        }
        Act::PoolDrain => {
            let mut model = model_of(gallery::with_pools(gallery::view()), 80, 24);
            press(&mut model, "7 enter j");
            press(&mut model, key);
            let wanted = Action::PoolDrain { function: "hello".parse().unwrap(), container: "hello-2".to_owned() };
            assert_eq!(*confirmed(&model), wanted, "{said}");
        }
        Act::Detail => {
            press(&mut model, key);
            assert!(matches!(top(&model), Popup::Worker(name, 0) if name.as_str() == "k3s-edge"), "{said}");
            press(&mut model, "esc 5");
            press(&mut model, key);
            assert!(matches!(top(&model), Popup::Event(_)), "{said}");
        }
        Act::Filter => {
            press(&mut model, key);
            type_text(&mut model, "type:hold");
            assert_eq!(model.timeline.rows.len(), 1, "{said}");
            press(&mut model, "enter");
            assert!(model.filtering.is_none());
            assert_eq!(model.timeline.filter.text(), "type:hold");
        }
        Act::Operation => {
            for at in ["5", "4", "1 G"] {
                press(&mut model, at);
                press(&mut model, key);
                let running = *model.view.state.operations.keys().next().unwrap();
                assert!(matches!(top(&model), Popup::Track(open) if open.track.id == running), "{said} at {at}");
                press(&mut model, key);
                assert!(model.popups.is_empty(), "{said} at {at}");
            }
        }
        Act::FilterOperation => {
            press(&mut model, "5");
            press(&mut model, key);
            assert_eq!(model.timeline.rows.len(), 3, "{said}");
            press(&mut model, key);
            assert_eq!(model.timeline.rows.len(), model.view.events.len(), "{said}");
        }
        Act::DeadLetters => {
            press(&mut model, key);
            assert!(matches!(top(&model), Popup::Letters(_)), "{said}");
            press(&mut model, key);
            assert!(model.popups.is_empty(), "{said}");
        }
        Act::Targets => {
            press(&mut model, key);
            assert!(matches!(top(&model), Popup::Targets(0)), "{said}");
            press(&mut model, key);
            assert!(model.popups.is_empty(), "{said}");
        }
        Act::ClearFilter => {
            press(&mut model, "/ h o l d enter");
            press(&mut model, key);
            assert_eq!(model.timeline.rows.len(), model.view.events.len(), "{said}");
        }
        Act::Follow => {
            press(&mut model, key);
            assert!(!model.timeline.follow, "{said}");
            press(&mut model, key);
            assert!(model.timeline.follow, "{said}");
        }
        Act::Pause => {
            press(&mut model, key);
            assert!(model.paused.is_some(), "{said}");
            press(&mut model, key);
            assert!(model.paused.is_none(), "{said}");
        }
        Act::Zoom => {
            press(&mut model, key);
            assert!(model.zoomed, "{said}");
            press(&mut model, "esc");
            assert!(!model.zoomed, "{said}");
        }
        Act::Sort => {
            for sort in [Sort::Age, Sort::Cpu, Sort::Memory, Sort::Name] {
                press(&mut model, key);
                assert_eq!(model.roster.sort, sort, "{said}");
            }
        }
        Act::WhyDirection => {
            for why in [Some(Direction::Up), Some(Direction::Down), None] {
                press(&mut model, key);
                assert_eq!(model.why, why, "{said}");
            }
        }
        Act::NextPane => {
            press(&mut model, key);
            assert_eq!(model.focus, Pane::Why, "{said}");
        }
        Act::PreviousPane => {
            press(&mut model, key);
            assert_eq!((model.focus, model.tab), (Pane::Redis, Pane::Redis), "{said}");
        }
        Act::Pane1 | Act::Pane2 | Act::Pane3 | Act::Pane4 | Act::Pane5 | Act::Pane6 | Act::Pane7 => {
            press(&mut model, key);
            assert_eq!(model.focus, pane(act), "{said}");
        }
        Act::Down | Act::Up | Act::PageDown | Act::PageUp | Act::First | Act::Last => moves(act, key),
        Act::Help => {
            press(&mut model, key);
            assert!(matches!(top(&model), Popup::Help(0)), "{said}");
        }
        Act::Palette => {
            press(&mut model, key);
            assert!(matches!(top(&model), Popup::Palette(_)), "{said}");
        }
        Act::Quit => assert_eq!(press(&mut model, key), [Effect::Quit], "{said}"),
    }
}

/// Where a movement leads from the fourth of seven workers, from the tenth of twenty events, and in a pane that scrolls.
fn moves(act: Act, key: &str) {
    let mut model = model(80, 24);
    press(&mut model, "j j j");
    press(&mut model, key);
    let worker = match act {
        Act::Down => 4,
        Act::Up => 2,
        Act::PageDown | Act::Last => 6,
        _ => 0,
    };
    assert_eq!(model.roster.index(), Some(worker), "{}", act.name());

    press(&mut model, "5 g");
    press(&mut model, &"j ".repeat(9));
    assert!(!model.timeline.follow);
    press(&mut model, key);
    let event = match act {
        Act::Down => 10,
        Act::Up => 8,
        Act::PageDown => 14,
        Act::PageUp => 4,
        Act::First => 0,
        _ => 19,
    };
    assert_eq!(model.timeline.selected, Some(event), "{}", act.name());
    assert_eq!(model.timeline.follow, act == Act::Last, "only going to the very end follows");

    press(&mut model, "6 j");
    let before = model.scroll.redis;
    assert_eq!(before, 1, "Redis has more rows than fit");
    press(&mut model, key);
    match act {
        Act::Down | Act::PageDown | Act::Last => assert!(model.scroll.redis > before, "{}", act.name()),
        _ => assert!(model.scroll.redis < before, "{}", act.name()),
    }
}

#[test]
fn a_remapped_key_does_it_and_the_old_one_does_not() {
    let mut model = model(80, 24);
    model.options.keys = KeyMap::new(&BTreeMap::from([("zoom".to_owned(), "Z".to_owned())])).unwrap();
    press(&mut model, "z");
    assert!(!model.zoomed);
    press(&mut model, "Z");
    assert!(model.zoomed);
}

#[test]
fn the_help_lists_every_action_with_its_keys() {
    for (width, height) in [(80, 24), (160, 48)] {
        let mut model = model(width, height);
        model.options.keys = KeyMap::new(&BTreeMap::from([("zoom".to_owned(), "Z".to_owned())])).unwrap();
        press(&mut model, "?");
        let mut seen = screen(&model);
        for _ in 0..60 {
            press(&mut model, "j");
            seen.push_str(&screen(&model));
        }
        for act in Act::ALL {
            assert!(seen.contains(act.help()), "{} is not in the help at {width}x{height}", act.name());
            assert!(seen.contains(&model.options.keys.hints(*act)), "{}'s keys are not in the help", act.name());
        }
    }
}

#[test]
fn ctrl_c_quits_and_ctrl_z_suspends_from_anywhere() {
    for keys in ["", "u", "? ", ": x", "/ x", "h d t"] {
        let mut model = model(80, 24);
        press(&mut model, keys);
        assert_eq!(press(&mut model, "ctrl-z"), [Effect::Suspend], "after {keys:?}");
        assert_eq!(press(&mut model, "ctrl-c"), [Effect::Quit], "after {keys:?}");
    }
}

#[test]
fn a_released_key_does_nothing() {
    let mut model = model(80, 24);
    model.take_stale_screen();
    let mut key = "u".parse::<Chord>().unwrap().event();
    key.kind = crossterm::event::KeyEventKind::Release;
    assert!(update(&mut model, Message::Key(key)).is_empty());
    assert!(model.popups.is_empty() && !model.take_stale_screen());
}

#[test]
fn on_a_terminal_that_is_too_small_only_leaving_works() {
    let mut model = model(60, 20);
    assert!(press(&mut model, "R u d").is_empty());
    assert!(model.popups.is_empty());
    assert_eq!(press(&mut model, "q"), [Effect::Quit]);
}
