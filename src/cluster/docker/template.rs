//! From the configured template to the container that Docker is asked for. Pure.

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, HostConfig, RestartPolicy, RestartPolicyNameEnum};

use super::labels;
use crate::cluster::WorkerRequest;
use crate::config::WorkersConfig;
use crate::model::ClusterId;

/// The container for `request`. `env_file` is the content of `workers.env_file`, where one is configured.
///
/// # Errors
/// What is wrong with the template, and what is allowed.
pub(super) fn body(
    cluster: &ClusterId,
    template: &WorkersConfig,
    env_file: Option<&str>,
    request: &WorkerRequest,
) -> Result<ContainerCreateBody, String> {
    let image = template.image.as_deref().filter(|image| !image.is_empty()).ok_or(
        "`workers.image` is not set: give the image of the worker containers, like `rancher/k3s:v1.31.4-k3s1`",
    )?;
    Ok(ContainerCreateBody {
        // A k3s agent registers its node under the host name.
        hostname: Some(request.name.to_string()),
        image: Some(image.to_owned()),
        cmd: (!template.command.is_empty()).then(|| template.command.clone()),
        env: Some(environment(template, env_file)?),
        labels: Some(container_labels(cluster, template, request)?),
        host_config: Some(HostConfig {
            binds: Some(template.mounts.iter().map(|mount| bind(mount)).collect::<Result<_, _>>()?),
            network_mode: template.network.clone(),
            privileged: Some(template.privileged),
            nano_cpus: template.cpus.map(|cpus| nano_cpus("`workers.cpus`", cpus)).transpose()?,
            memory: template.memory.map(|memory| i64::try_from(memory.get()).unwrap_or(i64::MAX)),
            // An ended worker is seen, reported and replaced by windlass; Docker starting it again behind its back would hide that.
            restart_policy: Some(RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None }),
            // PID 1 without an init ignores SIGTERM and keeps zombies.
            init: Some(true),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    })
}

/// A number of cores as Docker wants it; `setting` is what it is called in messages.
pub(super) fn nano_cpus(setting: &str, cpus: f64) -> Result<i64, String> {
    if cpus.is_finite() && cpus > 0.0 {
        Ok((cpus * 1e9).round() as i64)
    } else {
        Err(format!("{setting} is {cpus}: write a number of cores above 0, like 0.5 or 2"))
    }
}

/// The file's lines, then what the configuration says itself: the more specific wins.
fn environment(template: &WorkersConfig, env_file: Option<&str>) -> Result<Vec<String>, String> {
    let mut variables: Vec<(&str, &str)> = Vec::new();
    for (number, line) in env_file.unwrap_or_default().lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The line itself may be a secret: its number has to do.
        let wrong = || format!("`workers.env_file`, line {}: write NAME=value, or a comment after `#`", number + 1);
        let (name, value) = line.split_once('=').ok_or_else(wrong)?;
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(wrong());
        }
        variables.push((name, value));
    }
    variables.retain(|(name, _)| !template.env.contains_key(*name));
    variables.extend(template.env.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    Ok(variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
}

fn bind(mount: &str) -> Result<String, String> {
    let parts: Vec<_> = mount.split(':').collect();
    let is_path_or_volume = |source: &str| {
        source.starts_with('/') || (!source.is_empty() && !source.contains('/') && !source.starts_with('.'))
    };
    match parts.as_slice() {
        [source, target] | [source, target, "ro" | "rw"] if is_path_or_volume(source) && target.starts_with('/') => {
            Ok(mount.to_owned())
        }
        _ => Err(format!(
            "`workers.mounts`: {mount:?}: write source:target or source:target:ro, the source an absolute path or a volume's name, the \
             target an absolute path"
        )),
    }
}

fn container_labels(
    cluster: &ClusterId,
    template: &WorkersConfig,
    request: &WorkerRequest,
) -> Result<HashMap<String, String>, String> {
    if let Some(key) = template.labels.keys().find(|key| key.is_empty() || key.starts_with(labels::PREFIX)) {
        return Err(format!("`workers.labels`: {key:?}: write a name that does not start with {:?}", labels::PREFIX));
    }
    let own = [
        (labels::CLUSTER, cluster.to_string()),
        (labels::WORKER, request.name.to_string()),
        (labels::KIND, request.kind.to_string()),
        (labels::OPERATION, request.operation.to_string()),
    ];
    let own = own.into_iter().map(|(key, value)| (key.to_owned(), value));
    Ok(template.labels.clone().into_iter().chain(own).collect())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::config::Bytes;
    use crate::model::WorkerKind;

    fn template() -> WorkersConfig {
        WorkersConfig { image: Some("k3s:1".to_owned()), ..WorkersConfig::default() }
    }

    fn made(template: &WorkersConfig, env_file: Option<&str>) -> Result<ContainerCreateBody, String> {
        let request =
            WorkerRequest { name: "edge-1".parse().unwrap(), kind: WorkerKind::Dynamic, operation: Uuid::nil() };
        body(&"home".parse().unwrap(), template, env_file, &request)
    }

    #[test]
    fn every_setting_reaches_docker() {
        let template = WorkersConfig {
            command: vec!["agent".to_owned()],
            mounts: vec!["/lib/modules:/lib/modules:ro".to_owned(), "data:/var/lib".to_owned()],
            network: Some("lan".to_owned()),
            privileged: true,
            cpus: Some(0.2),
            memory: Some(Bytes::mebibytes(64)),
            labels: [("rack".to_owned(), "3".to_owned())].into(),
            ..template()
        };
        let body = made(&template, None).unwrap();
        assert_eq!(body.image.as_deref(), Some("k3s:1"));
        assert_eq!(body.hostname.as_deref(), Some("edge-1"));
        assert_eq!(body.cmd, Some(vec!["agent".to_owned()]));
        let host = body.host_config.unwrap();
        assert_eq!(host.binds, Some(template.mounts.clone()));
        assert_eq!(host.network_mode.as_deref(), Some("lan"));
        assert_eq!(host.privileged, Some(true));
        assert_eq!(host.nano_cpus, Some(200_000_000));
        assert_eq!(host.memory, Some(64 << 20));
        assert_eq!(host.restart_policy.unwrap().name, Some(RestartPolicyNameEnum::NO));
        assert_eq!(host.init, Some(true));
        let labels = body.labels.unwrap();
        let expected = [
            ("rack", "3"),
            (labels::CLUSTER, "home"),
            (labels::WORKER, "edge-1"),
            (labels::KIND, "dynamic"),
            (labels::OPERATION, "00000000-0000-0000-0000-000000000000"),
        ];
        for (key, value) in expected {
            assert_eq!(labels.get(key).map(String::as_str), Some(value), "{key}");
        }
    }

    #[test]
    fn what_is_not_set_is_left_to_docker() {
        let body = made(&template(), None).unwrap();
        let host = body.host_config.unwrap();
        assert_eq!((body.cmd, host.network_mode, host.nano_cpus, host.memory), (None, None, None, None));
    }

    #[test]
    fn the_configuration_wins_over_the_env_file() {
        let template = WorkersConfig { env: [("A".to_owned(), "config".to_owned())].into(), ..template() };
        let body = made(&template, Some("# secrets\n\nA=file\nTOKEN=a=b c\n")).unwrap();
        assert_eq!(body.env, Some(vec!["TOKEN=a=b c".to_owned(), "A=config".to_owned()]));
    }

    #[test]
    fn a_bad_line_of_the_env_file_is_told_without_its_content() {
        let told = made(&template(), Some("A=1\nhunter2\n")).unwrap_err();
        assert!(told.contains("line 2") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn a_bad_template_is_refused_with_its_field() {
        let cases = [
            (WorkersConfig { image: None, ..template() }, "workers.image"),
            (WorkersConfig { mounts: vec!["relative/path:/x".to_owned()], ..template() }, "workers.mounts"),
            (WorkersConfig { mounts: vec!["/x".to_owned()], ..template() }, "workers.mounts"),
            (WorkersConfig { mounts: vec!["/x:/y:rx".to_owned()], ..template() }, "workers.mounts"),
            (WorkersConfig { cpus: Some(0.0), ..template() }, "workers.cpus"),
            (
                WorkersConfig { labels: [("windlass.cluster".to_owned(), "other".to_owned())].into(), ..template() },
                "workers.labels",
            ),
        ];
        for (template, field) in cases {
            let told = made(&template, None).unwrap_err();
            assert!(told.contains(field), "{told}");
        }
    }
}
