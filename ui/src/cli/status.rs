//! `windlass status`: the cluster in a few lines.

use std::fmt::Write as _;

use windlass::model::{Direction, Observation, Operation, View};
use windlass::report::{ReplicaLine, Status, WorkerCounts, fresh};
use windlass_ui::format;

use super::Context;
use super::facts::{self, Form};
use super::failure::Failure;
use super::screen::Tone;
use super::table::{Cell, Table};
use super::verdict;

/// Prints it.
pub async fn run(context: &Context, form: Form) -> Result<(), Failure> {
    let view = facts::read(context, 0).await?;
    if form.json { context.screen.document(&Status::of(&view)) } else { print(context, &view) }
}

fn print(context: &Context, view: &View) -> Result<(), Failure> {
    let mut table = Table::new(&["", ""]);
    let mut line = |name: &str, text: String, tone: Tone| table.row(vec![name.into(), Cell::new(text, tone)]);
    line("cluster", cluster_line(view), Tone::Strong);
    match &view.leader {
        Some(leader) => line("leader", format!("{}, epoch {}", leader.replica, leader.epoch), Tone::Good),
        None => line("leader", "none: no engine is running".to_owned(), Tone::Warn),
    }
    if let Some(replicas) = ReplicaLine::all(view).filter(|replicas| !replicas.is_empty()) {
        line("replicas", replicas_line(&replicas, view), Tone::Plain);
    }
    line("workers", workers_line(view), Tone::Plain);
    line("load", load_line(view), Tone::Plain);
    for direction in Direction::BOTH {
        let (text, tone) = direction_line(view, direction);
        line(&format!("scale {direction}"), text, tone);
    }
    for operation in view.state.operations.values() {
        line("running", operation_line(operation, view), Tone::Warn);
    }
    let conclusion = view.verdict.as_deref().map_or_else(
        || "nothing was concluded yet".to_owned(),
        |verdict| format!("{} ({} ago)", verdict::sentence(verdict, view.at), format::age(verdict.at, view.at)),
    );
    line("verdict", conclusion, Tone::Plain);
    if let Some(report) = &view.redis {
        let warnings = report.findings.iter().filter(|finding| finding.warning).count();
        let max = report.max_bytes.map_or_else(|| "no limit".to_owned(), format::bytes);
        let text = format!("{} of {max} used", format::bytes(report.used_bytes));
        if warnings == 0 {
            line("redis", text, Tone::Plain);
        } else {
            let warnings = format::plural(warnings as u64, "warning");
            line("redis", format!("{text}, {warnings}: `windlass redis` tells"), Tone::Warn);
        }
    }
    table.print(context.screen)
}

fn cluster_line(view: &View) -> String {
    match &view.engine {
        Some(engine) if engine.dry_run => format!("{} ({}, dry run)", view.cluster_id, engine.cluster),
        Some(engine) => format!("{} ({})", view.cluster_id, engine.cluster),
        None => view.cluster_id.to_string(),
    }
}

/// Who runs; when it was last seen, where it does not lead: one that was killed stays for a while.
fn replicas_line(replicas: &[ReplicaLine<'_>], view: &View) -> String {
    let line = |line: &ReplicaLine<'_>| {
        let state =
            if line.leads { "leads".to_owned() } else { format!("seen {} ago", format::age(line.last_seen, view.at)) };
        format!("{} ({state})", line.replica)
    };
    let lines: Vec<String> = replicas.iter().map(line).collect();
    format!("{}: {}", replicas.len(), lines.join(", "))
}

fn workers_line(view: &View) -> String {
    let WorkerCounts { current, ready, expected, min, max } = WorkerCounts::of(view);
    let mut text = format!("{current}, {ready} ready");
    if expected > current {
        let _ = write!(text, ", {} coming", expected - current);
    }
    if let (Some(min), Some(max)) = (min, max) {
        let _ = write!(text, " (min {min}, max {max})");
    }
    text
}

fn load_line(view: &View) -> String {
    let seen = fresh(view);
    let cpu = format::percent(seen.and_then(Observation::cpu_avg));
    let memory = format::percent(seen.and_then(Observation::memory_avg));
    let pending = match seen.and_then(|seen| seen.pending.as_ref()) {
        Some(pending) => format::plural(u64::from(pending.count), "pod"),
        None => format!("{} pods", format::UNKNOWN),
    };
    format!("cpu {cpu}, mem {memory}, {pending} pending")
}

fn direction_line(view: &View, direction: Direction) -> (String, Tone) {
    let hold = view
        .state
        .hold(direction, view.at)
        .map(|hold| format!("held by {} for {} more: {}", hold.actor, format::left(hold.until, view.at), hold.reason));
    let cooldown = view
        .state
        .cooldown(direction, view.at)
        .map(|until| format!("cools down for {} more", format::left(until, view.at)));
    match (hold, cooldown) {
        (Some(hold), Some(cooldown)) => (format!("{hold}; {cooldown}"), Tone::Person),
        (Some(hold), None) => (hold, Tone::Person),
        (None, Some(cooldown)) => (cooldown, Tone::Warn),
        (None, None) => ("free".to_owned(), Tone::Good),
    }
}

fn operation_line(operation: &Operation, view: &View) -> String {
    let workers: Vec<String> =
        operation.workers.iter().map(|worker| format!("{} {}", worker.name, worker.step)).collect();
    format!(
        "scale {} by {}, {:.0}% after {}: {} [{}]",
        operation.direction,
        operation.count,
        operation.progress() * 100.0,
        format::age(operation.decided_at, view.at),
        operation.reason,
        workers.join(", ")
    )
}
