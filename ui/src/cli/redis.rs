//! `windlass redis`: Redis's memory and what it means; `windlass redis keys`: what is kept where.

use clap::{Args as ClapArgs, Subcommand};
use serde::Serialize;
use windlass::clock;
use windlass::model::RedisReport;
use windlass::store::Keys;
use windlass_ui::format;

use super::Context;
use super::facts::Form;
use super::failure::Failure;
use super::memory::with_store;
use super::screen::Tone;
use super::table::{Cell, Table};

/// What about Redis.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Every key with what it holds
    Keys(Form),
}

/// `redis --json`: the report and how full it is; null without a limit.
#[derive(Debug, Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    report: &'a RedisReport,
    used_percent: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Key {
    key: &'static str,
    holds: &'static str,
}

/// Prints it.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    match args.what {
        Some(What::Keys(form)) => keys(context, form.json || args.form.json),
        None => report(context, args.form).await,
    }
}

fn keys(context: &Context, json: bool) -> Result<(), Failure> {
    let keys: Vec<Key> = Keys::TABLE.iter().map(|(key, holds)| Key { key, holds: holds.trim() }).collect();
    if json {
        return context.screen.document(&keys);
    }
    let mut table = Table::new(&["KEY", "HOLDS"]);
    for Key { key, holds } in keys {
        table.row(vec![format!("{{{}}}:{key}", context.settings.cluster()).into(), holds.into()]);
    }
    table.print(context.screen)
}

async fn report(context: &Context, form: Form) -> Result<(), Failure> {
    let report = with_store(&context.settings, async |store| Ok(store.report(clock::now()).await?)).await?;
    if form.json {
        return context.screen.document(&Document { report: &report, used_percent: report.used_percent() });
    }
    facts(&report).print(context.screen)?;
    let screen = context.screen;
    if report.findings.is_empty() {
        return screen.line(screen.paint(Tone::Good, "nothing is the matter"));
    }
    for finding in &report.findings {
        let (mark, tone) = if finding.warning { ("! warning", Tone::Warn) } else { ("· note", Tone::Faint) };
        screen.line("")?;
        screen.line(format_args!("{}: {}", screen.paint(tone, mark), finding.what))?;
        screen.line(format_args!("    {}", finding.remedy))?;
    }
    Ok(())
}

fn facts(report: &RedisReport) -> Table {
    let unknown = || format::UNKNOWN.to_owned();
    let ratio = |ratio: Option<f64>| ratio.map_or_else(unknown, |ratio| format!("{ratio:.2}"));
    let signed = |bytes: Option<i64>| {
        bytes.map_or_else(unknown, |bytes| {
            let sign = if bytes < 0 { "-" } else { "" };
            format!("{sign}{}", format::bytes(bytes.unsigned_abs()))
        })
    };
    let used = match report.max_bytes {
        Some(max) => {
            let percent = format::percent(report.used_percent());
            format!("{} of {} ({percent})", format::bytes(report.used_bytes), format::bytes(max))
        }
        None => format!("{}, no limit is set", format::bytes(report.used_bytes)),
    };
    let persistence = match (report.aof, report.persistence_ok) {
        (true, true) => "AOF, last write ok",
        (false, true) => "no AOF, last write ok",
        (true, false) => "AOF, last write FAILED",
        (false, false) => "no AOF, last write FAILED",
    };
    let rows = [
        ("server", format!("{} {}", report.server, report.version)),
        ("used", used),
        ("peak", format::bytes(report.peak_bytes)),
        ("rss", format::bytes(report.rss_bytes)),
        ("fragmentation", format!("{} ({})", ratio(report.fragmentation_ratio), signed(report.fragmentation_bytes))),
        ("allocator", format!("{} ({})", ratio(report.allocator_ratio), signed(report.allocator_bytes))),
        ("policy", report.policy.clone()),
        ("persistence", persistence.to_owned()),
        ("keys", format!("{} ({} evicted)", format::count(report.keys), format::count(report.evicted_keys))),
        ("events", report.stream_entries.map_or_else(unknown, format::count)),
        ("clients", format::count(report.clients)),
        ("latency", format!("{:.2}ms", report.latency_ms)),
    ];
    let mut table = Table::new(&["", ""]);
    for (name, value) in rows {
        table.row(vec![Cell::new(name, Tone::Faint), value.into()]);
    }
    table
}
