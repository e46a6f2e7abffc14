//! Does the outside world answer?

use windlass::cluster::docker::DockerHost;
use windlass::cluster::{self, WorkerHost};
use windlass::config::ClusterKind;
use windlass_ui::format;

use super::check::Check;
use super::{images, template};
use crate::cli::settings::Settings;

/// The oldest API that is spoken: Docker 20.10.
const OLDEST_API: (u32, u32) = (1, 41);
/// What to do where Docker does not answer.
const NO_DOCKER: &str = "start Docker, let this user reach its socket (group docker), or correct `cluster.docker.host`";

/// The cluster. The simulated one is not looked at: its world would begin with that.
pub async fn checks(settings: &Settings) -> Vec<Check> {
    match settings.config.cluster.kind {
        ClusterKind::Docker => docker(settings).await,
        ClusterKind::Simulated => vec![match cluster::connect(&settings.config, settings.data_dir()) {
            Ok(_) => Check::ok("cluster", format_args!("{} (simulated)", settings.cluster())),
            Err(error) => Check::problem("cluster", error, "correct `cluster.simulated`"),
        }],
    }
}

async fn docker(settings: &Settings) -> Vec<Check> {
    let host = match DockerHost::new(&settings.config) {
        Ok(host) => host,
        Err(error) => return vec![Check::problem("docker", error, NO_DOCKER)],
    };
    let version = match (host.version().await, host.api_version().await) {
        (Ok(version), Ok(api)) => daemon(&version, api.as_deref()),
        (Err(error), _) | (_, Err(error)) => return vec![Check::problem("docker", error, NO_DOCKER)],
    };
    let workers = match host.list().await {
        Ok(workers) => {
            let workers = format::plural(workers.len() as u64, "worker container");
            Check::ok("cluster", format_args!("{} (docker): {workers}", settings.cluster()))
        }
        Err(error) => Check::problem("cluster", error, NO_DOCKER),
    };
    let mut checks = vec![version, workers];
    checks.extend(template::checks(&settings.config, &host).await);
    checks.extend(images::checks(&settings.config, &host).await);
    checks
}

fn daemon(version: &str, api: Option<&str>) -> Check {
    let name = "docker";
    let numbers = api.and_then(|api| api.split_once('.'));
    let numbers = numbers.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    match (numbers, api) {
        (Some(found), Some(api)) if found < OLDEST_API => {
            let (major, minor) = OLDEST_API;
            let remedy = format!("upgrade Docker to 20.10 or later: windlass speaks API {major}.{minor}");
            Check::problem(name, format_args!("version {version}, API {api}"), remedy)
        }
        (Some(_), Some(api)) => Check::ok(name, format_args!("version {version}, API {api}")),
        _ => {
            let remedy = "docker version tells it; 1.41 or later is needed";
            Check::warning(name, format_args!("version {version}; it does not tell its API's"), remedy)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::check::Health;

    #[test]
    fn an_old_daemon_is_a_problem_and_an_unknown_one_a_warning() {
        let status = |api| daemon("20", api).status;
        assert_eq!(status(Some("1.41")), Health::Ok);
        assert_eq!(status(Some("1.100")), Health::Ok);
        assert_eq!(status(Some("2.0")), Health::Ok);
        assert_eq!(status(Some("1.40")), Health::Problem);
        assert_eq!(status(Some("1.9")), Health::Problem);
        assert_eq!(status(Some("new")), Health::Warning);
        assert_eq!(status(None), Health::Warning);
    }
}
