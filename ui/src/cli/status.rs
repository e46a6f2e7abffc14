//! `windlass status`: the cluster in a few lines.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;
use windlass::clock;
use windlass::model::{
    ClusterId, Conclusion, Direction, EngineInfo, Hold, LeaderInfo, Operation, StoreHealth, View, WorkerStatus,
};
use windlass_ui::format;

use super::Context;
use super::facts::{self, Form};
use super::failure::Failure;
use super::screen::Tone;
use super::table::{Cell, Table};
use super::verdict;

/// `status --json`. Unknown is null.
#[derive(Debug, Serialize)]
struct Status<'a> {
    cluster_id: &'a ClusterId,
    at: DateTime<Utc>,
    #[serde(flatten)]
    store: &'a StoreHealth,
    leader: Option<&'a LeaderInfo>,
    engine: Option<&'a EngineInfo>,
    workers: Workers,
    cpu_percent: Option<f64>,
    memory_percent: Option<f64>,
    pending_pods: Option<u32>,
    cooldowns: Both<Cooldown>,
    holds: Both<HoldLeft<'a>>,
    operations: Vec<Running<'a>>,
    verdict: Option<VerdictLine<'a>>,
    redis: Option<RedisLine>,
}

/// How many workers; `min` and `max` are null until an engine has said them.
#[derive(Debug, Serialize)]
struct Workers {
    current: u32,
    ready: u32,
    expected: u32,
    min: Option<u32>,
    max: Option<u32>,
}

/// One thing per direction; null where there is none.
#[derive(Debug, Serialize)]
struct Both<T> {
    scale_up: Option<T>,
    scale_down: Option<T>,
}

impl<T> Both<T> {
    fn of(get: impl Fn(Direction) -> Option<T>) -> Self {
        Self { scale_up: get(Direction::Up), scale_down: get(Direction::Down) }
    }
}

#[derive(Debug, Serialize)]
struct Cooldown {
    until: DateTime<Utc>,
    remaining_seconds: u64,
}

#[derive(Debug, Serialize)]
struct HoldLeft<'a> {
    #[serde(flatten)]
    hold: &'a Hold,
    remaining_seconds: u64,
}

#[derive(Debug, Serialize)]
struct Running<'a> {
    operation_id: Uuid,
    #[serde(flatten)]
    operation: &'a Operation,
    progress_percent: f64,
    age_seconds: u64,
}

#[derive(Debug, Serialize)]
struct VerdictLine<'a> {
    at: DateTime<Utc>,
    #[serde(flatten)]
    conclusion: &'a Conclusion,
}

#[derive(Debug, Serialize)]
struct RedisLine {
    used_bytes: u64,
    max_bytes: Option<u64>,
    used_percent: Option<f64>,
    warnings: usize,
}

/// Prints it.
pub async fn run(context: &Context, form: Form) -> Result<(), Failure> {
    let view = facts::read(context, 0).await?;
    if form.json { context.screen.document(&status(&view)) } else { print(context, &view) }
}

fn status(view: &View) -> Status<'_> {
    let (state, now) = (&view.state, view.at);
    let seen = facts::fresh(view);
    let left = |until| clock::between(now, until).as_secs();
    Status {
        cluster_id: &view.cluster_id,
        at: now,
        store: &view.store,
        leader: view.leader.as_ref(),
        engine: view.engine.as_ref(),
        workers: workers(view),
        cpu_percent: seen.and_then(windlass::model::Observation::cpu_avg),
        memory_percent: seen.and_then(windlass::model::Observation::memory_avg),
        pending_pods: seen.and_then(|seen| seen.pending.as_ref()).map(|pending| pending.count),
        cooldowns: Both::of(|direction| {
            let until = state.cooldown(direction, now)?;
            Some(Cooldown { until, remaining_seconds: left(until) })
        }),
        holds: Both::of(|direction| {
            let hold = state.hold(direction, now)?;
            Some(HoldLeft { hold, remaining_seconds: left(hold.until) })
        }),
        operations: state
            .operations
            .values()
            .map(|operation| Running {
                operation_id: operation.id,
                operation,
                progress_percent: operation.progress() * 100.0,
                age_seconds: clock::between(operation.decided_at, now).as_secs(),
            })
            .collect(),
        verdict: view.verdict.as_deref().map(|verdict| VerdictLine { at: verdict.at, conclusion: &verdict.conclusion }),
        redis: view.redis.as_deref().map(|report| RedisLine {
            used_bytes: report.used_bytes,
            max_bytes: report.max_bytes,
            used_percent: report.used_percent(),
            warnings: report.findings.iter().filter(|finding| finding.warning).count(),
        }),
    }
}

fn workers(view: &View) -> Workers {
    let limits = view.engine.as_ref().map(|engine| engine.limits);
    let ready = view.state.workers.values().filter(|worker| worker.status == WorkerStatus::Ready).count();
    Workers {
        current: view.state.worker_count(),
        ready: u32::try_from(ready).unwrap_or(u32::MAX),
        expected: view.state.workers_expected(),
        min: limits.map(|limits| limits.min_nodes),
        max: limits.map(|limits| limits.max_nodes),
    }
}

fn print(context: &Context, view: &View) -> Result<(), Failure> {
    let mut table = Table::new(&["", ""]);
    let mut line = |name: &str, text: String, tone: Tone| table.row(vec![name.into(), Cell::new(text, tone)]);
    line("cluster", cluster_line(view), Tone::Strong);
    match &view.leader {
        Some(leader) => line("leader", format!("{}, epoch {}", leader.replica, leader.epoch), Tone::Good),
        None => line("leader", "none: no engine is running".to_owned(), Tone::Warn),
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

fn workers_line(view: &View) -> String {
    let Workers { current, ready, expected, min, max } = workers(view);
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
    let seen = facts::fresh(view);
    let cpu = format::percent(seen.and_then(windlass::model::Observation::cpu_avg));
    let memory = format::percent(seen.and_then(windlass::model::Observation::memory_avg));
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
