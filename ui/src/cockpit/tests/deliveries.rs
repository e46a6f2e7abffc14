//! Dead letters with retry and drop, and webhook targets.

use insta::assert_snapshot;
use windlass::model::Action;

use super::super::popup::Popup;
use super::*;

fn with_letters(width: u16, height: u16) -> Model {
    let mut view = gallery::view();
    view.deliveries = Some(Arc::new(gallery::deliveries(view.at)));
    model_of(view, width, height)
}

/// A picture in which the letter at a place has gone.
fn without(model: &mut Model, place: usize) {
    let mut view = (*model.view).clone();
    let mut known = (**view.deliveries.as_ref().unwrap()).clone();
    known.letters.remove(place);
    known.dead -= 1;
    view.deliveries = Some(Arc::new(known));
    update(model, Message::View(Arc::new(view)));
}

fn entry(model: &Model, place: usize) -> String {
    model.view.deliveries.as_ref().unwrap().letters[place].entry.clone()
}

#[test]
fn what_is_shown_of_them() {
    for (width, height) in [(80, 24), (160, 48)] {
        for (name, keys) in [("letters", "X"), ("letters_unreadable", "X j"), ("letters_drop", "X d"), ("targets", "T")]
        {
            let mut model = with_letters(width, height);
            press(&mut model, keys);
            assert_snapshot!(format!("popup_{name}_{width}x{height}"), screen(&model));
        }
    }
}

#[test]
fn the_header_counts_dead_letters_and_says_nothing_without() {
    for (width, height) in [(80, 24), (160, 48)] {
        let mut counted = with_letters(width, height);
        assert!(screen(&counted).contains(" ✖ 2 dead "), "{}", screen(&counted));
        without(&mut counted, 0);
        assert!(counted.take_stale_screen());
        assert!(screen(&counted).contains(" ✖ 1 dead "), "{}", screen(&counted));
        assert!(!screen(&model(width, height)).contains("dead"));
    }
}

#[test]
fn retry_and_drop_ask_and_name_the_letter() {
    for (key, at) in [("r", 0), ("d", 1)] {
        let mut model = with_letters(80, 24);
        let entry = entry(&model, at);
        press(&mut model, "X");
        (0..at).for_each(|_| drop(press(&mut model, "j")));
        assert!(press(&mut model, key).is_empty());
        let action = if key == "r" { Action::DeadLetterRetry { entry } } else { Action::DeadLetterDrop { entry } };
        assert_eq!(press(&mut model, "y"), [Effect::Send { action, reason: "manual".to_owned() }]);
        assert!(matches!(model.popups[..], [Popup::Letters(_)]), "the letters stay open: there may be more to do");
    }
}

#[test]
fn what_follows_from_a_retry_is_shown_before() {
    let mut model = with_letters(80, 24);
    press(&mut model, "X r");
    assert!(screen(&model).contains("→ AlertManager:pager gets the event again"), "{}", screen(&model));
    press(&mut model, "n j r");
    assert!(screen(&model).contains("✗ it cannot be read as an event: the engine will refuse"), "{}", screen(&model));
}

#[test]
fn without_confirmation_they_are_sent_at_once() {
    let mut model = with_letters(80, 24);
    model.options.confirm = false;
    let entry = entry(&model, 0);
    let action = Action::DeadLetterDrop { entry };
    assert_eq!(press(&mut model, "X d"), [Effect::Send { action, reason: "manual".to_owned() }]);
    assert!(matches!(model.popups[..], [Popup::Letters(_)]));
}

#[test]
fn a_letter_that_goes_does_not_put_another_under_the_key() {
    let mut model = with_letters(80, 24);
    let second = entry(&model, 1);
    press(&mut model, "X j");
    without(&mut model, 0);
    press(&mut model, "d");
    let Some(Popup::Confirm(confirm)) = model.popups.last() else { panic!("{:?}", model.popups) };
    assert_eq!(confirm.action, Action::DeadLetterDrop { entry: second });
    press(&mut model, "n");
    without(&mut model, 0);
    assert!(screen(&model).contains("there are none"), "{}", screen(&model));
    assert!(press(&mut model, "r d enter").is_empty());
    assert_eq!(model.popups.len(), 1, "there is nothing to be asked about");
}

#[test]
fn a_letter_opens_its_event_where_it_can_be_read() {
    let mut model = with_letters(120, 40);
    press(&mut model, "X enter");
    assert!(matches!(model.popups.last(), Some(Popup::Event(_))));
    assert!(screen(&model).contains("container exited with code 137"), "{}", screen(&model));
    press(&mut model, "esc j enter");
    assert_eq!(model.popups.len(), 1);
}

#[test]
fn what_was_not_read_is_not_said_to_be_none() {
    let mut model = model(80, 24);
    press(&mut model, "X");
    assert!(screen(&model).contains("not read yet"));
    press(&mut model, "X T");
    assert!(screen(&model).contains("not read yet"));
}
