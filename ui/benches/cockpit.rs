//! How long a frame takes to draw with 1,000 workers and 10,000 events, beside a plain paragraph of the same size in the same run.
//!
//! `cargo bench -p windlass-ui --bench cockpit`
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;
use ratatui::widgets::Paragraph;
use windlass::model::View;
use windlass_ui::cockpit::filter::Filter;
use windlass_ui::cockpit::{KeyMap, Message, Mode, Options, Theme, draw, gallery, open, update};

const ROUNDS: usize = 300;
const SIZE: Size = Size { width: 200, height: 50 };

fn main() {
    let view = Arc::new(big_view());
    let keys = KeyMap::new(&BTreeMap::new()).unwrap_or_default();
    let options = Options {
        actor: "bench".to_owned(),
        confirm: true,
        keys,
        mode: Mode::Attached,
        lease: gallery::LEASE,
        color: true,
    };
    let mut model = open(options, Theme::ansi(), SIZE, Arc::clone(&view));
    let mut terminal = match Terminal::new(TestBackend::new(SIZE.width, SIZE.height)) {
        Ok(terminal) => terminal,
        Err(never) => match never {},
    };

    let row = "─".repeat(usize::from(SIZE.width));
    let text = vec![row; usize::from(SIZE.height)].join("\n");
    let baseline = median(|| {
        let _ = terminal.draw(|frame| frame.render_widget(Paragraph::new(text.as_str()), frame.area()));
    });
    let frame = median(|| {
        let _ = terminal.draw(|frame| draw(&model, frame));
    });
    let fresh = Arc::new(View { state: Arc::new((*view.state).clone()), ..(*view).clone() });
    let picture = median(|| {
        update(&mut model, Message::View(Arc::clone(&fresh)));
    });
    let filter = median(|| model.timeline.set_filter(Filter::parse("severity:warning k3s-worker-7"), &view.events));

    println!("{}x{}, {} workers, {} events", SIZE.width, SIZE.height, view.state.workers.len(), view.events.len());
    println!("plain paragraph      {:>8.3} ms   1.00", ms(baseline));
    for (name, time) in [("cockpit, one frame", frame), ("a new picture", picture), ("a filter over all", filter)] {
        println!("{name:<20} {:>8.3} ms   {:.2}", ms(time), time.as_secs_f64() / baseline.as_secs_f64());
    }
}

fn big_view() -> View {
    let mut view = gallery::view();
    let (state, seen) = gallery::many_workers(view.at, 1_000);
    view.state = Arc::new(windlass::model::State { workers: state.workers, ..(*view.state).clone() });
    view.observation = Some(Arc::new(seen));
    view.events = Arc::new(gallery::many_events(10_000));
    view
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
