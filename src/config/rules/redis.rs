//! Where the state lives.

use ::redis::IntoConnectionInfo;

use super::super::{Bytes, redact_url};
use super::Rules;

/// An empty server uses one already.
const LEAST_MAXMEMORY: Bytes = Bytes::mebibytes(4);

impl Rules<'_> {
    pub(super) fn redis(&mut self) {
        let maxmemory = self.config.redis.maxmemory;
        if maxmemory < LEAST_MAXMEMORY && self.known(&["redis.maxmemory"]) {
            // For Redis, 0 is "no limit".
            self.report("/redis/maxmemory", maxmemory.to_string(), format!("{LEAST_MAXMEMORY} or more"), None);
        }
        let Some(url) = &self.config.redis.url else { return };
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        let known = matches!(scheme, Some("redis" | "rediss" | "unix"));
        // The parser's own message may quote the URL with its password, so it is not passed on.
        if !known || url.as_str().into_connection_info().is_err() {
            self.report(
                "/redis/url",
                format!("{:?}", redact_url(url)),
                "redis://host:port/database, rediss://… (with TLS) or unix:///path/of/the.sock, or null for a server of windlass's own",
                Some("a user and a password go before the host, as `user:password@`, with special characters percent-encoded"),
            );
        }
    }
}
