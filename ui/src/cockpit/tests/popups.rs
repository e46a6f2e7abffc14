//! What is asked before something is done.

use windlass::model::{Action, Direction, Scope};

use super::super::popup::Popup;
use super::*;

fn sent(action: Action, reason: &str) -> Vec<Effect> {
    vec![Effect::Send { action, reason: reason.to_owned() }]
}

fn scale(direction: Direction, worker: Option<&str>) -> Action {
    Action::Scale { direction, count: 1, worker: worker.map(|name| name.parse().unwrap()), honor_cooldown: false }
}

#[test]
fn yes_sends_and_no_does_not() {
    for yes in ["y", "Y", "enter"] {
        let mut model = model(80, 24);
        press(&mut model, "u");
        assert_eq!(press(&mut model, yes), sent(scale(Direction::Up, None), "manual"));
        assert!(model.popups.is_empty());
    }
    for no in ["n", "N", "esc"] {
        let mut model = model(80, 24);
        assert!(press(&mut model, &format!("u {no}")).is_empty());
        assert!(model.popups.is_empty());
    }
}

#[test]
fn a_reason_can_be_written_with_any_letter() {
    let mut model = model(80, 24);
    press(&mut model, "d e ctrl-u");
    type_text(&mut model, "yes, no need");
    assert_eq!(press(&mut model, "enter"), sent(scale(Direction::Down, None), "yes, no need"));
}

#[test]
fn an_empty_reason_is_manual() {
    let mut model = model(80, 24);
    assert_eq!(press(&mut model, "d e ctrl-u enter"), sent(scale(Direction::Down, None), "manual"));
}

#[test]
fn what_follows_from_scaling_up_is_shown() {
    let mut model = model(80, 24);
    press(&mut model, "u");
    let shown = screen(&model);
    for part in [
        "scale up by 1?",
        "→ workers 8 → 9",
        "min 2, max 8, 1 coming",
        "✗ 9 is more than the maximum of 8: the engine will refuse",
        "▲ overrides the scale-up cooldown, 34s left",
        "then cools down: scale up for 1m00s, scale down for 5m00s",
    ] {
        assert!(shown.contains(part), "{part:?} is missing in\n{shown}");
    }
}

#[test]
fn what_follows_from_scaling_down_is_shown() {
    let mut model = model(80, 24);
    press(&mut model, "d");
    let shown = screen(&model);
    for part in
        ["→ workers 8 → 7", "k3s-worker-7 (age 1h29m, the youngest)", "✗ anna holds scale down for 7m55s", "2m41s left"]
    {
        assert!(shown.contains(part), "{part:?} is missing in\n{shown}");
    }
    press(&mut model, "esc g D");
    let shown = screen(&model);
    assert!(shown.contains("✗ k3s-edge is permanent: the engine will refuse"), "{shown}");
}

#[test]
fn workers_that_are_still_coming_are_no_room_to_scale_down() {
    let mut view = gallery::view();
    let state = view.state.clone();
    assert!(state.workers_staying() < state.workers_settled(), "one is coming");
    let mut asked = |min_nodes| {
        view.engine.as_mut().unwrap().limits.min_nodes = min_nodes;
        let mut model = model_of(view.clone(), 120, 40);
        press(&mut model, "d");
        screen(&model)
    };
    let least = state.workers_staying();
    let shown = asked(least);
    assert!(shown.contains(&format!("✗ {} is less than the minimum of {least}", least - 1)), "{shown}");
    assert!(!asked(least - 1).contains("less than the minimum"));
}

#[test]
fn without_a_leader_or_in_a_dry_run_it_is_said_before() {
    let mut view = gallery::view();
    view.leader = None;
    view.engine.as_mut().unwrap().dry_run = true;
    let mut model = model_of(view, 80, 30);
    press(&mut model, "u");
    let shown = screen(&model);
    assert!(shown.contains("no engine runs: nobody will take the command"), "{shown}");
    assert!(shown.contains("runs dry"), "{shown}");
}

#[test]
fn without_confirmation_scaling_is_sent_at_once() {
    let mut model = model(80, 24);
    model.options.confirm = false;
    assert_eq!(press(&mut model, "u"), sent(scale(Direction::Up, None), "manual"));
    assert_eq!(press(&mut model, "D"), sent(scale(Direction::Down, Some("k3s-edge")), "manual"));
}

#[test]
fn nothing_to_remove_is_said() {
    let mut view = gallery::view();
    let mut state = (*view.state).clone();
    state.workers.retain(|_, worker| !worker.is_removable());
    view.state = state.into();
    let mut model = model_of(view, 80, 24);
    assert!(press(&mut model, "d").is_empty());
    assert!(model.popups.is_empty());
    assert!(screen(&model).contains("no worker may go"));
}

#[test]
fn a_hold_is_put_together_step_by_step() {
    for (keys, scope, seconds) in [
        ("h u 1", Scope::Up, 900),
        ("h d 4", Scope::Down, 14_400),
        ("h a enter", Scope::All, 1800),
        ("h j enter j enter", Scope::Down, 3600),
        ("h u t 9 0 m enter", Scope::Up, 5400),
    ] {
        let mut model = model(80, 24);
        assert!(press(&mut model, keys).is_empty(), "{keys}");
        type_text(&mut model, "quiet please");
        assert_eq!(press(&mut model, "enter"), sent(Action::Hold { scope, seconds }, "quiet please"), "{keys}");
    }
}

#[test]
fn a_duration_that_cannot_be_is_refused_with_what_is_allowed() {
    for (typed, part) in [("s o o n", "is not a duration"), ("0 s", "no time at all"), ("9 d", "at most 7d00h")] {
        let mut model = model(80, 24);
        assert!(press(&mut model, &format!("h u t {typed} enter")).is_empty());
        assert!(screen(&model).contains(part), "{typed}: {}", screen(&model));
        assert!(matches!(model.popups.last(), Some(Popup::Hold(_))));
    }
}

#[test]
fn release_takes_a_direction_and_says_when_nothing_is_held() {
    let mut held = model(80, 24);
    assert_eq!(press(&mut held, "r d"), sent(Action::Release { scope: Scope::Down }, "manual"));
    let mut view = gallery::view();
    let mut state = (*view.state).clone();
    state.holds.down = None;
    view.state = state.into();
    let mut free = model_of(view, 80, 24);
    assert!(press(&mut free, "r").is_empty());
    assert!(screen(&free).contains("nothing is held"));
}

#[test]
fn protection_is_given_and_taken_and_needless_for_permanent_workers() {
    let mut model = model(80, 24);
    press(&mut model, "p");
    assert!(model.popups.is_empty() && screen(&model).contains("permanent"));
    press(&mut model, "j j p");
    let worker = "k3s-worker-4".parse().unwrap();
    assert_eq!(press(&mut model, "d o n e enter"), sent(Action::Unprotect { worker }, "done"));
}

#[test]
fn quitting_asks_where_the_engine_ends_too() {
    let mut model = model(80, 24);
    model.options.mode = Mode::EngineHere;
    assert!(press(&mut model, "q").is_empty());
    assert!(screen(&model).contains("scaling up by 2 is at 17%: the next start finishes it"));
    assert!(press(&mut model, "n").is_empty());
    assert!(model.popups.is_empty());
    assert_eq!(press(&mut model, "q y"), [Effect::Quit]);
}

#[test]
fn the_palette_runs_actions_and_commands() {
    let mut model = model(80, 24);
    press(&mut model, ":");
    type_text(&mut model, "zoom");
    press(&mut model, "enter");
    assert!(model.zoomed && model.popups.is_empty());

    press(&mut model, ":");
    type_text(&mut model, "scale up 2 because release day");
    press(&mut model, "enter");
    let action = Action::Scale { direction: Direction::Up, count: 2, worker: None, honor_cooldown: false };
    assert_eq!(press(&mut model, "y"), sent(action, "release day"));

    press(&mut model, ":");
    type_text(&mut model, "reconcile now");
    assert_eq!(press(&mut model, "enter"), sent(Action::Reconcile, "now"));

    press(&mut model, ":");
    type_text(&mut model, "hold sideways");
    assert!(press(&mut model, "enter").is_empty());
    assert!(screen(&model).contains("✗ hold what? write: hold up, hold down or hold all"));
}

#[test]
fn pasted_text_goes_into_the_field_and_confirms_nothing() {
    let mut model = model(80, 24);
    press(&mut model, "d e ctrl-u");
    let paste = |text: &str| Message::Paste(text.to_owned());
    assert!(update(&mut model, paste("line one\nline two\n")).is_empty());
    assert_eq!(press(&mut model, "enter"), sent(scale(Direction::Down, None), "line one line two"));
    assert!(update(&mut model, paste("q")).is_empty(), "a paste outside a field is not a key");
}

#[test]
fn an_event_opens_along_its_chain() {
    let mut model = model(120, 40);
    press(&mut model, "5 / r e s t o r e d enter enter");
    let shown = screen(&model);
    assert!(shown.contains("└ ✖ MinimumNodesViolation"), "{shown}");
    press(&mut model, "g enter");
    assert_eq!(model.popups.len(), 2);
    assert!(screen(&model).contains("container_exited"), "{}", screen(&model));
    press(&mut model, "esc esc");
    assert!(model.popups.is_empty());
}
