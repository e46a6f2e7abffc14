//! Does the outside world answer?

use windlass::cluster::docker::DockerHost;
use windlass::cluster::{self, WorkerHost};
use windlass::config::ClusterKind;
use windlass_ui::format;

use super::check::Check;
use super::template;
use crate::cli::settings::Settings;

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
    let version = match host.version().await {
        Ok(version) => Check::ok("docker", format_args!("version {version}")),
        Err(error) => return vec![Check::problem("docker", error, NO_DOCKER)],
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
    checks
}
