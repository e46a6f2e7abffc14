//! A long log: following, freezing and filtering 10,000 events.

use std::collections::VecDeque;

use windlass::model::Event;

use super::super::popup::Popup;
use super::*;

const KEPT: usize = 10_000;

/// What a log of so many events shows once the stream has trimmed its beginning.
fn log(upto: usize) -> Arc<VecDeque<Arc<Event>>> {
    Arc::new(gallery::many_events(upto as u64).range(upto.saturating_sub(KEPT)..).cloned().collect())
}

fn with_log(width: u16, height: u16, upto: usize) -> Model {
    model_of(View { events: log(upto), ..gallery::view() }, width, height)
}

fn grow(model: &mut Model, upto: usize) {
    let view = View { events: log(upto), ..(*model.view).clone() };
    update(model, Message::View(Arc::new(view)));
}

/// The timeline's rows as they are on the screen, without its frame.
fn rows(model: &Model) -> Vec<String> {
    let shown = screen(model);
    let title = shown.lines().position(|line| line.contains(" 5 timeline ")).expect("the timeline is shown");
    shown.lines().skip(title + 1).take_while(|line| !line.contains('╰')).map(ToOwned::to_owned).collect()
}

#[test]
fn a_frozen_timeline_does_not_jump_and_counts_what_comes() {
    for (width, height) in [(80, 24), (160, 48)] {
        let mut model = with_log(width, height, KEPT);
        press(&mut model, "5 z k k k pgup k");
        let (before, event) = (rows(&model), model.timeline.event().unwrap().event_id);
        let mut upto = KEPT;
        for more in [1, 20, 479] {
            upto += more;
            grow(&mut model, upto);
            assert_eq!(rows(&model), before, "{more} more at {width}x{height}");
        }
        assert_eq!(model.timeline.event().unwrap().event_id, event);
        assert_eq!(model.timeline.rows.len(), KEPT);
        assert!(screen(&model).contains("frozen +500 new"), "{}", screen(&model));
        press(&mut model, "G");
        assert!(screen(&model).contains("following"), "{}", screen(&model));
        assert_eq!(model.timeline.fresh, 0);
        assert_ne!(rows(&model), before);
    }
}

#[test]
fn a_frozen_filtered_timeline_counts_only_what_passes() {
    let mut model = with_log(80, 24, KEPT);
    press(&mut model, "/ t y p e : h o l d enter 5 k");
    let before = rows(&model);
    grow(&mut model, KEPT + 60);
    assert_eq!(rows(&model), before);
    let fresh = model.view.events.iter().rev().take(60).filter(|event| model.timeline.filter.matches(event)).count();
    assert!(fresh > 0);
    let shown = screen(&model);
    assert!(shown.contains(&format!("frozen +{fresh} new")), "{shown}");
    assert!(shown.contains("/type:hold 500 of 10,000 match"), "{shown}");
}

#[test]
fn terms_combine_and_say_how_many_match_while_they_are_typed() {
    let mut model = model(160, 48);
    press(&mut model, "/");
    type_text(&mut model, "type:node,scale severity:info worker:worker-9");
    let shown = screen(&model);
    assert!(shown.contains("2 of 20 match"), "{shown}");
    assert_eq!(model.timeline.rows.len(), 2);
    type_text(&mut model, " actor:anna");
    assert!(screen(&model).contains("no event passes the filter; x clears it"));
    press(&mut model, "ctrl-u");
    type_text(&mut model, "severity:fatal");
    assert!(screen(&model).contains(r#"no severity "fatal": info, warning, critical"#), "{}", screen(&model));
    assert_eq!(model.timeline.rows.len(), 20, "what is not understood hides nothing");
}

#[test]
fn an_operation_is_filtered_beside_what_is_filtered_already() {
    let mut model = model(120, 40);
    press(&mut model, "/ t y p e : n o d e enter 5 O");
    assert_eq!(model.timeline.rows.len(), 1);
    assert!(model.timeline.filter.text().starts_with("type:node operation:"));
    press(&mut model, "x");
    assert_eq!(model.timeline.rows.len(), 20);
}

#[test]
fn what_has_no_operation_says_so() {
    let mut model = model(120, 40);
    press(&mut model, "5 g o");
    assert!(model.popups.is_empty());
    assert!(screen(&model).contains("this LeaderElected belongs to no operation"), "{}", screen(&model));
    press(&mut model, "O");
    assert!(model.timeline.filter.is_empty());
}

#[test]
fn a_chain_leads_to_events_and_to_their_operation() {
    let mut model = model(120, 40);
    // From the end of a chain to its decision, from there to the operation, one of its steps, and out of it all.
    press(&mut model, "5 / r e s t o r e d enter enter");
    assert!(screen(&model).contains("└ · ScalingActionCompleted"), "{}", screen(&model));
    press(&mut model, "g j j enter");
    let Some(Popup::Event(open)) = model.popups.last() else { panic!("{:?}", model.popups) };
    assert_eq!(open.event().unwrap().event_type().name(), "AutoScaleUpToMinimum");
    press(&mut model, "o");
    let shown = screen(&model);
    assert!(shown.contains("✓ completed in 11s") && shown.contains("k3s-worker-7"), "{shown}");
    press(&mut model, "j j j enter");
    let Some(Popup::Event(open)) = model.popups.last() else { panic!("{:?}", model.popups) };
    assert_eq!(open.event().unwrap().event_type().name(), "NodeReady");
    assert_eq!(model.popups.len(), 4);
    press(&mut model, "O");
    assert!(model.popups.is_empty());
    assert_eq!(model.timeline.rows.len(), 0, "beside the word that was typed nothing passes");
    press(&mut model, "/ ctrl-u enter 5 g j j j j o O");
    assert_eq!(model.timeline.rows.len(), 6);
}
