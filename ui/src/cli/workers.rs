//! `windlass workers`: the workers, one a line.

use chrono::{DateTime, Utc};
use serde::Serialize;
use windlass::clock;
use windlass::model::{View, Worker, WorkerKind, WorkerName, WorkerStatus};
use windlass_ui::cockpit::roster::natural;
use windlass_ui::format;

use super::Context;
use super::facts::{self, Form};
use super::failure::Failure;
use super::screen::Tone;
use super::table::{Cell, Table};

/// One worker as `workers --json` has it. Unknown is null.
#[derive(Debug, Serialize)]
struct Row<'a> {
    name: &'a WorkerName,
    kind: WorkerKind,
    status: WorkerStatus,
    cpu_percent: Option<f64>,
    memory_percent: Option<f64>,
    age_seconds: u64,
    container_id: &'a str,
    node: Option<&'a str>,
    #[serde(skip)]
    created_at: DateTime<Utc>,
    #[serde(skip)]
    protected: bool,
}

/// Prints them, sorted by name, numbers as numbers.
pub async fn run(context: &Context, form: Form) -> Result<(), Failure> {
    let view = facts::read(context, 0).await?;
    let rows = rows(&view);
    if form.json {
        return context.screen.document(&rows);
    }
    if rows.is_empty() {
        return context.screen.line("no workers");
    }
    let mut table = Table::new(&["NAME", "KIND", "STATUS", ">CPU", ">MEM", ">AGE", "CONTAINER", "NODE", ""]);
    for row in &rows {
        table.row(vec![
            Cell::new(row.name, Tone::Strong),
            row.kind.into(),
            Cell::new(row.status, tone(row.status)),
            format::percent(row.cpu_percent).into(),
            format::percent(row.memory_percent).into(),
            format::age(row.created_at, view.at).into(),
            row.container_id.get(..12).unwrap_or(row.container_id).into(),
            row.node.unwrap_or(format::UNKNOWN).into(),
            Cell::new(if row.protected { "protected" } else { "" }, Tone::Person),
        ]);
    }
    table.print(context.screen)
}

fn rows(view: &View) -> Vec<Row<'_>> {
    let seen = facts::fresh(view);
    let mut workers: Vec<&Worker> = view.state.workers.values().collect();
    workers.sort_by(|a, b| natural(a.name.as_str(), b.name.as_str()));
    workers
        .into_iter()
        .map(|worker| {
            let measured = seen.and_then(|seen| seen.workers.get(&worker.name));
            Row {
                name: &worker.name,
                kind: worker.kind,
                status: worker.status,
                cpu_percent: measured.and_then(|worker| worker.cpu_percent),
                memory_percent: measured.and_then(|worker| worker.memory_percent),
                age_seconds: clock::between(worker.created_at, view.at).as_secs(),
                container_id: &worker.container_id.0,
                node: measured.and_then(|worker| worker.node.as_deref()),
                created_at: worker.created_at,
                protected: worker.protected.is_some(),
            }
        })
        .collect()
}

/// The tone of a status.
const fn tone(status: WorkerStatus) -> Tone {
    match status {
        WorkerStatus::Ready => Tone::Good,
        WorkerStatus::Starting | WorkerStatus::Draining => Tone::Warn,
        WorkerStatus::Unhealthy => Tone::Bad,
    }
}
