//! Who leads, since when, and who would take over.

use std::fmt::Write as _;
use std::time::Duration;

use windlass::clock;
use windlass::model::{EngineInfo, LeaderInfo, ReplicaSeen};
use windlass::store::Store;
use windlass::store::report::Lease;
use windlass_ui::format;

use super::check::Check;
use crate::cli::engine::is_gone;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;

/// The lease, the replicas that run, and what is remembered.
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
    checks.push(replicas(&store.replicas().await?, settings.config.leader.lease.get()));
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

/// The replicas that say that they run.
fn replicas(seen: &[ReplicaSeen], lease: Duration) -> Check {
    let now = clock::now();
    let (running, silent): (Vec<_>, Vec<_>) = seen.iter().partition(|replica| replica.runs(lease, now));
    let mut found = match running.len() {
        0 => "no engine runs".to_owned(),
        1 => "1 engine runs: nobody takes over when it goes".to_owned(),
        count => format!("{count} engines run"),
    };
    // Killed, or cut off from Redis.
    for replica in silent {
        let ago = format::age(replica.last_seen, now);
        let _ = write!(found, "\n{} says nothing any more, last {ago} ago", replica.replica);
    }
    Check::ok("replicas", found)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use windlass::model::ReplicaId;

    use super::*;

    #[test]
    fn one_that_was_killed_is_named_and_not_counted() {
        let seen = |name: &str, seconds| ReplicaSeen {
            replica: ReplicaId(name.to_owned()),
            last_seen: clock::now() - TimeDelta::seconds(seconds),
        };
        let found = |seen: &[ReplicaSeen]| replicas(seen, Duration::from_secs(10)).found;
        assert_eq!(found(&[]), "no engine runs");
        assert!(found(&[seen("a", 1)]).starts_with("1 engine runs"));
        assert_eq!(found(&[seen("a", 1), seen("b", 20)]), "2 engines run");
        let found = found(&[seen("a", 1), seen("b", 60)]);
        assert!(found.starts_with("1 engine runs") && found.contains("\nb says nothing"), "{found}");
    }
}
