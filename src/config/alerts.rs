//! Who is told of events, and how: the webhook targets.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::Span;
use crate::model::{EventType, Severity, TargetName};

/// Who is told of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub struct AlertsConfig {
    /// The webhooks that events are sent to, each with `name` and `url`.
    pub targets: Vec<TargetConfig>,
}

/// What the body of a request looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertFormat {
    /// The event as it stands on the stream.
    #[default]
    Json,
    /// What Slack's incoming webhooks take, and those compatible with them.
    Slack,
    /// What Alertmanager's API takes (v2): what lasts is an alert that fires and resolves.
    Alertmanager,
}

/// One webhook. Printed and serialized without what may be secret: neither form is for reading back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetConfig {
    /// Its name.
    pub name: TargetName,
    /// Where to: `https://` or `http://`; with `alertmanager` the server's address is enough.
    #[serde(serialize_with = "host_only")]
    #[schemars(
        regex(pattern = r"^https?://[^\s/?#]+\S*$"),
        extend("x-allowed" = "http://host/path or https://host/path, without spaces")
    )]
    pub url: String,
    /// What the body looks like.
    #[serde(default)]
    pub format: AlertFormat,
    /// Events at this severity or above are sent; null: only those in `types`.
    #[serde(default = "warning")]
    pub min_severity: Option<Severity>,
    /// These are sent whatever their severity.
    #[serde(default)]
    pub types: Vec<EventType>,
    /// These are never sent.
    #[serde(default)]
    pub exclude: Vec<EventType>,
    /// More headers.
    #[serde(default, serialize_with = "names_only")]
    pub headers: BTreeMap<String, String>,
    /// More headers, their values read from files.
    #[serde(default)]
    pub header_files: BTreeMap<String, PathBuf>,
    /// A file with the secret that requests are signed with (HMAC-SHA256); null: they are not signed.
    #[serde(default)]
    pub hmac_secret_file: Option<PathBuf>,
    /// A request that takes longer has failed.
    #[serde(default = "ten_seconds")]
    pub timeout: Span,
    /// After so many tries an event goes to the dead letters.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 1000))]
    pub tries: u32,
    /// An event that is older goes to the dead letters.
    #[serde(default = "one_hour")]
    pub give_up_after: Span,
    /// Whether the host may be this machine or on a private network.
    #[serde(default)]
    pub allow_private: bool,
}

impl TargetConfig {
    /// A target with everything but name and address at its default.
    #[must_use]
    pub fn new(name: TargetName, url: impl Into<String>) -> Self {
        Self {
            name,
            url: url.into(),
            format: AlertFormat::default(),
            min_severity: warning(),
            types: Vec::new(),
            exclude: Vec::new(),
            headers: BTreeMap::new(),
            header_files: BTreeMap::new(),
            hmac_secret_file: None,
            timeout: ten_seconds(),
            tries: hundred(),
            give_up_after: one_hour(),
            allow_private: false,
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "the field's type")]
const fn warning() -> Option<Severity> {
    Some(Severity::Warning)
}

const fn ten_seconds() -> Span {
    Span::seconds(10)
}

const fn hundred() -> u32 {
    100
}

const fn one_hour() -> Span {
    Span::seconds(3600)
}

impl fmt::Debug for TargetConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As it is serialized: without path, query and header values.
        match serde_json::to_string(self) {
            Ok(text) => f.write_str(&text),
            Err(_) => write!(f, "target {}", self.name),
        }
    }
}

/// An address as it may be shown: of a webhook's address everything behind the host may be a secret, and so may what is before it.
#[must_use]
pub fn redact_webhook(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, more) = rest.find(['/', '?', '#']).map_or((rest, ""), |at| rest.split_at(at));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let more = if more.len() > 1 { "/***" } else { more };
    format!("{scheme}://{host}{more}")
}

fn host_only<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&redact_webhook(url))
}

fn names_only<S: Serializer>(headers: &BTreeMap<String, String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.keys().map(|name| (name, "***")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_prints_without_its_secrets() {
        let mut target =
            TargetConfig::new("ops".parse().unwrap(), "https://u:p@hooks.example:8443/services/T0/s3cret?k=v");
        target.headers.insert("authorization".to_owned(), "Bearer s3cret".to_owned());
        for text in [format!("{target:?}"), serde_json::to_string(&target).unwrap()] {
            assert!(text.contains("https://hooks.example:8443/***") && text.contains("authorization"), "{text}");
            assert!(!text.contains("s3cret") && !text.contains("u:p"), "{text}");
        }
    }

    #[test]
    fn what_is_left_of_an_address_is_its_host() {
        for (url, shown) in [
            ("http://am:9093", "http://am:9093"),
            ("http://am:9093/", "http://am:9093/"),
            ("https://a@b@host?x=1", "https://host/***"),
            ("https://host#frag", "https://host/***"),
        ] {
            assert_eq!(redact_webhook(url), shown);
        }
    }
}
