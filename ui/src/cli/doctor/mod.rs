//! `windlass doctor`: everything that windlass needs, checked, with what to do. It changes nothing, starts nothing, and always ends.

mod check;
mod cluster;
mod configuration;
mod disk;
mod images;
mod leader;
mod outbox;
mod own_server;
mod redis;
mod streams;
mod template;

use std::time::Duration;

use windlass::config::Config;

use super::facts::Form;
use super::failure::Failure;
use super::global::Global;
use super::memory::with_store;
use super::screen::{Screen, Tone};
use super::settings::{self, Settings};
use super::table::{Cell, Table};
use check::{Check, Health};

/// What has not answered by then is told as a problem.
const LIMIT: Duration = Duration::from_secs(15);

/// Checks, prints, and fails where there is a problem.
pub async fn run(global: &Global, screen: Screen, form: Form) -> Result<(), Failure> {
    let checks = examine(global).await?;
    if form.json {
        screen.document(&checks)?;
    } else {
        print(screen, &checks)?;
    }
    if checks.iter().any(|check| check.status == Health::Problem) { Err(Failure::Told) } else { Ok(()) }
}

async fn examine(global: &Global) -> Result<Vec<Check>, Failure> {
    let sources = settings::sources(global).environment(std::env::vars_os());
    let loaded = match Config::load(&sources) {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            let remedy = "correct what is listed; `windlass config default` explains every setting";
            return Ok(vec![Check::problem("configuration", mistakes, remedy)]);
        }
    };
    let mut checks = configuration::checks(&loaded);
    let settings = settings::settle(loaded)?;
    checks.extend(disk::checks(&settings));
    checks.extend(outbox::checks(&settings));
    // Neither waits for the other, so that the whole takes as long as the slower one.
    let memory = Box::pin(within_limit("redis", memory(&settings)));
    let cluster = Box::pin(within_limit("cluster", cluster(&settings)));
    let (memory, cluster) = tokio::join!(memory, cluster);
    checks.extend(memory?);
    checks.extend(cluster?);
    Ok(checks)
}

async fn within_limit(
    name: &'static str,
    checks: impl Future<Output = Result<Vec<Check>, Failure>>,
) -> Result<Vec<Check>, Failure> {
    tokio::time::timeout(LIMIT, checks).await.unwrap_or_else(|_| {
        let found = format!("no answer within {} s", LIMIT.as_secs());
        let remedy =
            "something accepts connections and does not answer: look at its log and its load, or start it again";
        Ok(vec![Check::problem(name, found, remedy)])
    })
}

async fn cluster(settings: &Settings) -> Result<Vec<Check>, Failure> {
    Ok(cluster::checks(settings).await)
}

/// Everything that is asked of Redis itself; one problem where it cannot be reached.
async fn memory(settings: &Settings) -> Result<Vec<Check>, Failure> {
    let mut checks = Vec::new();
    if settings.config.redis.url.is_none() {
        let (told, runs) = own_server::checks(settings).await;
        checks.extend(told);
        if !runs {
            checks.push(leader::nobody());
            return Ok(checks);
        }
    }
    let examined = with_store(settings, async |store| {
        let mut checks = redis::checks(store, settings).await?;
        checks.extend(leader::checks(store, settings).await?);
        checks.extend(streams::checks(store).await?);
        Ok(checks)
    });
    match examined.await {
        Ok(examined) => checks.extend(examined),
        Err(Failure::Failed(found)) => {
            // The store's errors say what to do behind a dash.
            let (cause, remedy) = found.split_once(" — ").unwrap_or((&found, "do as it says, and look again"));
            checks.push(Check::problem("redis", cause, remedy));
        }
        Err(failure) => return Err(failure),
    }
    Ok(checks)
}

fn print(screen: Screen, checks: &[Check]) -> Result<(), Failure> {
    let mut table = Table::new(&["", "CHECK", "FOUND"]);
    for check in checks {
        let (mark, tone) = match check.status {
            Health::Ok => ("✓ ok", Tone::Good),
            Health::Warning => ("! warning", Tone::Warn),
            Health::Problem => ("✗ problem", Tone::Bad),
        };
        let mut lines = check.found.lines();
        let first = lines.next().unwrap_or_default();
        table.row(vec![Cell::new(mark, tone), check.name.into(), first.into()]);
        for line in lines {
            table.row(vec!["".into(), "".into(), line.into()]);
        }
        if let Some(remedy) = &check.remedy {
            table.row(vec!["".into(), "".into(), Cell::new(format_args!("→ {remedy}"), Tone::Strong)]);
        }
    }
    table.print(screen)
}
