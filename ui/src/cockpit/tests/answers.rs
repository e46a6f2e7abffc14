//! New pictures, the passing of time, and the answers to commands.

use chrono::TimeDelta;
use uuid::Uuid;
use windlass::handlers::operator;
use windlass::model::event::{CommandRefused, ScaleUpDecision};
use windlass::model::{Action, Event, EventData, Origin};

use super::*;

const COMMAND: Uuid = Uuid::from_u128(7);

fn sent(model: &mut Model) {
    let at = model.now;
    update(model, Message::Sent { command_id: COMMAND, action: Action::Reconcile, at });
}

/// The picture with one event more.
fn after(model: &Model, data: impl Into<EventData>, caused_by: Option<Uuid>) -> Message {
    let mut view = (*model.paused.as_ref().map_or(&model.view, |paused| &paused.latest)).as_ref().clone();
    let mut events = (*view.events).clone();
    let like = events.back().unwrap();
    let event_id = Uuid::from_u128(like.event_id.as_u128() + 1);
    let source = operator::SOURCE.to_owned();
    let event = Event { event_id, data: data.into(), caused_by, source, timestamp: view.at, ..(**like).clone() };
    events.push_back(Arc::new(event));
    view.events = Arc::new(events);
    Message::View(Arc::new(view))
}

fn decision() -> ScaleUpDecision {
    ScaleUpDecision {
        count: 1,
        current_workers: 3,
        target_workers: 4,
        origin: Origin::Operator,
        reason: "release".to_owned(),
        dry_run: false,
    }
}

fn tick(model: &mut Model, seconds: i64) {
    let now = model.now + TimeDelta::seconds(seconds);
    update(model, Message::Tick(now));
}

#[test]
fn a_command_taken_is_said_in_the_words_of_its_event() {
    let mut model = model(80, 24);
    sent(&mut model);
    assert!(screen(&model).contains("… sent: reconcile"));
    let message = after(&model, decision(), Some(COMMAND));
    update(&mut model, message);
    assert!(screen(&model).contains("✓ taken: scale up 3 → 4: release"), "{}", screen(&model));
    assert!(model.waiting.is_empty());
    tick(&mut model, 9);
    assert!(!screen(&model).contains("taken"), "a toast goes by itself");
}

#[test]
fn a_refusal_is_said_with_its_reason_even_while_paused() {
    let mut model = model(120, 40);
    press(&mut model, "space");
    sent(&mut model);
    let data =
        CommandRefused { command: "scale".into(), reason: "limit".into(), detail: "6 + 1 is more than 6".into() };
    let message = after(&model, data, Some(COMMAND));
    update(&mut model, message);
    assert!(screen(&model).contains("✗ scale refused (limit): 6 + 1 is more than 6"));
}

#[test]
fn an_event_that_something_else_caused_is_no_answer() {
    let mut model = model(80, 24);
    sent(&mut model);
    let message = after(&model, decision(), Some(Uuid::from_u128(8)));
    update(&mut model, message);
    assert_eq!(model.waiting.len(), 1);
}

#[test]
fn no_answer_is_said_after_five_seconds_once_and_a_late_one_still_counts() {
    let mut model = model(80, 24);
    sent(&mut model);
    tick(&mut model, 4);
    assert!(!screen(&model).contains("no answer"));
    tick(&mut model, 1);
    assert!(screen(&model).contains("no answer to \"reconcile\" for 5 s"), "{}", screen(&model));
    let message = after(&model, decision(), Some(COMMAND));
    update(&mut model, message);
    assert!(screen(&model).contains("taken"));
}

#[test]
fn a_command_that_cannot_be_handed_over_is_said() {
    let mut model = model(80, 24);
    update(&mut model, Message::SendFailed { action: Action::Reconcile });
    assert!(screen(&model).contains("✗ not sent: reconcile"));
}

#[test]
fn a_paused_picture_stands_still_and_counts() {
    let mut model = model(80, 24);
    press(&mut model, "space");
    let before = screen(&model);
    assert!(before.contains("PAUSED +0"));
    model.take_stale_screen();
    tick(&mut model, 60);
    assert!(!model.take_stale_screen(), "nothing on a paused screen changes with time");
    assert_eq!(screen(&model), before);
    for _ in 0..3 {
        let message = after(&model, decision(), None);
        update(&mut model, message);
    }
    assert!(model.take_stale_screen());
    assert_eq!(screen(&model), before.replace("+0", "+3"));
    press(&mut model, "space");
    assert_eq!(model.view.events.len(), gallery::view().events.len() + 3);
    assert!(!screen(&model).contains("PAUSED"));
}

#[test]
fn the_same_picture_again_is_no_reason_to_draw() {
    let mut model = model(80, 24);
    model.take_stale_screen();
    let mut view = (*model.view).clone();
    view.at += TimeDelta::milliseconds(200);
    update(&mut model, Message::View(Arc::new(view)));
    assert!(!model.take_stale_screen());
    let message = after(&model, decision(), None);
    update(&mut model, message);
    assert!(model.take_stale_screen());
}

#[test]
fn a_following_timeline_follows_and_a_frozen_one_stays() {
    let mut model = model(80, 24);
    let message = after(&model, decision(), None);
    update(&mut model, message);
    assert_eq!(model.timeline.selected, Some(model.timeline.rows.len() - 1));
    press(&mut model, "5 k");
    let event = model.timeline.event().unwrap().event_id;
    let message = after(&model, decision(), None);
    update(&mut model, message);
    assert_eq!(model.timeline.event().unwrap().event_id, event);
}

#[test]
fn an_open_event_shows_what_follows_while_it_is_open() {
    let mut model = model(120, 40);
    press(&mut model, "5 enter");
    let own = model.timeline.event().unwrap().event_id;
    assert!(!screen(&model).contains("└ · ScaleUpDecision      0s"));
    let message = after(&model, decision(), Some(own));
    update(&mut model, message);
    assert!(screen(&model).contains("scale up 3 → 4: release"), "{}", screen(&model));
}

#[test]
fn a_resize_is_drawn_and_the_selection_stays_on_the_screen() {
    let mut model = model(160, 48);
    press(&mut model, "G");
    update(&mut model, Message::Resize(80, 24));
    assert!(model.take_stale_screen());
    assert!(screen(&model).contains("▸ k3s-worker-9"), "{}", screen(&model));
}

#[test]
fn the_end_of_the_engine_is_said() {
    let mut model = model(120, 40);
    update(&mut model, Message::ViewsEnded);
    assert!(screen(&model).contains("the engine in this process has ended"));
}
