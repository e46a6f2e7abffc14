//! Colours where they carry meaning, and none at all under `NO_COLOR`.

use ratatui::style::{Color, Modifier};

use super::*;

/// The cell at the beginning of a text on the screen.
fn at(buffer: &Buffer, text: &str) -> ratatui::buffer::Cell {
    let width = usize::from(buffer.area.width);
    for row in buffer.content.chunks(width) {
        let cells: Vec<&str> = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        for start in 0..width {
            if cells[start..].concat().starts_with(text) {
                return row[start].clone();
            }
        }
    }
    panic!("{text:?} is not on the screen");
}

#[test]
fn colours_say_what_words_say() {
    let mut model = model(160, 48);
    press(&mut model, "2");
    let buffer = buffer(&model);
    for (text, colour) in [
        ("● ready", Color::Green),
        ("✗ unhealthy", Color::Red),
        ("◔ starting", Color::Yellow),
        ("◌ draining", Color::Magenta),
        ("✖ NodeUnexpectedlyLost", Color::Red),
        ("▲ ResourcePressureAlert", Color::Yellow),
        ("97%", Color::Red),
        ("58%", Color::Green),
        ("71%", Color::Yellow),
        ("HELD", Color::Magenta),
        ("cooling", Color::Yellow),
        ("✗ cooldown", Color::Red),
        ("✓ observed", Color::Green),
    ] {
        assert_eq!(at(&buffer, text).fg, colour, "{text}");
    }
    for text in ["· NodeReady", "○ cpu low", "CPU 30"] {
        assert!(at(&buffer, text).modifier.contains(Modifier::DIM), "{text}");
    }
    assert_eq!(at(&buffer, " LIVE ").bg, Color::Cyan);
}

#[test]
fn the_selected_row_stands_out_in_the_focused_pane_only() {
    let mut model = model(80, 24);
    assert_eq!(at(&buffer(&model), "▸ k3s-edge").bg, Color::Cyan);
    press(&mut model, "5");
    assert_eq!(at(&buffer(&model), "▸ k3s-edge").bg, Color::Reset);
}

#[test]
fn no_color_means_none_anywhere() {
    for keys in ["", "5", "u", "h", "?", ":", "5 enter", "space", "5 z"] {
        for (width, height) in [(80, 24), (160, 48)] {
            let mut model = model(width, height);
            model.theme = Theme::plain();
            press(&mut model, keys);
            let buffer = buffer(&model);
            assert!(
                buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset),
                "{keys:?} at {width}x{height} has colour"
            );
            assert!(buffer.content.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)));
        }
    }
}

#[test]
fn a_dry_run_is_badged() {
    let mut view = gallery::view();
    view.engine.as_mut().unwrap().dry_run = true;
    assert_eq!(at(&buffer(&model_of(view, 80, 24)), " DRY RUN ").bg, Color::Red);
}
