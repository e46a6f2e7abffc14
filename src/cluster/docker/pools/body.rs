//! From a request and the function's settings to the container that Docker is asked for. Pure.

use bollard::models::{ContainerCreateBody, HostConfig, RestartPolicy, RestartPolicyNameEnum};

use crate::cluster::docker::labels;
use crate::cluster::docker::template::nano_cpus;
use crate::cluster::pools::PoolContainerRequest;
use crate::config::FunctionConfig;
use crate::model::ClusterId;

/// The container for `request`; `settings` are the function's limits and environment, where it is configured.
///
/// # Errors
/// What is wrong with the request or the settings, and what is allowed.
pub(super) fn body(
    cluster: &ClusterId,
    network: Option<&str>,
    settings: Option<&FunctionConfig>,
    request: &PoolContainerRequest,
) -> Result<ContainerCreateBody, String> {
    let function = &request.function;
    if request.image.trim().is_empty() {
        return Err(format!(
            "the image of the function {function} is not known: give it under `pools.functions` as `image`"
        ));
    }
    if request.port == 0 {
        return Err(format!(
            "the port of the function {function} is not known: give it under `pools.functions` as `port`"
        ));
    }
    let ordered_by = request.ordered_by.map(|command| (labels::COMMAND, command.to_string()));
    let labels = [
        (labels::CLUSTER, cluster.to_string()),
        (labels::POOL, function.to_string()),
        (labels::PORT, request.port.to_string()),
    ];
    let cpus = settings.and_then(|settings| settings.cpus);
    let memory = settings.and_then(|settings| settings.memory);
    let env = settings.map(|settings| settings.env.iter().map(|(name, value)| format!("{name}={value}")).collect());
    Ok(ContainerCreateBody {
        image: Some(request.image.clone()),
        env,
        labels: Some(labels.into_iter().chain(ordered_by).map(|(key, value)| (key.to_owned(), value)).collect()),
        host_config: Some(HostConfig {
            network_mode: network.map(str::to_owned),
            nano_cpus: cpus.map(|cpus| nano_cpus("the function's `cpus`", cpus)).transpose()?,
            memory: memory.map(|memory| i64::try_from(memory.get()).unwrap_or(i64::MAX)),
            // One that has ended is seen, reported and replaced; Docker starting it again would hide that.
            restart_policy: Some(RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None }),
            // PID 1 without an init ignores SIGTERM and keeps zombies.
            init: Some(true),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Bytes;

    fn request() -> PoolContainerRequest {
        PoolContainerRequest {
            function: "resize".parse().unwrap(),
            name: "resize-1".to_owned(),
            image: "resize:3".to_owned(),
            port: 8080,
            ordered_by: None,
        }
    }

    fn made(settings: Option<&FunctionConfig>, request: &PoolContainerRequest) -> Result<ContainerCreateBody, String> {
        body(&"home".parse().unwrap(), Some("lan"), settings, request)
    }

    #[test]
    fn every_setting_reaches_docker() {
        let settings = FunctionConfig {
            cpus: Some(0.5),
            memory: Some(Bytes::mebibytes(64)),
            env: [("MODE".to_owned(), "fast".to_owned())].into(),
            ..FunctionConfig::new("resize".parse().unwrap(), "resize:3", 8080)
        };
        let body = made(Some(&settings), &request()).unwrap();
        assert_eq!(body.image.as_deref(), Some("resize:3"));
        assert_eq!(body.env, Some(vec!["MODE=fast".to_owned()]));
        let host = body.host_config.unwrap();
        assert_eq!((host.nano_cpus, host.memory), (Some(500_000_000), Some(64 << 20)));
        assert_eq!(host.network_mode.as_deref(), Some("lan"));
        let labels = body.labels.unwrap();
        for (key, value) in [(labels::CLUSTER, "home"), (labels::POOL, "resize"), (labels::PORT, "8080")] {
            assert_eq!(labels.get(key).map(String::as_str), Some(value), "{key}");
        }
        assert!(!labels.contains_key(labels::WORKER), "a pool's container is no worker");
    }

    #[test]
    fn what_is_not_known_is_refused_with_what_to_do() {
        for (request, field) in [
            (PoolContainerRequest { image: String::new(), ..request() }, "`image`"),
            (PoolContainerRequest { port: 0, ..request() }, "`port`"),
        ] {
            let told = made(None, &request).unwrap_err();
            assert!(told.contains(field) && told.contains("pools.functions"), "{told}");
        }
    }
}
