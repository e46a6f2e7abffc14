//! A picture of the cockpit as SVG text: what the program draws, cell by cell, in its colours on a dark background.
//!
//! `cargo run -p windlass-ui --example screenshot > docs/cockpit.svg`; its test fails where the picture in `docs/` is stale, and
//! `WINDLASS_BLESS=1 cargo test -p windlass-ui --example screenshot` makes it anew.

use std::fmt::Write as _;
use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Size;
use ratatui::style::{Color, Modifier};
use windlass::model::View;
use windlass_ui::cockpit::{KeyMap, Message, Mode, Options, Theme, draw, gallery, open, update};

const SIZE: Size = Size { width: 120, height: 40 };
/// Earlier observations, for the lines of the load.
const LOOKS: u32 = 40;
/// One cell, in pixels.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 17.0;
/// The room around the screen.
const MARGIN: f64 = 14.0;
const BACKGROUND: &str = "#11151c";
const FOREGROUND: &str = "#c8ced8";

fn main() {
    print!("{}", picture());
}

fn picture() -> String {
    let view = gallery::view();
    let earlier = |looks| {
        let seen = gallery::earlier_observation(view.at, looks);
        Arc::new(View { observation: Some(Arc::new(seen)), ..view.clone() })
    };
    let keys = KeyMap::default();
    let options = Options {
        actor: "anna".to_owned(),
        confirm: true,
        keys,
        mode: Mode::EngineHere,
        lease: gallery::LEASE,
        color: true,
    };
    let mut model = open(options, Theme::ansi(), SIZE, earlier(LOOKS));
    for looks in (0..LOOKS).rev() {
        update(&mut model, Message::View(earlier(looks)));
    }
    let mut terminal = match Terminal::new(TestBackend::new(SIZE.width, SIZE.height)) {
        Ok(terminal) => terminal,
        Err(never) => match never {},
    };
    match terminal.draw(|frame| draw(&model, frame)) {
        Ok(_) => svg(terminal.backend().buffer()),
        Err(never) => match never {},
    }
}

/// The cells as SVG: a rectangle behind those that have a background, and neighbours that look the same as one piece of text.
fn svg(buffer: &Buffer) -> String {
    let (columns, rows) = (f64::from(buffer.area.width), f64::from(buffer.area.height));
    let (width, height) = (columns.mul_add(WIDTH, 2.0 * MARGIN), rows.mul_add(HEIGHT, 2.0 * MARGIN));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
         font-family=\"'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\">\n\
         <title>The windlass cockpit</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for y in 0..buffer.area.height {
        let row: Vec<&Cell> = (0..buffer.area.width).map(|x| &buffer[(x, y)]).collect();
        let mut start = 0;
        for run in row.chunk_by(|a, b| look(a) == look(b)) {
            piece(&mut out, run, start, y);
            start += run.len();
        }
    }
    out.push_str("</svg>\n");
    out
}

/// How a cell looks, whatever is written in it.
fn look(cell: &Cell) -> (Color, Color, Modifier) {
    (cell.fg, cell.bg, cell.modifier)
}

fn piece(out: &mut String, run: &[&Cell], column: usize, row: u16) {
    let Some(first) = run.first() else { return };
    let (mut text_color, mut behind) = (hex(first.fg, FOREGROUND), hex(first.bg, BACKGROUND));
    if first.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut text_color, &mut behind);
    }
    let (x, y) = ((column as f64).mul_add(WIDTH, MARGIN), f64::from(row).mul_add(HEIGHT, MARGIN));
    let length = run.len() as f64 * WIDTH;
    if behind != BACKGROUND {
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{HEIGHT}\" fill=\"{behind}\"/>"
        );
    }
    let text: String = run.iter().map(|cell| cell.symbol()).collect();
    if text.trim().is_empty() {
        return;
    }
    let mut attributes = String::new();
    for (modifier, attribute) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::DIM, " fill-opacity=\"0.55\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
    ] {
        if first.modifier.contains(modifier) {
            attributes.push_str(attribute);
        }
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{text_color}\"{attributes} textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
         xml:space=\"preserve\">{text}</text>",
        y + HEIGHT * 0.77
    );
}

/// The terminal's 16 colours, as a calm dark palette has them.
fn hex(color: Color, reset: &'static str) -> &'static str {
    match color {
        Color::Black => "#11151c",
        Color::Red => "#ea6f77",
        Color::Green => "#8fc379",
        Color::Yellow => "#e3b868",
        Color::Blue => "#69a7ef",
        Color::Magenta => "#c792dd",
        Color::Cyan => "#5fbecb",
        Color::White => "#f2f4f8",
        Color::DarkGray | Color::Gray => "#7d8694",
        _ => reset,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_picture_in_the_readme_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cockpit.svg");
        let picture = super::picture();
        if std::env::var_os("WINDLASS_BLESS").is_some() {
            std::fs::write(path, &picture).expect("the picture should be writable");
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        let how = "WINDLASS_BLESS=1 cargo test -p windlass-ui --example screenshot";
        assert!(written == picture, "docs/cockpit.svg is stale: run `{how}`");
    }
}
