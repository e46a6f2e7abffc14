//! The flags that every command understands.

use std::path::PathBuf;

use clap::Args;

/// The flags that every command understands. They win over the environment, which wins over the file.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// The configuration file [default: `WINDLASS_CONFIG`, or windlass/windlass.yaml in the XDG config directory]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The cluster (`cluster.id`)
    #[arg(long, global = true, value_name = "ID")]
    pub cluster: Option<String>,
    /// The Redis (`redis.url`); one with a password is better off in `WINDLASS_REDIS_URL`, where `ps` does not show it
    #[arg(long, global = true, value_name = "URL")]
    pub redis_url: Option<String>,
    /// Where the own Redis and the simulated cluster keep their data (`redis.data_dir`)
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Observe, decide and report, and change nothing (`autoscaler.dry_run`)
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Any other setting, as `windlass config default` names it; may be repeated
    #[arg(long = "set", global = true, value_name = "PATH=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
    /// The name that your commands carry [default: `cockpit.actor`, or your login name]
    #[arg(long, global = true, value_name = "NAME")]
    pub actor: Option<String>,
    /// No colours (as `NO_COLOR` in the environment)
    #[arg(long, global = true)]
    pub no_color: bool,
}

impl Global {
    /// The settings that the flags override, in the order in which the later one wins.
    #[must_use]
    pub fn overrides(&self) -> Vec<(String, String)> {
        let named = [
            ("cluster.id", self.cluster.clone()),
            ("redis.url", self.redis_url.clone()),
            ("redis.data_dir", self.data_dir.clone()),
            ("autoscaler.dry_run", self.dry_run.then(|| "true".to_owned())),
        ];
        let named = named.into_iter().filter_map(|(path, value)| Some((path.to_owned(), value?)));
        self.set.iter().cloned().chain(named).collect()
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() => Ok((path.trim().to_owned(), value.to_owned())),
        _ => Err("write the setting's path, `=`, and its value: autoscaler.limits.max_nodes=8".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_has_a_path_and_any_value() {
        assert_eq!(assignment("a.b=1=2"), Ok(("a.b".to_owned(), "1=2".to_owned())));
        assert_eq!(assignment("a.b="), Ok(("a.b".to_owned(), String::new())));
        assert!(assignment("a.b").is_err());
        assert!(assignment("=1").is_err());
    }
}
