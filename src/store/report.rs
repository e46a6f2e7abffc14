//! The Redis memory report: what INFO, DBSIZE and XLEN say, and what it means.

mod assess;
mod checkup;
mod info;

use chrono::{DateTime, Utc};
use redis::aio::ConnectionLike;
use redis::{ErrorKind, RedisError, RedisResult};

pub use assess::assess;
pub use checkup::{Checkup, Lease, Role};

use crate::clock::Stopwatch;
use crate::model::RedisReport;
use info::Info;

/// Reads the report. `stream_key` is the event stream's whole key. The latency is that of one PING by itself.
///
/// # Errors
/// Besides Redis's own: the server's INFO lacks a field without which there is no report. A value is never made up.
pub async fn read<C: ConnectionLike>(
    connection: &mut C,
    stream_key: &str,
    now: DateTime<Utc>,
) -> RedisResult<RedisReport> {
    let watch = Stopwatch::start();
    let () = redis::cmd("PING").query_async(connection).await?;
    let latency_ms = watch.elapsed().as_secs_f64() * 1000.0;
    // Only Redis 7 takes several sections at once; the default ones are all that is needed, on every version.
    let info: String = redis::cmd("INFO").query_async(connection).await?;
    let keys: u64 = redis::cmd("DBSIZE").query_async(connection).await?;
    // Something else in the stream's place is no reason to tell nothing of the server.
    let stream_entries = match redis::cmd("XLEN").arg(stream_key).query_async(connection).await {
        Err(error) if error.code() == Some("WRONGTYPE") => None,
        entries => Some(entries?),
    };
    let counted = Counted { at: now, latency_ms, keys, stream_entries };
    report(&Info::parse(&info), &counted).map_err(|missing| {
        RedisError::from((ErrorKind::UnexpectedReturnType, "the server's INFO lacks a field", missing.to_owned()))
    })
}

/// What is not in INFO.
struct Counted {
    at: DateTime<Utc>,
    latency_ms: f64,
    keys: u64,
    stream_entries: Option<u64>,
}

/// The report with its findings, or the name of the field that is missing.
fn report(info: &Info<'_>, counted: &Counted) -> Result<RedisReport, &'static str> {
    let (server, version) = info.server()?;
    let mut report = RedisReport {
        at: counted.at,
        server: server.to_owned(),
        version: version.to_owned(),
        used_bytes: info.need("used_memory")?,
        peak_bytes: info.need("used_memory_peak")?,
        max_bytes: info.get("maxmemory").filter(|max| *max > 0),
        rss_bytes: info.need("used_memory_rss")?,
        fragmentation_ratio: info.get("mem_fragmentation_ratio"),
        fragmentation_bytes: info.get("mem_fragmentation_bytes"),
        allocator_ratio: info.get("allocator_frag_ratio"),
        allocator_bytes: info.get("allocator_frag_bytes"),
        policy: info.need("maxmemory_policy")?,
        evicted_keys: info.need("evicted_keys")?,
        keys: counted.keys,
        stream_entries: counted.stream_entries,
        aof: info.need::<u8>("aof_enabled")? == 1,
        persistence_ok: info.persistence_ok()?,
        clients: info.need("connected_clients")?,
        latency_ms: counted.latency_ms,
        findings: Vec::new(),
    };
    report.findings = assess(&report);
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted() -> Counted {
        Counted { at: DateTime::UNIX_EPOCH, latency_ms: 0.1, keys: 7, stream_entries: Some(3) }
    }

    fn read_text(text: &str) -> Result<RedisReport, &'static str> {
        report(&Info::parse(text), &counted())
    }

    #[test]
    fn an_idle_server_is_read_whole_and_its_fragmentation_is_no_finding() {
        let report = read_text(info::IDLE).unwrap();
        assert_eq!((report.server.as_str(), report.version.as_str()), ("redis", "7.0.15"));
        assert_eq!(report.used_bytes, 916_960);
        assert_eq!(report.max_bytes, None);
        assert_eq!(report.fragmentation_ratio, Some(13.89));
        assert_eq!(report.fragmentation_bytes, Some(11_292_880));
        assert_eq!(report.allocator_ratio, Some(1.08));
        assert_eq!((report.keys, report.stream_entries, report.clients), (7, Some(3), 1));
        assert!(report.persistence_ok && !report.aof);
        assert!(!report.findings.iter().any(|finding| finding.what.contains("ragment")), "{:#?}", report.findings);
    }

    #[test]
    fn a_fragmented_server_is_found_out() {
        let report = read_text(info::FRAGMENTED).unwrap();
        assert_eq!(report.allocator_ratio, Some(6.56));
        let found = |words: &str| report.findings.iter().any(|finding| finding.what.contains(words));
        assert!(found("allocator"), "{:#?}", report.findings);
        assert!(found("peak"), "{:#?}", report.findings);
    }

    #[test]
    fn what_an_old_server_does_not_say_is_unknown() {
        let old: String = info::IDLE
            .lines()
            .filter(|line| !line.starts_with("allocator_") && !line.starts_with("mem_frag"))
            .collect::<Vec<_>>()
            .join("\r\n");
        let report = read_text(&old.replace("redis_version:7.0.15", "redis_version:3.2.12")).unwrap();
        assert_eq!(report.version, "3.2.12");
        assert_eq!((report.fragmentation_ratio, report.fragmentation_bytes), (None, None));
        assert_eq!((report.allocator_ratio, report.allocator_bytes), (None, None));
    }

    #[test]
    fn a_report_is_never_made_up() {
        assert_eq!(read_text(&info::IDLE.replace("used_memory_rss:", "x:")), Err("used_memory_rss"));
        assert_eq!(read_text(&info::IDLE.replace("evicted_keys:0", "evicted_keys:many")), Err("evicted_keys"));
        assert_eq!(read_text(""), Err("redis_version"));
    }
}
