//! Secrets, and addresses that may hold one: usable, never printable.

use std::fmt;

/// A secret. It prints as `***`, whatever the format.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes it in.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself. Hand it to the one who needs it; never to a log, an event or an error.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// An address as it may be shown: the password in `user:password@` or in `?pass=` is `***`.
///
/// Where the address is malformed, rather too much is hidden than too little.
#[must_use]
pub fn redact_url(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = url.split_at(start);
    // A socket's path has no user before it, and an `@` may be part of the password behind it.
    let rest = if scheme.starts_with("unix") { redact_query(rest) } else { rest.to_owned() };
    // The last `@`: a password may contain one, unescaped.
    let userinfo = rest.rsplit_once('@').and_then(|(userinfo, host)| Some((userinfo.split_once(':')?.0, host)));
    match userinfo {
        Some((user, host)) => format!("{scheme}{user}:***@{}", redact_query(host)),
        None => format!("{scheme}{}", redact_query(&rest)),
    }
}

/// `?pass=` is where redis-rs takes a Unix socket's password from.
fn redact_query(rest: &str) -> String {
    let Some((path, query)) = rest.split_once('?') else { return rest.to_owned() };
    let shown: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if name.to_ascii_lowercase().starts_with("pass") => format!("{name}=***"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", shown.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_stars() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?} {secret:#?}"), "*** *** ***");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn passwords_in_addresses_are_hidden() {
        for (url, shown) in [
            ("redis://localhost:6379/0", "redis://localhost:6379/0"),
            ("redis://ops:hunter2@db:6379", "redis://ops:***@db:6379"),
            ("rediss://:hunter2@db", "rediss://:***@db"),
            ("redis://ops:hun@ter2@db", "redis://ops:***@db"),
            ("redis://ops:hun/ter2@db", "redis://ops:***@db"),
            ("ops:hunter2@db", "ops:***@db"),
            ("unix:///run/r.sock?db=1&pass=hunter2", "unix:///run/r.sock?db=1&pass=***"),
            ("unix:///run/r.sock?pass=hun@ter2", "unix:///run/r.sock?pass=***"),
            ("unix:///run/a:b?user=ops&pass=hun@ter2", "unix:///run/a:b?user=ops&pass=***"),
            ("redis://ops:hun?pass=x@ter2@db", "redis://ops:***@db"),
            ("redis://ops@db?a=b", "redis://ops@db?a=b"),
        ] {
            assert_eq!(redact_url(url), shown);
        }
    }
}
