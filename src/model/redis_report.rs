//! Redis's memory as an operator needs to see it. Judged by ratio *and* bytes: an idle instance shows a fragmentation ratio of 7 and
//! nothing is wrong with it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that is worth knowing about this Redis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryFinding {
    /// Whether it needs somebody.
    pub warning: bool,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// What INFO, DBSIZE and XLEN said at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RedisReport {
    /// When it was taken.
    pub at: DateTime<Utc>,
    /// `redis` or `valkey`.
    pub server: String,
    /// Its version.
    pub version: String,
    /// Bytes in use.
    pub used_bytes: u64,
    /// The most there ever was.
    pub peak_bytes: u64,
    /// The limit; `None`: none is set.
    pub max_bytes: Option<u64>,
    /// What the operating system sees.
    pub rss_bytes: u64,
    /// RSS / used; unknown where the server does not say.
    pub fragmentation_ratio: Option<f64>,
    /// RSS - used, in bytes.
    pub fragmentation_bytes: Option<i64>,
    /// The allocator's own share of it.
    pub allocator_ratio: Option<f64>,
    /// The allocator's own share, in bytes.
    pub allocator_bytes: Option<i64>,
    /// `maxmemory-policy`.
    pub policy: String,
    /// Keys thrown out for want of memory, since the server started.
    pub evicted_keys: u64,
    /// Keys in the database.
    pub keys: u64,
    /// Entries in the event stream; unknown where something else stands under its key.
    pub stream_entries: Option<u64>,
    /// Whether the append-only file is on.
    pub aof: bool,
    /// Whether the last write to disk went well.
    pub persistence_ok: bool,
    /// Connected clients.
    pub clients: u64,
    /// One round trip, in milliseconds.
    pub latency_ms: f64,
    /// What it all means, worst first.
    pub findings: Vec<MemoryFinding>,
}

impl RedisReport {
    /// Used in percent of the limit; `None` without a limit.
    #[must_use]
    pub fn used_percent(&self) -> Option<f64> {
        self.max_bytes.map(|max| self.used_bytes as f64 * 100.0 / max.max(1) as f64)
    }
}
