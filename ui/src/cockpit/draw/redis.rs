//! Redis's memory: how full, what it was at worst, and what that means.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use windlass::model::RedisReport;

use super::super::model::Model;
use super::gauge;
use super::text::{line, right, span, wrap};
use crate::format;

/// From these shares of the limit on, the gauge says so.
const FULL: [f64; 2] = [0.75, 0.9];

pub fn lines(model: &Model, area: Rect) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let width = usize::from(area.width);
    let Some(report) = model.view.redis.as_deref() else {
        return vec![line([("not measured yet".to_owned(), theme.faint)])];
    };
    let mut lines = vec![used(model, report, width)];
    let field = |name: &str, value: String, style: Style| [(format!("{name} "), theme.faint), (value, style)];
    let pair = |a: [(String, Style); 2], b: [(String, Style); 2]| {
        let cells = (width / 2).clamp(14, 26);
        let gap = cells.saturating_sub(a.iter().map(|(text, _)| super::text::width(text)).sum());
        let [(a1, a2), (b1, b2)] = [a, b].map(|[name, value]| (name, value));
        line([a1, a2, (" ".repeat(gap.max(1)), theme.text), b1, b2])
    };
    lines.push(pair(
        field("peak  ", format::bytes(report.peak_bytes), theme.text),
        field("rss    ", format::bytes(report.rss_bytes), theme.text),
    ));
    let (aof, aof_style) = match (report.aof, report.persistence_ok) {
        (_, false) => ("✗ failing", theme.bad),
        (true, true) => ("on", theme.good),
        (false, true) => ("off", theme.warn),
    };
    lines.push(pair(field("policy", report.policy.clone(), theme.text), field("aof    ", aof.to_owned(), aof_style)));
    lines.push(pair(
        field("keys  ", format::count(report.keys), theme.text),
        field("stream ", report.stream_entries.map_or_else(|| format::UNKNOWN.to_owned(), format::count), theme.text),
    ));
    lines.push(pair(
        field("ping  ", format!("{:.1}ms", report.latency_ms), theme.text),
        field("clients", report.clients.to_string(), theme.text),
    ));
    if report.evicted_keys > 0 {
        lines.push(line([
            ("✗ ".to_owned(), theme.bad),
            (format!("{} evicted", format::plural(report.evicted_keys, "key")), theme.bad),
        ]));
    }
    for finding in &report.findings {
        let (mark, style) = if finding.warning { ("▲ ", theme.warn) } else { ("· ", theme.faint) };
        for (row, text) in wrap(&finding.what, width.saturating_sub(2)).into_iter().enumerate() {
            lines.push(line([(if row == 0 { mark } else { "  " }.to_owned(), style), (text, style)]));
        }
        if !finding.remedy.is_empty() {
            for (row, text) in wrap(&finding.remedy, width.saturating_sub(4)).into_iter().enumerate() {
                lines
                    .push(line([(if row == 0 { "  → " } else { "    " }.to_owned(), theme.faint), (text, theme.text)]));
            }
        }
    }
    lines
}

fn used(model: &Model, report: &RedisReport, width: usize) -> Line<'static> {
    let theme = &model.theme;
    let percent = report.used_percent();
    let of = report.max_bytes.map_or_else(|| "no limit".to_owned(), |max| format!("of {}", format::bytes(max)));
    let words = format!(" {} {of}", right(&format::bytes(report.used_bytes), 5));
    let mut parts = vec![span("used   ", theme.faint)];
    if percent.is_some() {
        let cells = width.saturating_sub(13 + words.chars().count()).clamp(4, 40);
        let style = gauge::level(percent, FULL[1] * 100.0, theme);
        parts.extend(gauge::line(percent.map(|value| value / 100.0), cells, &FULL, style, theme));
        parts.push(span(right(&format::percent(percent), 5), style.patch(theme.strong)));
    }
    parts.push(span(words, theme.text));
    Line::from(parts)
}
