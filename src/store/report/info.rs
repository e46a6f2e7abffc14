//! The text of INFO, of Redis and of Valkey, of any version.

use std::collections::HashMap;
use std::str::FromStr;

/// The fields of an INFO text.
pub(super) struct Info<'a>(HashMap<&'a str, &'a str>);

impl<'a> Info<'a> {
    /// Takes a text apart. What is not a field is passed over.
    pub(super) fn parse(text: &'a str) -> Self {
        let fields =
            text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.trim_end().split_once(':'));
        Self(fields.collect())
    }

    /// A field's value; `None` where the server does not give it, or not in this form.
    pub(super) fn get<T: FromStr>(&self, field: &str) -> Option<T> {
        self.0.get(field)?.parse().ok()
    }

    /// A field's value, or its name where it is missing.
    pub(super) fn need<T: FromStr>(&self, field: &'static str) -> Result<T, &'static str> {
        self.get(field).ok_or(field)
    }

    /// `redis` or `valkey`, and the version. Valkey gives its own beside the version of Redis that it is compatible with.
    pub(super) fn server(&self) -> Result<(&'static str, &'a str), &'static str> {
        if let Some(version) = self.0.get("valkey_version") {
            return Ok(("valkey", version));
        }
        self.0.get("redis_version").map(|version| ("redis", *version)).ok_or("redis_version")
    }

    /// Whether the last write of each kind went well.
    pub(super) fn persistence_ok(&self) -> Result<bool, &'static str> {
        let snapshot: String = self.need("rdb_last_bgsave_status")?;
        // These two are older servers' business only with the append-only file on.
        let failed = |field| self.0.get(field).is_some_and(|status| *status != "ok");
        Ok(snapshot == "ok" && !failed("aof_last_write_status") && !failed("aof_last_bgrewrite_status"))
    }
}

/// A server just started, as it said itself.
#[cfg(test)]
pub(super) const IDLE: &str = include_str!("../../../tests/data/redis-info/idle-7.0.15.txt");

/// One that was filled with 150,000 values, of which every eighth was kept.
#[cfg(test)]
pub(super) const FRAGMENTED: &str = include_str!("../../../tests/data/redis-info/fragmented-7.0.15.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valkey_is_known_by_its_own_version() {
        let text = "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\n";
        assert_eq!(Info::parse(text).server(), Ok(("valkey", "8.0.1")));
        assert_eq!(Info::parse("redis_version:5.0.7\r\n").server(), Ok(("redis", "5.0.7")));
        assert_eq!(Info::parse("os:Linux\r\n").server(), Err("redis_version"));
    }

    #[test]
    fn one_failed_write_is_enough() {
        assert_eq!(Info::parse(IDLE).persistence_ok(), Ok(true));
        for field in ["rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status"] {
            let text = IDLE.replace(&format!("{field}:ok"), &format!("{field}:err"));
            assert_eq!(Info::parse(&text).persistence_ok(), Ok(false), "{field}");
        }
        assert_eq!(Info::parse("rdb_last_bgsave_status:ok\n").persistence_ok(), Ok(true));
    }

    #[test]
    fn what_is_missing_or_not_a_number_is_unknown() {
        let info = Info::parse("a:1\r\nb:1.5\r\nc:\r\nd:-4\r\nnonsense\r\n");
        assert_eq!(info.get::<u64>("a"), Some(1));
        assert_eq!(info.get::<u64>("b"), None);
        assert_eq!(info.get::<f64>("b"), Some(1.5));
        assert_eq!(info.get::<i64>("d"), Some(-4));
        assert_eq!(info.get::<u64>("c"), None);
        assert_eq!(info.get::<u64>("e"), None);
    }
}
