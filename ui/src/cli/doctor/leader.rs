//! Who leads, since when, and who would take over.

use windlass::model::{EngineInfo, LeaderInfo};
use windlass::store::Store;
use windlass::store::report::{Checkup, Lease};
use windlass_ui::format;

use super::check::Check;
use crate::cli::engine::is_gone;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;

/// The lease, the engines that are there, and what is remembered.
pub async fn checks(store: &Store, settings: &Settings) -> Result<Vec<Check>, Failure> {
    let checkup = store.checkup().await?;
    let leader = store.leader().await?;
    let (state, engine) = match store.snapshot().await {
        Ok(snapshot) => {
            let (workers, operations) = (snapshot.state.workers.len() as u64, snapshot.state.operations.len() as u64);
            let workers = format::plural(workers, "worker");
            let operations = format::plural(operations, "operation");
            (Check::ok("state", format_args!("{workers} and {operations} under way remembered")), snapshot.engine)
        }
        Err(error) => {
            let remedy = "see what is under that key (`windlass redis keys` tells what belongs there)";
            (Check::problem("state", error, remedy), None)
        }
    };
    let lease = settings.config.leader.lease.get().as_secs_f64();
    let forever = checkup.lease == Some(Lease::Forever);
    let mut checks = vec![match leader {
        Some(leader) if forever => {
            let key = store.keys().leader();
            let found = format!("the lease of {} never ends: windlass did not write that", leader.replica);
            Check::problem("leader", found, format_args!("redis-cli DEL '{key}': an engine takes it at once"))
        }
        Some(leader) => led(&leader, engine.as_ref(), lease),
        None => nobody(),
    }];
    checks.extend(replicas(&checkup));
    checks.push(state);
    Ok(checks)
}

fn led(leader: &LeaderInfo, engine: Option<&EngineInfo>, lease: f64) -> Check {
    let name = "leader";
    if is_gone(leader) {
        let found = format!("{}, whose process has gone", leader.replica);
        let remedy =
            format!("its lease runs out within {lease} s; start an engine with `windlass run` where none takes over");
        return Check::warning(name, found, remedy);
    }
    // What the engine says of itself stays readable after it has gone.
    let since = engine.filter(|engine| engine.replica == leader.replica).map(|engine| engine.leading_since);
    let since = since.map_or_else(String::new, |since| format!(", since {} UTC", since.format("%Y-%m-%d %H:%M:%S")));
    Check::ok(name, format_args!("{}, epoch {}{since}", leader.replica, leader.epoch))
}

/// Nobody leads.
pub fn nobody() -> Check {
    let remedy = "start one with `windlass run`, or `windlass` for the cockpit with its engine";
    Check::warning("leader", "no engine is running", remedy)
}

/// The engines that are connected; nothing where the server does not tell.
fn replicas(checkup: &Checkup) -> Option<Check> {
    let found = match checkup.engines? {
        0 => "no engine alone is connected".to_owned(),
        1 => "1 engine is connected: nobody takes over when it goes".to_owned(),
        count => format!("{count} engines are connected"),
    };
    Some(Check::ok("replicas", found))
}
