//! CPU and memory of a container as shares of what it may use. Pure.
//!
//! Docker counts CPU time since the container's start; a share needs two readings. windlass keeps the earlier one itself, because
//! letting Docker take both makes a listing wait for a second.

use bollard::models::{ContainerMemoryStats, ContainerStatsResponse, HostConfig};
use chrono::{DateTime, TimeDelta, Utc};

/// Over less than this, the 100 ms periods of the kernel's CPU limit make a share jump.
const SHORTEST_WINDOW: TimeDelta = TimeDelta::seconds(1);

/// Over more than this, a mean says nothing about now.
const LONGEST_WINDOW: TimeDelta = TimeDelta::minutes(10);

/// CPU time used until a moment, by Docker's clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    at: DateTime<Utc>,
    used_nanos: u64,
    host_cores: f64,
}

impl Sample {
    /// From Docker's answer; `None` where it holds no reading (a container that is not running answers with zeros).
    pub(super) fn read(stats: &ContainerStatsResponse) -> Option<Self> {
        let at = DateTime::parse_from_rfc3339(stats.read.as_deref()?).ok()?.to_utc();
        let cpu = stats.cpu_stats.as_ref()?;
        let usage = cpu.cpu_usage.as_ref()?;
        let used_nanos = usage.total_usage.filter(|used| *used > 0)?;
        let listed = || usage.percpu_usage.as_ref().and_then(|cores| u32::try_from(cores.len()).ok());
        let cores = cpu.online_cpus.filter(|count| *count > 0).or_else(listed).filter(|count| *count > 0)?;
        Some(Self { at, used_nanos, host_cores: f64::from(cores) })
    }
}

/// The readings of one container.
#[derive(Debug, Clone, Default)]
pub(super) struct CpuTrack {
    base: Option<Sample>,
    percent: Option<f64>,
}

impl CpuTrack {
    /// Takes in a reading and returns the CPU in percent of `limit` cores (of the host's without a limit), 0 to 100; `None` until
    /// there are two readings of the same run of the container.
    pub(super) fn add(&mut self, sample: Sample, limit: Option<f64>) -> Option<f64> {
        let Some(base) = self.base else {
            self.base = Some(sample);
            return None;
        };
        let elapsed = sample.at - base.at;
        let restarted = sample.used_nanos < base.used_nanos || elapsed < TimeDelta::zero();
        if restarted || elapsed > LONGEST_WINDOW {
            (self.base, self.percent) = (Some(sample), None);
        } else if elapsed >= SHORTEST_WINDOW {
            (self.base, self.percent) = (Some(sample), cpu_percent(&base, &sample, limit));
        }
        self.percent
    }
}

fn cpu_percent(earlier: &Sample, later: &Sample, limit: Option<f64>) -> Option<f64> {
    let elapsed = (later.at - earlier.at).num_nanoseconds().filter(|nanos| *nanos > 0)? as f64;
    let used = later.used_nanos.checked_sub(earlier.used_nanos)? as f64;
    let cores = limit.filter(|cores| *cores > 0.0).map_or(later.host_cores, |cores| cores.min(later.host_cores));
    // A limit can be overrun for an instant; more than all of it means nothing to a rule.
    Some((used / elapsed / cores * 100.0).clamp(0.0, 100.0))
}

/// Memory in percent of the limit (without one Docker gives the host's memory as the limit), page cache that can be dropped at once
/// not counted; `None` where Docker has no reading.
pub(super) fn memory_percent(memory: &ContainerMemoryStats) -> Option<f64> {
    let usage = memory.usage.filter(|usage| *usage > 0)?;
    let limit = memory.limit.filter(|limit| *limit > 0)?;
    // cgroup v1 names the whole tree's cache `total_inactive_file`; v2 knows only `inactive_file`, which means that.
    let cache =
        memory.stats.as_ref().and_then(|stats| stats.get("total_inactive_file").or_else(|| stats.get("inactive_file")));
    let used = cache.and_then(|cache| usage.checked_sub(*cache)).unwrap_or(usage);
    Some((used as f64 / limit as f64 * 100.0).clamp(0.0, 100.0))
}

/// The cores that a container may use; `None`: no limit.
pub(super) fn core_limit(host: &HostConfig) -> Option<f64> {
    let set = |value: Option<i64>| value.filter(|value| *value > 0).map(|value| value as f64);
    let quota = set(host.nano_cpus).map(|nanos| nanos / 1e9).or_else(|| {
        // The kernel's default period is 100 ms.
        set(host.cpu_quota).map(|quota| quota / set(host.cpu_period).unwrap_or(100_000.0))
    });
    let pinned = host.cpuset_cpus.as_deref().and_then(count_cores).map(f64::from);
    match (quota, pinned) {
        (Some(quota), Some(pinned)) => Some(quota.min(pinned)),
        (quota, pinned) => quota.or(pinned),
    }
}

/// `0-2,5` is four cores.
fn count_cores(set: &str) -> Option<u32> {
    let count = |part: &str| match part.trim().split_once('-') {
        Some((first, last)) => Some(last.parse::<u32>().ok()?.checked_sub(first.parse().ok()?)?.saturating_add(1)),
        None => part.trim().parse::<u32>().ok().map(|_| 1),
    };
    set.split(',').map(count).sum::<Option<u32>>().filter(|cores| *cores > 0)
}

#[cfg(test)]
mod tests {
    use bollard::models::{ContainerCpuStats, ContainerCpuUsage};
    use proptest::prelude::*;

    use super::*;

    fn sample(millis: i64, used_millis: u64) -> Sample {
        Sample {
            at: DateTime::from_timestamp_millis(millis).unwrap(),
            used_nanos: used_millis * 1_000_000,
            host_cores: 4.0,
        }
    }

    #[test]
    fn cpu_is_a_share_of_the_limit_and_without_one_of_the_host() {
        let mut limited = CpuTrack::default();
        assert_eq!(limited.add(sample(0, 0), Some(0.2)), None, "one reading is no share");
        assert_eq!(limited.add(sample(5_000, 500), Some(0.2)), Some(50.0));
        let mut free = CpuTrack::default();
        free.add(sample(0, 0), None);
        assert_eq!(free.add(sample(5_000, 10_000), None), Some(50.0));
    }

    #[test]
    fn readings_in_a_burst_repeat_the_last_share_instead_of_jumping() {
        let mut track = CpuTrack::default();
        track.add(sample(0, 0), Some(1.0));
        assert_eq!(track.add(sample(2_000, 1_000), Some(1.0)), Some(50.0));
        assert_eq!(track.add(sample(2_050, 1_050), Some(1.0)), Some(50.0));
        assert_eq!(track.add(sample(4_000, 1_050), Some(1.0)), Some(2.5), "and the burst is not lost");
    }

    #[test]
    fn a_restarted_container_starts_anew() {
        let mut track = CpuTrack::default();
        track.add(sample(0, 9_000), Some(1.0));
        assert_eq!(track.add(sample(5_000, 10), Some(1.0)), None);
        assert_eq!(track.add(sample(10_000, 2_510), Some(1.0)), Some(50.0));
    }

    #[test]
    fn a_reading_from_long_ago_says_nothing_about_now() {
        let mut track = CpuTrack::default();
        track.add(sample(0, 0), Some(1.0));
        assert_eq!(track.add(sample(3_600_000, 10), Some(1.0)), None);
    }

    #[test]
    fn an_ended_container_has_no_reading() {
        let zeros = ContainerStatsResponse {
            read: Some("0001-01-01T00:00:00Z".to_owned()),
            cpu_stats: Some(ContainerCpuStats {
                cpu_usage: Some(ContainerCpuUsage { total_usage: Some(0), ..ContainerCpuUsage::default() }),
                ..ContainerCpuStats::default()
            }),
            ..ContainerStatsResponse::default()
        };
        assert_eq!(Sample::read(&zeros), None);
        assert_eq!(Sample::read(&ContainerStatsResponse::default()), None);
    }

    #[test]
    fn memory_leaves_out_the_cache_that_can_be_dropped() {
        let memory = |key: &str| ContainerMemoryStats {
            usage: Some(60),
            limit: Some(100),
            stats: Some([(key.to_owned(), 20)].into()),
            ..ContainerMemoryStats::default()
        };
        assert_eq!(memory_percent(&memory("inactive_file")), Some(40.0));
        assert_eq!(memory_percent(&memory("total_inactive_file")), Some(40.0));
        assert_eq!(memory_percent(&memory("cache")), Some(60.0));
        assert_eq!(memory_percent(&ContainerMemoryStats::default()), None);
    }

    #[test]
    fn limits_are_read_in_all_their_forms() {
        let host = HostConfig { nano_cpus: Some(200_000_000), ..HostConfig::default() };
        assert_eq!(core_limit(&host), Some(0.2));
        let host = HostConfig { cpu_quota: Some(50_000), ..HostConfig::default() };
        assert_eq!(core_limit(&host), Some(0.5));
        let host = HostConfig {
            nano_cpus: Some(8_000_000_000),
            cpuset_cpus: Some("0-2,5".to_owned()),
            ..HostConfig::default()
        };
        assert_eq!(core_limit(&host), Some(4.0));
        let host = HostConfig { nano_cpus: Some(0), cpuset_cpus: Some(String::new()), ..HostConfig::default() };
        assert_eq!(core_limit(&host), None);
    }

    proptest! {
        #[test]
        fn shares_are_percentages(
            readings in proptest::collection::vec((0_i64..1_000_000, 0_u64..10_000_000), 0..20),
            limit in proptest::option::of(0.01_f64..64.0),
        ) {
            let mut track = CpuTrack::default();
            for (at, used) in readings {
                if let Some(percent) = track.add(sample(at, used), limit) {
                    prop_assert!((0.0..=100.0).contains(&percent), "{percent}");
                }
            }
        }

        #[test]
        fn memory_shares_are_percentages(usage in any::<u64>(), limit in any::<u64>(), cache in any::<u64>()) {
            let memory = ContainerMemoryStats {
                usage: Some(usage),
                limit: Some(limit),
                stats: Some([("inactive_file".to_owned(), cache)].into()),
                ..ContainerMemoryStats::default()
            };
            if let Some(percent) = memory_percent(&memory) {
                prop_assert!((0.0..=100.0).contains(&percent), "{percent}");
            }
        }
    }
}
