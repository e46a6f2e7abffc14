//! Gauges: a heavy line on a light one, with ticks where a threshold is. They read the same without colour.

use ratatui::style::Style;
use ratatui::text::Span;

use super::super::theme::Theme;
use super::text::span;

/// A share of 0 to 1 over `cells`, with ticks at shares; `None` draws a broken line: unknown.
pub fn line(share: Option<f64>, cells: usize, ticks: &[f64], style: Style, theme: &Theme) -> Vec<Span<'static>> {
    let Some(share) = share.filter(|share| share.is_finite()) else {
        return vec![span("╌".repeat(cells), theme.faint)];
    };
    let halves = (share.clamp(0.0, 1.0) * cells as f64 * 2.0).round() as usize;
    let ticks: Vec<usize> = ticks.iter().map(|tick| tick_cell(*tick, cells)).collect();
    let (mut filled, mut rest) = (String::new(), String::new());
    for cell in 0..cells {
        let tick = ticks.contains(&cell);
        match (halves.saturating_sub(cell * 2), tick) {
            (2.., false) => filled.push('━'),
            (2.., true) => filled.push('┿'),
            (1, false) => filled.push('╸'),
            (1, true) => filled.push('┾'),
            (0, false) => rest.push('─'),
            (0, true) => rest.push('┼'),
        }
    }
    vec![span(filled, style), span(rest, theme.faint)]
}

fn tick_cell(share: f64, cells: usize) -> usize {
    ((share.clamp(0.0, 1.0) * cells as f64) as usize).min(cells.saturating_sub(1))
}

/// The style of a load: above its upper threshold, close below it, or in order.
pub fn level(value: Option<f64>, high: f64, theme: &Theme) -> Style {
    match value {
        None => theme.faint,
        Some(value) if value > high => theme.bad,
        Some(value) if value > high - 10.0 => theme.warn,
        Some(_) => theme.good,
    }
}

/// One block a worker up to the maximum where there is room for that, a share of the maximum otherwise.
pub fn workers(now: u32, coming: u32, max: u32, cells: usize, style: Style, theme: &Theme) -> Vec<Span<'static>> {
    let cells = cells.min(max.max(1) as usize);
    let scaled = |count: u32| (count as usize * cells).div_ceil(max.max(1) as usize).min(cells);
    let full = scaled(now);
    let soon = scaled(now.saturating_add(coming)).saturating_sub(full);
    vec![
        span("▕", theme.faint),
        span("█".repeat(full), style),
        span("▒".repeat(soon), theme.warn),
        span("·".repeat(cells - full - soon), theme.faint),
        span("▏", theme.faint),
    ]
}

/// The last `cells` values of 0 to 100 as small columns; unknown ones are gaps.
pub fn sparkline<'a>(values: impl DoubleEndedIterator<Item = &'a Option<f64>>, cells: usize) -> String {
    const COLUMNS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let mut columns: Vec<char> = values
        .rev()
        .take(cells)
        .map(|value| value.map_or(' ', |value| COLUMNS[((value.clamp(0.0, 100.0) / 12.5) as usize).min(7)]))
        .collect();
    columns.resize(cells, ' ');
    columns.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(spans: &[Span<'_>]) -> String {
        spans.iter().map(|span| span.content.as_ref()).collect()
    }

    fn drawn(share: Option<f64>, ticks: &[f64]) -> String {
        text(&line(share, 10, ticks, Style::new(), &Theme::plain()))
    }

    #[test]
    fn a_gauge_has_its_ticks_filled_or_not() {
        assert_eq!(drawn(Some(0.0), &[]), "──────────");
        assert_eq!(drawn(Some(0.55), &[0.3, 0.8]), "━━━┿━╸──┼─");
        assert_eq!(drawn(Some(1.7), &[0.8]), "━━━━━━━━┿━");
        assert_eq!(drawn(Some(0.85), &[0.8]), "━━━━━━━━┾─");
    }

    #[test]
    fn unknown_is_a_broken_line_and_not_an_empty_gauge() {
        assert_eq!(drawn(None, &[0.8]), "╌╌╌╌╌╌╌╌╌╌");
        assert_eq!(drawn(Some(f64::NAN), &[]), "╌╌╌╌╌╌╌╌╌╌");
    }

    #[test]
    fn workers_are_blocks() {
        let drawn = |now, coming, max| text(&workers(now, coming, max, 8, Style::new(), &Theme::plain()));
        assert_eq!(drawn(3, 1, 6), "▕███▒··▏");
        assert_eq!(drawn(0, 0, 6), "▕······▏");
        assert_eq!(drawn(500, 0, 1000), "▕████····▏");
        assert_eq!(drawn(9, 0, 6), "▕██████▏");
    }

    #[test]
    fn a_sparkline_keeps_its_width() {
        let values = [Some(0.0), None, Some(50.0), Some(100.0)];
        assert_eq!(sparkline(values.iter(), 6), "  ▁ ▅█");
        assert_eq!(sparkline(values.iter(), 2), "▅█");
    }
}
