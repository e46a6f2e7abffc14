//! Where the state lives, and who may write it.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::{Bytes, Secret, Span, redact_url};

/// Where the state lives. Printed and serialized without a password: neither form is for reading back.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://`, `rediss://` or `unix://`; null: windlass runs a server of its own.
    #[serde(serialize_with = "without_password")]
    pub url: Option<String>,
    /// The user, where the URL names none.
    pub username: Option<String>,
    /// A file with the password (or `WINDLASS_REDIS_PASSWORD`).
    pub password_file: Option<PathBuf>,
    /// The password, once read from that file or the environment; never in the file, never printed.
    #[serde(skip)]
    pub password: Option<Secret>,
    /// The own server's memory limit: 4mb or more.
    pub maxmemory: Bytes,
    /// The own server's data; null: `windlass/<cluster id>` under the XDG data directory.
    pub data_dir: Option<PathBuf>,
    /// A command that takes longer has failed.
    pub timeout: Span,
    /// How many events are kept in memory while Redis cannot be used; when there are more, the oldest are dropped.
    #[schemars(range(min = 100, max = 1_000_000))]
    pub outbox: u32,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: None,
            username: None,
            password_file: None,
            password: None,
            maxmemory: Bytes::mebibytes(256),
            data_dir: None,
            timeout: Span::seconds(2),
            outbox: 10_000,
        }
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every field is named, so that a new one is not forgotten here.
        let Self { url, username, password_file, password, maxmemory, data_dir, timeout, outbox } = self;
        f.debug_struct("RedisConfig")
            .field("url", &url.as_deref().map(redact_url))
            .field("username", username)
            .field("password_file", password_file)
            .field("password", password)
            .field("maxmemory", maxmemory)
            .field("data_dir", data_dir)
            .field("timeout", timeout)
            .field("outbox", outbox)
            .finish()
    }
}

#[allow(clippy::ref_option, reason = "the signature that serde calls")]
fn without_password<S: Serializer>(url: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_deref().map(redact_url).serialize(serializer)
}

/// Who leads when several replicas run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LeaderConfig {
    /// How long a lease lasts; it is renewed at a third of this.
    pub lease: Span,
}

impl Default for LeaderConfig {
    fn default() -> Self {
        Self { lease: Span::seconds(3) }
    }
}
