//! Is Redis there, new enough, and set up to keep what it is given?

use windlass::clock;
use windlass::model::RedisReport;
use windlass::store::Store;
use windlass::store::pools::BATCH;
use windlass::store::report::{Checkup, Role};
use windlass_ui::format;

use super::check::Check;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;

/// What the scripts need.
const OLDEST: (u32, u32) = (7, 0);
/// Clocks that differ by more than this make cooldowns and holds end visibly early or late.
const SKEW_MS: u64 = 1000;
/// A round trip that usually takes longer makes every decision slow.
const SLOW_MS: f64 = 20.0;
/// So many values that cannot be read are named.
const SHOWN: usize = 5;

/// What the server says of itself.
pub async fn checks(store: &Store, settings: &Settings) -> Result<Vec<Check>, Failure> {
    let report = store.report(clock::now()).await?;
    let checkup = store.checkup().await?;
    let skew = store.inspect().await?.clock_ahead_ms;
    let mut checks = vec![
        Check::ok("redis", store.address().describe()),
        version(&report),
        role(&checkup.role),
        policy(&report),
        persistence(&report, &checkup),
        latency(&checkup, settings.config.redis.timeout.get().as_secs_f64() * 1000.0),
        clock_skew(skew),
    ];
    checks.extend(memory(&report));
    checks.extend(quarantine(store).await?);
    Ok(checks)
}

/// Whether a version is new enough; `None`: it is not understood.
pub fn is_new_enough(version: &str) -> Option<bool> {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    let (major, minor) = (numbers.next().flatten()?, numbers.next().flatten()?);
    Some((major, minor) >= OLDEST)
}

/// What to do about an old server.
pub fn too_old() -> String {
    format!("upgrade to Redis {}.{} or later, or to Valkey", OLDEST.0, OLDEST.1)
}

fn version(report: &RedisReport) -> Check {
    let name = "redis version";
    let found = format!("{} {}", report.server, report.version);
    match is_new_enough(&report.version) {
        Some(true) => Check::ok(name, found),
        Some(false) => Check::problem(name, found, too_old()),
        None => Check::warning(name, found, "this version is not understood; 7.0 or later is needed"),
    }
}

fn role(role: &Role) -> Check {
    let name = "redis role";
    match role {
        Role::Main => Check::ok(name, "takes writes"),
        Role::Replica { of, hears } => {
            let hears = if *hears { "" } else { ", which it does not hear" };
            let remedy =
                format!("point `redis.url` at {of}, or make this one the main server: redis-cli REPLICAOF NO ONE");
            Check::problem(name, format_args!("a read-only replica of {of}{hears}"), remedy)
        }
    }
}

fn policy(report: &RedisReport) -> Check {
    let name = "eviction policy";
    if report.policy == "noeviction" {
        return Check::ok(name, &report.policy);
    }
    let remedy = "redis-cli CONFIG SET maxmemory-policy noeviction: otherwise state is thrown away to make room";
    Check::problem(name, &report.policy, remedy)
}

fn persistence(report: &RedisReport, checkup: &Checkup) -> Check {
    let name = "persistence";
    if !report.persistence_ok {
        let remedy =
            "look at the server's log and its disk (df -h), then: redis-cli BGREWRITEAOF (without AOF: BGSAVE)";
        let which = checkup.failed_writes.join(", ");
        return Check::problem(name, format_args!("the last write to disk failed ({which})"), remedy);
    }
    if !report.aof {
        let remedy =
            "redis-cli CONFIG SET appendonly yes: otherwise a restart of Redis forgets what is newer than its snapshot";
        return Check::warning(name, "no AOF", remedy);
    }
    let fsync = checkup.appendfsync.as_deref();
    match fsync {
        Some("always") => Check::ok(name, "AOF, on disk before an answer; the last write went well"),
        Some("everysec") => Check::ok(name, "AOF, on disk every second; the last write went well"),
        Some("no") => {
            let remedy = "redis-cli CONFIG SET appendfsync everysec: otherwise a crash loses what the system has not written yet";
            Check::warning(name, "AOF, on disk when the system pleases", remedy)
        }
        _ => Check::ok(name, "AOF, the last write went well"),
    }
}

/// `timeout_ms`: a command that takes longer has failed.
fn latency(checkup: &Checkup, timeout_ms: f64) -> Check {
    let name = "latency";
    let (median, worst) = (checkup.median_ms(), checkup.worst_ms());
    let found = format!("{median:.2} ms, at worst {worst:.2} ms of {} round trips", checkup.pings_ms.len());
    if median > SLOW_MS {
        let remedy = "bring Redis nearer, or look for what keeps it busy: redis-cli SLOWLOG GET, redis-cli --latency";
        Check::warning(name, format_args!("{found}: more than {SLOW_MS:.0} ms is slow"), remedy)
    } else if worst > timeout_ms / 4.0 {
        let remedy = "look for what stops it now and then: redis-cli SLOWLOG GET, redis-cli LATENCY DOCTOR; raise `redis.timeout` for now";
        Check::warning(name, format_args!("{found}; a command fails after {timeout_ms:.0} ms"), remedy)
    } else {
        Check::ok(name, found)
    }
}

/// What cannot be read and nobody has moved aside yet, and what was moved aside.
async fn quarantine(store: &Store) -> Result<Vec<Check>, Failure> {
    let name = "quarantine";
    let pools = store.load_pools(BATCH).await?.problems;
    let problems = store.problems().await?;
    let problems: Vec<String> =
        problems.iter().map(ToString::to_string).chain(pools.iter().map(ToString::to_string)).collect();
    let aside: Vec<String> = store
        .quarantined()
        .await?
        .into_iter()
        .map(|value| format!("{} ({}, from {})", value.key, value.kind, value.from))
        .collect();
    let mut checks = Vec::new();
    if !problems.is_empty() {
        let values = format::plural(problems.len() as u64, "value");
        let found = format!("{values} cannot be read:\n{}", named(&problems));
        let remedy = "the engine that leads moves such values aside and goes on with the rest: look at its log where it does not; where none leads, start one";
        checks.push(Check::warning(name, found, remedy));
    }
    if !aside.is_empty() {
        let values = format::plural(aside.len() as u64, "value");
        let found = format!("{values} could not be read and was moved aside:\n{}", named(&aside));
        let remedy = "`windlass events --type ValueQuarantined` tells what follows; DEL what is not needed any more";
        checks.push(Check::warning(name, found, remedy));
    }
    if checks.is_empty() {
        checks.push(Check::ok(name, "everything can be read, and nothing was moved aside"));
    }
    Ok(checks)
}

/// The first few, one a line.
fn named(all: &[String]) -> String {
    let first = all.get(..SHOWN).unwrap_or(all).join("\n");
    if all.len() > SHOWN { format!("{first}\nand {} more", all.len() - SHOWN) } else { first }
}

/// How full it is, and what the memory report has found.
fn memory(report: &RedisReport) -> Vec<Check> {
    let name = "redis memory";
    let used = format::bytes(report.used_bytes);
    let found = match (report.max_bytes, report.used_percent()) {
        (Some(max), Some(percent)) => format!("{used} of {} used ({percent:.0} %)", format::bytes(max)),
        _ => format!("{used} used, no limit is set"),
    };
    if report.max_bytes.is_some_and(|max| report.used_bytes >= max) {
        let remedy = "redis-cli CONFIG SET maxmemory with more, or free some: `windlass redis` shows what uses it";
        return vec![Check::problem(name, format_args!("{found}: every write is refused"), remedy)];
    }
    let findings = report.findings.iter().filter(|finding| finding.warning);
    let findings = findings.map(|finding| Check::warning(name, &finding.what, &finding.remedy));
    std::iter::once(Check::ok(name, found)).chain(findings).collect()
}

fn clock_skew(ahead_ms: i64) -> Check {
    let name = "clock";
    let side = if ahead_ms < 0 { "behind" } else { "ahead of" };
    let found = format!("Redis's clock is {} ms {side} ours", ahead_ms.unsigned_abs());
    if ahead_ms.unsigned_abs() <= SKEW_MS {
        Check::ok(name, found)
    } else {
        Check::warning(name, found, "let both machines keep their time by NTP (timedatectl set-ntp true)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::check::Health;

    #[test]
    fn clocks_may_differ_a_little_either_way() {
        for (ahead, status) in [(0, Health::Ok), (1000, Health::Ok), (-1000, Health::Ok), (1001, Health::Warning)] {
            assert_eq!(clock_skew(ahead).status, status, "{ahead}");
        }
        assert!(clock_skew(-5000).found.contains("behind"));
        assert_eq!(clock_skew(-5000).status, Health::Warning);
    }
}
