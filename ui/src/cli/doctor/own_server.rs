//! The own Redis server: its program, and whether it runs. It is not started for a look.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;
use windlass::store::server::{PrivateServer, ProgramSearch, Sighting};

use super::check::Check;
use super::redis::{is_new_enough, too_old};
use crate::cli::settings::Settings;

/// A program tells its version at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was found, and whether the server can be asked more.
pub async fn checks(settings: &Settings) -> (Vec<Check>, bool) {
    let (server, runs) = server(settings.data_dir()).await;
    (vec![program().await, server], runs)
}

async fn program() -> Check {
    let name = "redis program";
    let path = match ProgramSearch::on_path(std::env::var_os("PATH").as_deref()).find() {
        Ok(path) => path,
        Err(error) => return Check::problem(name, error, "install one of them, or set `redis.url`"),
    };
    let asked = Command::new(&path).arg("--version").kill_on_drop(true).output();
    let told = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(output)) => version(&String::from_utf8_lossy(&output.stdout)),
        Ok(Err(_)) | Err(_) => None,
    };
    match told {
        Some(version) if is_new_enough(&version) == Some(false) => {
            Check::problem(name, format_args!("{}, version {version}", path.display()), too_old())
        }
        Some(version) => Check::ok(name, format_args!("{}, version {version}", path.display())),
        None => {
            let found = format!("{} does not tell its version", path.display());
            Check::warning(name, found, "try it by hand with --version; install it anew where it does not start")
        }
    }
}

/// The version in what `redis-server --version` prints: `Redis server v=7.0.15 sha=…`.
fn version(text: &str) -> Option<String> {
    text.split_whitespace().find_map(|word| word.strip_prefix("v=")).map(ToOwned::to_owned)
}

async fn server(data_dir: &Path) -> (Check, bool) {
    let name = "redis";
    match PrivateServer::sight(data_dir).await {
        Sighting::Ours => (Check::ok(name, format_args!("windlass's own, runs in {}", data_dir.display())), true),
        Sighting::Nobody => {
            (Check::ok(name, "windlass's own: does not run, and starts with the first windlass that needs it"), false)
        }
        Sighting::Busy(said) => {
            let remedy =
                format!("wait while it reads its data; otherwise look at {}", data_dir.join("redis.log").display());
            (Check::problem(name, format_args!("windlass's own does not answer: {said}"), remedy), false)
        }
        Sighting::Foreign(found) => {
            let found = format!("on the own server's socket another one answers; its data: {found}");
            (Check::problem(name, found, "stop that server, or choose another `redis.data_dir`"), false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_what_the_program_says() {
        let redis = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1";
        assert_eq!(version(redis).as_deref(), Some("7.0.15"));
        assert_eq!(version("Valkey server v=8.0.1 sha=0").as_deref(), Some("8.0.1"));
        assert_eq!(version("nonsense"), None);
    }
}
