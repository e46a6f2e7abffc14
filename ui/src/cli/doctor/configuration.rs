//! The configuration: that it can be used, and what in it is allowed and still hardly meant.

use windlass::config::{Config, Loaded};

use super::check::Check;

/// The configuration.
pub fn checks(loaded: &Loaded) -> Vec<Check> {
    let name = "configuration";
    let file =
        loaded.file.as_ref().map_or_else(|| "no file: the defaults".to_owned(), |file| file.display().to_string());
    let doubts = doubts(&loaded.config);
    if doubts.is_empty() {
        return vec![Check::ok(name, file)];
    }
    let doubts = doubts.into_iter().map(|(found, remedy)| Check::warning(name, found, remedy));
    std::iter::once(Check::ok(name, file)).chain(doubts).collect()
}

/// What is allowed, with what to do where it is not meant.
fn doubts(config: &Config) -> Vec<(String, &'static str)> {
    let mut doubts = Vec::new();
    let limits = config.autoscaler.limits;
    if limits.min_nodes == limits.max_nodes {
        let found = format!("minimum and maximum are both {}: nothing is ever scaled", limits.min_nodes);
        doubts.push((found, "raise `autoscaler.limits.max_nodes` where scaling is wanted"));
    }
    let (timeout, lease) = (config.redis.timeout.get(), config.leader.lease.get());
    if timeout >= lease {
        let found = format!(
            "a command may take {} s (`redis.timeout`), and the lease lasts {} s (`leader.lease`)",
            timeout.as_secs_f64(),
            lease.as_secs_f64()
        );
        doubts.push((found, "make the timeout shorter than the lease: one slow answer loses the leadership"));
    }
    if let Some(url) = config.redis.url.as_deref().filter(|url| is_plain_and_far(url)) {
        let host = url.rsplit('@').next().unwrap_or_default();
        let found = format!("Redis at {} is spoken to without encryption", host.trim_start_matches("redis://"));
        doubts.push((found, "use rediss:// where others can listen on the way"));
    }
    doubts
}

/// Whether a password and the state go over a network in the clear.
fn is_plain_and_far(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("redis://") else { return false };
    let host = rest.rsplit('@').next().unwrap_or_default().split('/').next().unwrap_or_default();
    let near = ["localhost", "127.", "[::1]"];
    !host.is_empty() && !near.iter().any(|near| host.starts_with(near))
}

#[cfg(test)]
mod tests {
    use windlass::config::Span;

    use super::*;

    #[test]
    fn the_defaults_are_beyond_doubt() {
        assert!(doubts(&Config::default()).is_empty());
    }

    #[test]
    fn what_is_hardly_meant_is_said() {
        let mut config = Config::default();
        config.autoscaler.limits.max_nodes = config.autoscaler.limits.min_nodes;
        config.redis.timeout = Span::seconds(5);
        config.redis.url = Some("redis://me:hunter2@example.org:6379/0".to_owned());
        let found: Vec<String> = doubts(&config).into_iter().map(|(found, _)| found).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(!found.iter().any(|found| found.contains("hunter2")), "{found:?}");
    }

    #[test]
    fn only_a_far_server_without_encryption_is_plain() {
        for near in [
            "redis://localhost/",
            "redis://127.0.0.1:6379",
            "redis://[::1]:6379",
            "unix:///run/r.sock",
            "rediss://far/",
        ] {
            assert!(!is_plain_and_far(near), "{near}");
        }
        assert!(is_plain_and_far("redis://10.0.0.7:6379"));
    }
}
