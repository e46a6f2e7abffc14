//! Is what the template names there at all? For the doctor: the engine itself finds out when it makes a worker.

use bollard::query_parameters::InspectNetworkOptions;

use super::DockerHost;
use super::errors::{explain, is_unknown_image, is_unknown_network};
use crate::cluster::ClusterError;

/// Networks that Docker knows without anybody having made them, and that it does not list.
const BUILT_IN: [&str; 2] = ["default", "none"];

impl DockerHost {
    /// Whether the daemon has the template's image; `None` where the template names none. It is not pulled.
    pub async fn image_present(&self) -> Result<Option<bool>, ClusterError> {
        let Some(image) = self.template.image.as_deref().filter(|image| !image.is_empty()) else { return Ok(None) };
        self.has_image(image).await.map(Some)
    }

    /// Whether the daemon has an image. It is not pulled.
    pub async fn has_image(&self, image: &str) -> Result<bool, ClusterError> {
        let doing = format!("look for the image {image}");
        let docker = self.docker(&doing).await?;
        match self.client.call(docker.inspect_image(image)).await {
            Ok(_) => Ok(true),
            Err(error) if is_unknown_image(&error) => Ok(false),
            Err(error) => Err(explain(&doing, &error)),
        }
    }

    /// Whether the daemon has the template's network; `None` where the template names none. The network of another container
    /// (`container:NAME`) is none of its own and counts as unnamed.
    pub async fn network_exists(&self) -> Result<Option<bool>, ClusterError> {
        let network = self.template.network.as_deref();
        let Some(network) = network.filter(|name| !name.is_empty() && !name.starts_with("container:")) else {
            return Ok(None);
        };
        self.has_network(network).await.map(Some)
    }

    /// Whether the daemon has a network.
    pub async fn has_network(&self, network: &str) -> Result<bool, ClusterError> {
        if BUILT_IN.contains(&network) {
            return Ok(true);
        }
        let doing = format!("look for the network {network}");
        let docker = self.docker(&doing).await?;
        match self.client.call(docker.inspect_network(network, None::<InspectNetworkOptions>)).await {
            Ok(_) => Ok(true),
            Err(error) if is_unknown_network(&error) => Ok(false),
            Err(error) => Err(explain(&doing, &error)),
        }
    }
}
