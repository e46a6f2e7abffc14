//! `windlass workers`: the workers, one a line.

use windlass::model::WorkerStatus;
use windlass::report::workers;
use windlass_ui::format;

use super::Context;
use super::facts::{self, Form};
use super::failure::Failure;
use super::screen::Tone;
use super::table::{Cell, Table};

/// Prints them, sorted by name, numbers as numbers.
pub async fn run(context: &Context, form: Form) -> Result<(), Failure> {
    let view = facts::read(context, 0).await?;
    let rows = workers(&view);
    if form.json {
        return context.screen.document(&rows);
    }
    if rows.is_empty() {
        return context.screen.line("no workers");
    }
    let mut table = Table::new(&["NAME", "KIND", "STATUS", ">CPU", ">MEM", ">AGE", "CONTAINER", "NODE", ""]);
    for row in &rows {
        let known = view.state.workers.get(row.name);
        let protected = known.is_some_and(|worker| worker.protected.is_some());
        table.row(vec![
            Cell::new(row.name, Tone::Strong),
            row.kind.into(),
            Cell::new(row.status, tone(row.status)),
            format::percent(row.cpu_percent).into(),
            format::percent(row.memory_percent).into(),
            known.map_or_else(|| format::UNKNOWN.to_owned(), |worker| format::age(worker.created_at, view.at)).into(),
            row.container_id.get(..12).unwrap_or(row.container_id).into(),
            row.node.unwrap_or(format::UNKNOWN).into(),
            Cell::new(if protected { "protected" } else { "" }, Tone::Person),
        ]);
    }
    table.print(context.screen)
}

/// The tone of a status.
const fn tone(status: WorkerStatus) -> Tone {
    match status {
        WorkerStatus::Ready => Tone::Good,
        WorkerStatus::Starting | WorkerStatus::Draining => Tone::Warn,
        WorkerStatus::Unhealthy => Tone::Bad,
    }
}
