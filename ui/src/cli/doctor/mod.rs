//! `windlass doctor`: everything that windlass needs, checked, with what to do.

mod check;
mod cluster;
mod redis;
mod streams;
mod template;

use windlass::config::Config;

use super::facts::Form;
use super::failure::Failure;
use super::global::Global;
use super::memory::with_store;
use super::screen::{Screen, Tone};
use super::settings::{self, Settings};
use super::table::{Cell, Table};
use check::{Check, Health};

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
    let file =
        loaded.file.as_ref().map_or_else(|| "no file: the defaults".to_owned(), |file| file.display().to_string());
    let mut checks = vec![Check::ok("configuration", file)];
    let settings = settings::settle(loaded)?;
    checks.extend(redis::program(&settings));
    checks.extend(memory(&settings).await?);
    checks.extend(cluster::checks(&settings).await);
    Ok(checks)
}

/// Everything that is asked of Redis itself; one problem where it cannot be reached.
async fn memory(settings: &Settings) -> Result<Vec<Check>, Failure> {
    let examined = with_store(settings, async |store| {
        let mut checks = redis::checks(store).await?;
        checks.extend(streams::checks(store).await?);
        Ok(checks)
    });
    match examined.await {
        Ok(checks) => Ok(checks),
        Err(Failure::Failed(found)) => {
            let remedy = "start that Redis, or correct `redis.url`, user and password; without `redis.url` windlass runs its own";
            Ok(vec![Check::problem("redis", found, remedy)])
        }
        Err(failure) => Err(failure),
    }
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
