//! What a memory report means: pure rules, each with a remedy that can be typed.
//!
//! Fragmentation is judged by ratio *and* bytes, as the server's own MEMORY DOCTOR does: an idle instance has a ratio of 13, and
//! nothing is wrong with it.

use crate::model::{MemoryFinding, RedisReport};

const MIB: u64 = 1 << 20;

/// Below this much in use a ratio says nothing (MEMORY DOCTOR calls such an instance empty).
const EMPTY_BYTES: u64 = 5 * MIB;
/// Fragmentation of fewer bytes is nobody's trouble.
const MATTERS_BYTES: u64 = 10 * MIB;
/// RSS / used.
const TOTAL_RATIO: f64 = 1.4;
/// The allocator's own ratio.
const ALLOCATOR_RATIO: f64 = 1.1;
/// Peak / used.
const PEAK_RATIO: f64 = 1.5;
/// Percent of `maxmemory`.
const NEARLY_FULL: f64 = 90.0;
const FILLING: f64 = 75.0;
/// Milliseconds for one round trip.
const SLOW_MS: f64 = 50.0;

/// The keys of ours that have a time to live, which the `volatile-*` policies may throw away.
const KEYS_WITH_TTL: &str = "leader, cooldown:*, hold:*, autoscaler:pool:*, dedup:*";

/// What a report means, worst first. Empty: nothing is the matter.
#[must_use]
pub fn assess(report: &RedisReport) -> Vec<MemoryFinding> {
    let rules = [persistence, fullness, eviction, policy, latency, allocator, total, no_limit, no_aof, peak];
    let (warnings, notes): (Vec<_>, Vec<_>) =
        rules.iter().filter_map(|rule| rule(report)).partition(|finding| finding.warning);
    warnings.into_iter().chain(notes).collect()
}

fn warning(what: String, remedy: impl Into<String>) -> MemoryFinding {
    MemoryFinding { warning: true, what, remedy: remedy.into() }
}

fn note(what: String, remedy: impl Into<String>) -> MemoryFinding {
    MemoryFinding { warning: false, what, remedy: remedy.into() }
}

fn persistence(report: &RedisReport) -> Option<MemoryFinding> {
    if report.persistence_ok {
        return None;
    }
    Some(warning(
        "the last write to disk failed: what changed since then is lost if the server ends".to_owned(),
        "make room on the server's disk (df -h) or correct the directory's owner, then: redis-cli BGREWRITEAOF (without AOF: BGSAVE)",
    ))
}

fn fullness(report: &RedisReport) -> Option<MemoryFinding> {
    let (percent, max) = (report.used_percent()?, report.max_bytes?);
    let remedy = || {
        format!(
            "redis-cli CONFIG SET maxmemory {}mb; to keep it: `redis.maxmemory` for windlass's own server, or CONFIG REWRITE",
            (max.saturating_mul(2)).div_ceil(MIB)
        )
    };
    let used = format!("{percent:.0} % of maxmemory is used ({} of {})", size(report.used_bytes), size(max));
    if percent > NEARLY_FULL {
        // Only this policy refuses; under the others keys go, which is a finding of its own.
        let then =
            if report.policy == "noeviction" { "when it is full, every write is refused" } else { "keys go next" };
        Some(warning(format!("{used}: {then}"), remedy()))
    } else if percent > FILLING {
        Some(warning(used, remedy()))
    } else {
        None
    }
}

fn eviction(report: &RedisReport) -> Option<MemoryFinding> {
    if report.evicted_keys == 0 {
        return None;
    }
    let keys = if report.evicted_keys == 1 { "key was" } else { "keys were" };
    Some(warning(
        format!(
            "{} {keys} thrown away for want of memory since the server started; ours may be among them",
            report.evicted_keys
        ),
        "redis-cli CONFIG SET maxmemory-policy noeviction, then raise maxmemory; `windlass events` shows what is still known",
    ))
}

fn policy(report: &RedisReport) -> Option<MemoryFinding> {
    let at_risk = match report.policy.as_str() {
        "noeviction" => return None,
        policy if policy.starts_with("volatile-") => format!("those with a time to live ({KEYS_WITH_TTL})"),
        _ => "all of them: the event stream, workers:*, operations, leader, cooldown:*, hold:*".to_owned(),
    };
    Some(warning(
        format!("the policy {} throws keys away when memory is full; of ours {at_risk}", report.policy),
        "redis-cli CONFIG SET maxmemory-policy noeviction && redis-cli CONFIG REWRITE",
    ))
}

fn latency(report: &RedisReport) -> Option<MemoryFinding> {
    if report.latency_ms <= SLOW_MS {
        return None;
    }
    Some(warning(
        format!("one round trip takes {:.0} ms", report.latency_ms),
        "redis-cli SLOWLOG GET 10 and redis-cli LATENCY DOCTOR show what is slow; else it is the network or the machine",
    ))
}

fn allocator(report: &RedisReport) -> Option<MemoryFinding> {
    let (ratio, bytes) = (report.allocator_ratio?, positive(report.allocator_bytes?));
    if report.used_bytes < EMPTY_BYTES || ratio <= ALLOCATOR_RATIO || bytes <= MATTERS_BYTES {
        return None;
    }
    Some(warning(
        format!("the allocator's memory is fragmented: {} lost, ratio {ratio:.2}", size(bytes)),
        "redis-cli CONFIG SET activedefrag yes; where the server refuses that (Debian's does): redis-cli MEMORY PURGE, or restart it",
    ))
}

fn total(report: &RedisReport) -> Option<MemoryFinding> {
    // The allocator's share has a remedy of its own; saying it twice helps nobody.
    if allocator(report).is_some() || report.used_bytes < EMPTY_BYTES {
        return None;
    }
    let (ratio, bytes) = (report.fragmentation_ratio?, positive(report.fragmentation_bytes?));
    if ratio <= TOTAL_RATIO || bytes <= MATTERS_BYTES {
        return None;
    }
    Some(warning(
        format!("the process holds {} more than its data: fragmentation ratio {ratio:.2}", size(bytes)),
        "redis-cli MEMORY PURGE",
    ))
}

fn no_limit(report: &RedisReport) -> Option<MemoryFinding> {
    if report.max_bytes.is_some() {
        return None;
    }
    Some(note(
        "no maxmemory is set: the server grows until the system ends it".to_owned(),
        "redis-cli CONFIG SET maxmemory 256mb && redis-cli CONFIG SET maxmemory-policy noeviction && redis-cli CONFIG REWRITE",
    ))
}

fn no_aof(report: &RedisReport) -> Option<MemoryFinding> {
    if report.aof {
        return None;
    }
    Some(note(
        "the append-only file is off: everything since the last snapshot is lost if the server ends".to_owned(),
        "redis-cli CONFIG SET appendonly yes && redis-cli CONFIG REWRITE",
    ))
}

fn peak(report: &RedisReport) -> Option<MemoryFinding> {
    let over = report.peak_bytes.saturating_sub(report.used_bytes);
    if report.used_bytes < EMPTY_BYTES
        || over <= MATTERS_BYTES
        || report.peak_bytes as f64 <= PEAK_RATIO * report.used_bytes as f64
    {
        return None;
    }
    Some(note(
        format!(
            "the peak was {}, {} more than now: the system may not have that back yet",
            size(report.peak_bytes),
            size(over)
        ),
        "redis-cli MEMORY PURGE",
    ))
}

fn positive(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or(0)
}

fn size(bytes: u64) -> String {
    match bytes as f64 / MIB as f64 {
        mib if mib >= 1024.0 => format!("{:.1} GiB", mib / 1024.0),
        mib => format!("{mib:.1} MiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    /// As windlass's own server looks on a good day.
    fn healthy() -> RedisReport {
        RedisReport {
            at: DateTime::UNIX_EPOCH,
            server: "redis".to_owned(),
            version: "7.0.15".to_owned(),
            used_bytes: 20 * MIB,
            peak_bytes: 21 * MIB,
            max_bytes: Some(256 * MIB),
            rss_bytes: 25 * MIB,
            fragmentation_ratio: Some(1.25),
            fragmentation_bytes: Some(5 << 20),
            allocator_ratio: Some(1.05),
            allocator_bytes: Some(1 << 20),
            policy: "noeviction".to_owned(),
            evicted_keys: 0,
            keys: 40,
            stream_entries: Some(1000),
            aof: true,
            persistence_ok: true,
            clients: 3,
            latency_ms: 0.2,
            findings: Vec::new(),
        }
    }

    fn found(change: impl FnOnce(&mut RedisReport)) -> Vec<MemoryFinding> {
        let mut report = healthy();
        change(&mut report);
        assess(&report)
    }

    /// The only finding after a change.
    fn one(change: impl FnOnce(&mut RedisReport)) -> MemoryFinding {
        let mut findings = found(change);
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings.remove(0)
    }

    #[test]
    fn nothing_is_the_matter_with_a_healthy_one() {
        assert_eq!(found(|_| {}), []);
    }

    #[test]
    fn fullness_warns_above_75_percent_and_says_what_follows_above_90() {
        assert_eq!(found(|report| report.used_bytes = 192 * MIB), []); // 75 % exactly
        let filling = one(|report| report.used_bytes = 193 * MIB);
        assert!(filling.warning && filling.what.starts_with("75 %") && !filling.what.contains("refused"));
        assert!(filling.remedy.contains("CONFIG SET maxmemory 512mb"), "{}", filling.remedy);
        assert!(one(|report| report.used_bytes = 240 * MIB).what.contains("every write is refused"));
    }

    #[test]
    fn without_a_limit_there_is_no_percentage_but_a_note() {
        let finding = one(|report| report.max_bytes = None);
        assert!(!finding.warning && finding.what.contains("no maxmemory"));
    }

    #[test]
    fn fragmentation_needs_ratio_and_bytes_and_data() {
        // An idle one: a huge ratio of nearly nothing, even with more than 10 MiB between RSS and used.
        assert_eq!(
            found(|report| {
                (report.used_bytes, report.peak_bytes, report.rss_bytes) = (MIB, MIB, 13 * MIB);
                (report.fragmentation_ratio, report.fragmentation_bytes) = (Some(13.89), Some(12 << 20));
            }),
            []
        );
        assert_eq!(found(|report| report.fragmentation_ratio = Some(7.76)), []); // 5 MiB: too little
        assert_eq!(found(|report| report.fragmentation_bytes = Some(50 << 20)), []); // 1.25: too low
        assert!(
            one(|report| (report.fragmentation_ratio, report.fragmentation_bytes) = (Some(1.5), Some(11 << 20)))
                .remedy
                .contains("MEMORY PURGE")
        );
        assert_eq!(found(|report| (report.allocator_ratio, report.allocator_bytes) = (Some(1.2), Some(9 << 20))), []);
        assert!(
            one(|report| (report.allocator_ratio, report.allocator_bytes) = (Some(1.2), Some(11 << 20)))
                .remedy
                .contains("activedefrag")
        );
    }

    #[test]
    fn unknown_fragmentation_is_no_finding() {
        assert_eq!(
            found(|report| {
                (report.fragmentation_ratio, report.fragmentation_bytes) = (None, None);
                (report.allocator_ratio, report.allocator_bytes) = (Some(3.0), None);
            }),
            []
        );
    }

    #[test]
    fn a_past_peak_is_a_note() {
        assert_eq!(found(|report| report.peak_bytes = 30 * MIB), []); // 1.5 exactly
        let finding = one(|report| report.peak_bytes = 31 * MIB);
        assert!(!finding.warning && finding.what.contains("31.0 MiB"));
    }

    #[test]
    fn a_policy_that_throws_keys_away_names_the_keys_at_risk() {
        let volatile = one(|report| report.policy = "volatile-lru".to_owned());
        assert!(volatile.what.contains("cooldown:*") && !volatile.what.contains("event stream"), "{}", volatile.what);
        let all = one(|report| report.policy = "allkeys-lfu".to_owned());
        assert!(all.warning && all.what.contains("event stream"), "{}", all.what);
        assert!(one(|report| report.evicted_keys = 3).what.starts_with("3 keys were"));
    }

    #[test]
    fn latency_and_persistence() {
        assert_eq!(found(|report| report.latency_ms = 50.0), []);
        assert!(one(|report| report.latency_ms = 51.0).what.contains("51 ms"));
        assert!(one(|report| report.persistence_ok = false).warning);
        let off = one(|report| report.aof = false);
        assert!(!off.warning && off.what.contains("last snapshot"));
    }

    #[test]
    fn the_worst_comes_first_and_notes_come_last() {
        let findings = found(|report| {
            report.aof = false;
            report.latency_ms = 80.0;
            report.used_bytes = 250 * MIB;
            report.persistence_ok = false;
        });
        let order: Vec<&str> = findings.iter().map(|finding| &finding.what[..8]).collect();
        assert_eq!(order, ["the last", "98 % of ", "one roun", "the appe"]);
    }
}
