//! What the function pools' containers are made of, and where they are connected.

use std::collections::BTreeMap;

use windlass::cluster::docker::DockerHost;
use windlass::config::Config;

use super::check::Check;
use super::template::presence;

/// The image of each pool, once each, and their network.
pub async fn checks(config: &Config, host: &DockerHost) -> Vec<Check> {
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for function in &config.pools.functions {
        users.entry(&function.image).or_default().push(function.name.as_str());
    }
    let mut checks = Vec::new();
    for (image, functions) in users {
        let what = format!("{image} for {}", functions.join(", "));
        let remedy = format_args!("docker pull {image} (windlass does not pull), or correct it in `pools.functions`");
        checks.extend(presence(("pool image", &what), host.has_image(image).await.map(Some), remedy));
    }
    if let Some(network) = config.pools.network.as_deref().filter(|_| !config.pools.functions.is_empty()) {
        let remedy = format_args!("docker network create {network}, or correct `pools.network`");
        checks.extend(presence(("pool network", network), host.has_network(network).await.map(Some), remedy));
    }
    checks
}
