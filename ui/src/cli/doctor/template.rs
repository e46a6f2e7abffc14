//! Can a worker be made as the configuration says?

use std::fs::File;
use std::io;
use std::path::Path;

use windlass::cluster::ClusterError;
use windlass::cluster::docker::DockerHost;
use windlass::config::Config;
use windlass_ui::format;

use super::check::Check;

/// The image, the network, the mounts and the file of variables.
pub async fn checks(config: &Config, host: &DockerHost) -> Vec<Check> {
    let workers = &config.workers;
    let mut checks = Vec::new();
    let image = workers.image.as_deref().unwrap_or_default();
    checks.extend(presence(
        ("worker image", image),
        host.image_present().await,
        format_args!("docker pull {image} (windlass does not pull), or correct `workers.image`"),
    ));
    let network = workers.network.as_deref().unwrap_or_default();
    checks.extend(presence(
        ("worker network", network),
        host.network_exists().await,
        format_args!("docker network create {network}, or correct `workers.network`"),
    ));
    checks.extend(mounts(&workers.mounts, is_local(config)));
    checks.extend(workers.env_file.as_deref().map(env_file));
    checks
}

/// What the daemon says about one thing that the template names; nothing where it names none.
pub fn presence(
    (name, what): (&'static str, &str),
    found: Result<Option<bool>, ClusterError>,
    remedy: std::fmt::Arguments<'_>,
) -> Option<Check> {
    Some(match found {
        Ok(None) => return None,
        Ok(Some(true)) => Check::ok(name, what),
        Ok(Some(false)) => Check::problem(name, format_args!("Docker does not have {what}"), remedy),
        Err(error) => Check::warning(name, error, "try again; as long as Docker does not tell, no worker can be made"),
    })
}

/// Whether the daemon is on this machine, so that its paths are ours.
fn is_local(config: &Config) -> bool {
    let variable = || std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
    let host = config.cluster.docker.host.clone().or_else(variable);
    host.is_none_or(|host| host.starts_with("unix://"))
}

/// Docker makes an empty directory of a source that is missing and says nothing.
fn mounts(mounts: &[String], local: bool) -> Option<Check> {
    let name = "worker mounts";
    let sources: Vec<&str> = mounts.iter().filter_map(|mount| mount.split(':').next()).collect();
    let paths: Vec<&str> = sources.into_iter().filter(|source| source.starts_with('/')).collect();
    if paths.is_empty() {
        return None;
    }
    let count = format::plural(paths.len() as u64, "path");
    if !local {
        return Some(Check::ok(name, format_args!("{count} on Docker's machine: not looked at from here")));
    }
    let missing: Vec<&str> = paths.into_iter().filter(|path| !Path::new(path).exists()).collect();
    Some(if missing.is_empty() {
        Check::ok(name, format_args!("{count}: there"))
    } else {
        let found = format!("not on this machine: {}", missing.join(", "));
        Check::warning(name, found, "correct `workers.mounts`: Docker would put an empty directory there")
    })
}

/// It is read for every worker, and never printed.
fn env_file(path: &Path) -> Check {
    let name = "worker env_file";
    match File::open(path).and_then(|file| file.metadata()) {
        Ok(found) if found.is_file() => Check::ok(name, path.display()),
        found => {
            let error = found.err().unwrap_or_else(|| io::Error::other("it is not a file"));
            let found = format!("{} cannot be read: {error}", path.display());
            Check::problem(name, found, "correct `workers.env_file`, or make the file readable")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::check::Health;

    fn words(mounts: &[&str]) -> Vec<String> {
        mounts.iter().map(|mount| (*mount).to_owned()).collect()
    }

    #[test]
    fn host_paths_are_looked_for_and_volumes_are_not() {
        assert!(mounts(&words(&["data:/var/lib", "cache:/cache:ro"]), true).is_none());
        let there = mounts(&words(&["/tmp:/a", "data:/b"]), true).expect("a check");
        assert_eq!((there.status, there.found.as_str()), (Health::Ok, "1 path: there"));
        let missing = words(&["/tmp:/a", "/nowhere/at/all:/b:ro"]);
        let found = mounts(&missing, true).expect("a check");
        assert_eq!(found.status, Health::Warning);
        assert!(found.found.contains("/nowhere/at/all") && !found.found.contains("/tmp"), "{}", found.found);
        assert_eq!(
            mounts(&missing, false).expect("a check").status,
            Health::Ok,
            "another machine's paths are not ours"
        );
    }

    #[test]
    fn a_file_of_variables_has_to_be_a_file_that_can_be_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("k3s.env");
        assert_eq!(env_file(&file).status, Health::Problem);
        std::fs::write(&file, "K3S_TOKEN=secret").expect("a file");
        let found = env_file(&file);
        assert_eq!(found.status, Health::Ok);
        assert!(!found.found.contains("secret"));
        assert_eq!(env_file(folder.path()).status, Health::Problem);
    }

    #[test]
    fn what_docker_does_not_tell_is_no_problem_of_the_template() {
        let check = |found| presence(("worker image", "k3s:1"), found, format_args!("pull it"));
        assert!(check(Ok(None)).is_none());
        assert_eq!(check(Ok(Some(true))).expect("a check").status, Health::Ok);
        assert_eq!(check(Ok(Some(false))).expect("a check").remedy.as_deref(), Some("pull it"));
        let away = ClusterError::Unavailable { cluster: "docker", error: "it sleeps".to_owned() };
        assert_eq!(check(Err(away)).expect("a check").status, Health::Warning);
    }
}
