//! Is Redis there, new enough, and set up to keep what it is given?

use windlass::clock;
use windlass::model::RedisReport;
use windlass::store::Store;
use windlass::store::server::ProgramSearch;
use windlass_ui::format;

use super::check::Check;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;

/// What the scripts need.
const OLDEST: (u32, u32) = (7, 0);
/// Clocks that differ by more than this make cooldowns and holds end visibly early or late.
const SKEW_MS: u64 = 1000;

/// The own server's program, where one is wanted.
pub fn program(settings: &Settings) -> Option<Check> {
    if settings.config.redis.url.is_some() {
        return None;
    }
    let name = "redis program";
    Some(match ProgramSearch::on_path(std::env::var_os("PATH").as_deref()).find() {
        Ok(path) => Check::ok(name, path.display()),
        Err(error) => Check::problem(name, error, "install one of them, or set `redis.url`"),
    })
}

/// What the server says of itself.
pub async fn checks(store: &Store) -> Result<Vec<Check>, Failure> {
    let report = store.report(clock::now()).await?;
    let skew = store.inspect().await?.clock_ahead_ms;
    let mut checks = vec![
        Check::ok("redis", store.address().describe()),
        version(&report),
        policy(&report),
        persistence(&report),
        Check::ok("latency", format_args!("{:.2} ms", report.latency_ms)),
        clock_skew(skew),
    ];
    checks.extend(memory(&report));
    Ok(checks)
}

fn version(report: &RedisReport) -> Check {
    let name = "redis version";
    let found = format!("{} {}", report.server, report.version);
    let mut numbers = report.version.split('.').map(|part| part.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) if (major, minor) >= OLDEST => Check::ok(name, found),
        (Some(_), Some(_)) => {
            Check::problem(name, found, format_args!("upgrade to {}.{} or later", OLDEST.0, OLDEST.1))
        }
        _ => Check::warning(name, found, "this version is not understood; 7.0 or later is needed"),
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

fn persistence(report: &RedisReport) -> Check {
    let name = "persistence";
    match (report.aof, report.persistence_ok) {
        (_, false) => {
            let remedy =
                "look at the server's log and its disk (df -h), then: redis-cli BGREWRITEAOF (without AOF: BGSAVE)";
            Check::problem(name, "the last write to disk failed", remedy)
        }
        (true, true) => Check::ok(name, "AOF, the last write went well"),
        (false, true) => {
            let remedy = "redis-cli CONFIG SET appendonly yes: otherwise a restart of Redis forgets what is newer than its snapshot";
            Check::warning(name, "no AOF", remedy)
        }
    }
}

/// How full it is, and what the memory report has found.
fn memory(report: &RedisReport) -> Vec<Check> {
    let name = "redis memory";
    let used = format::bytes(report.used_bytes);
    let found = match (report.max_bytes, report.used_percent()) {
        (Some(max), Some(percent)) => format!("{used} of {} used ({percent:.0} %)", format::bytes(max)),
        _ => format!("{used} used, no limit is set"),
    };
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
