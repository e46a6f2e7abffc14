//! The containers of function pools as Docker containers (seed 001).
//!
//! A pool's container carries the labels of its cluster, its function and its port ([`labels`]); whatever has them belongs to the pool,
//! whoever made it, and whatever has not is never touched.

mod body;
mod lines;
mod seen;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::CreateContainerOptionsBuilder;
use tokio::task::JoinSet;

use super::client::Client;
use super::errors::{self, explain_pools as explain, is_gone, is_name_taken, refused};
use super::gauges::Gauges;
use super::labels;
use crate::cluster::ClusterError;
use crate::cluster::pools::{Load, ObservedPoolContainer, PoolContainerRequest, PoolHost};
use crate::config::{Config, FunctionConfig};
use crate::model::{ClusterId, ContainerId, FunctionName};

/// The pool containers of one cluster on one Docker daemon.
pub struct DockerPools {
    client: Client,
    cluster: ClusterId,
    /// The network that they join, and that their addresses are on; `None`: Docker's default.
    network: Option<String>,
    stop_timeout: Duration,
    /// Limits and environment; a function that is not configured has none.
    functions: BTreeMap<FunctionName, FunctionConfig>,
    gauges: Gauges,
    /// Containers with labels that cannot be understood, and that this was said of.
    told: Mutex<HashSet<String>>,
}

impl DockerPools {
    /// For the configured cluster. The daemon is first spoken to at the first call, so one that is down now may come later.
    ///
    /// # Errors
    /// Refused if the address cannot be understood.
    pub fn new(config: &Config) -> Result<Self, ClusterError> {
        let docker = &config.cluster.docker;
        let functions = config.pools.functions.iter().map(|function| (function.name.clone(), function.clone()));
        Ok(Self {
            client: Client::new(docker.host.as_deref(), docker.timeout.get())?,
            cluster: config.cluster.id.clone(),
            network: config.pools.network.clone(),
            stop_timeout: config.pools.stop_timeout.get(),
            functions: functions.collect(),
            gauges: Gauges::default(),
            told: Mutex::default(),
        })
    }

    async fn docker(&self, doing: &str) -> Result<&Docker, ClusterError> {
        self.client.docker().await.map_err(|error| explain(doing, &error))
    }

    /// The container's name is taken: by the same pool, and then it is started if it does not run; or by somebody else.
    async fn adopt(
        &self,
        docker: &Docker,
        request: &PoolContainerRequest,
    ) -> Result<ObservedPoolContainer, ClusterError> {
        let PoolContainerRequest { name, function, .. } = request;
        let doing = format!("adopt {name}");
        let failed = |error| explain(&doing, &error);
        let found = self.client.bearer(docker, name, explain).await?;
        let labels = found.config.as_ref().and_then(|config| config.labels.as_ref());
        if labels::pool_of(labels, &self.cluster).as_ref() != Some(function) {
            return Err(refused(format!(
                "cannot create {name}: a container of that name exists that is not of this pool (it lacks the labels {}={} and {}={function}): \
                 rename or remove that container, or give the function another name",
                labels::CLUSTER,
                self.cluster,
                labels::POOL,
            )));
        }
        if found.state.as_ref().and_then(|state| state.running) != Some(true) {
            self.client.start(docker, found.id.as_deref().unwrap_or(name)).await.map_err(failed)?;
        }
        self.made(docker, request, found.id.as_deref().unwrap_or(name)).await
    }

    /// A container that has just been started, with its address.
    async fn made(
        &self,
        docker: &Docker,
        request: &PoolContainerRequest,
        id: &str,
    ) -> Result<ObservedPoolContainer, ClusterError> {
        let doing = format!("look at {}", request.name);
        let found = self.client.inspect(docker, id).await.map_err(|error| explain(&doing, &error))?;
        seen::inspected(found, request, self.network.as_deref())
            .ok_or_else(|| refused(format!("cannot {doing}: Docker does not tell its id")))
    }

    /// Says once of every such container that it is left alone.
    fn tell_of(&self, strange: &[String]) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|id| strange.contains(id));
        for id in strange {
            if told.insert(id.clone()) {
                tracing::warn!(
                    container = %id,
                    "a container of this cluster has no valid labels `{}` and `{}`: left alone", labels::POOL, labels::PORT
                );
            }
        }
    }
}

#[async_trait]
impl PoolHost for DockerPools {
    fn name(&self) -> &'static str {
        errors::NAME
    }

    async fn list(&self) -> Result<Vec<ObservedPoolContainer>, ClusterError> {
        let failed = |error| explain("list the containers of the function pools", &error);
        let docker = self.client.docker().await.map_err(failed)?;
        let ours = [(labels::CLUSTER, Some(self.cluster.as_str())), (labels::POOL, None)];
        let listing = async {
            let body = self.client.labelled_raw(docker, &ours).await?;
            // A task of its own, so that whoever asks has the other processor; it ends with this call.
            let mut reading = JoinSet::new();
            reading.spawn(seen::listed(body, self.network.clone()));
            reading.join_next().await.and_then(Result::ok).unwrap_or_else(|| {
                Err(Error::DockerStreamError { error: "the reading of the listing has ended early".to_owned() })
            })
        };
        let seen::Seen { containers, strange } = self.client.call(listing).await.map_err(failed)?;
        self.tell_of(&strange);
        let running = containers.iter().filter(|container| container.running);
        self.gauges.keep_only(running.map(|container| container.id.0.as_str()));
        Ok(containers)
    }

    async fn load(&self, ids: &[ContainerId]) -> HashMap<ContainerId, Load> {
        let docker = match self.client.docker().await {
            Ok(docker) => docker,
            Err(error) => {
                tracing::debug!(%error, "no measurements of the function pools");
                return HashMap::new();
            }
        };
        let ids = ids.iter().map(|id| id.0.clone()).collect();
        let readings = self.gauges.read(&self.client, docker, ids).await;
        let load = |(id, reading): (String, super::gauges::Reading)| {
            let load = Load { cpu_percent: reading.cpu_percent, memory_percent: reading.memory_percent };
            (ContainerId(id), load)
        };
        readings.into_iter().map(load).collect()
    }

    async fn create(&self, request: &PoolContainerRequest) -> Result<ObservedPoolContainer, ClusterError> {
        let name = &request.name;
        let doing = format!("create {name}");
        let body = body::body(&self.cluster, self.network.as_deref(), self.functions.get(&request.function), request)
            .map_err(|error| refused(format!("cannot {doing}: {error}")))?;
        let docker = self.docker(&doing).await?;
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        let id = match self.client.call(docker.create_container(Some(options), body)).await {
            Ok(answer) => answer.id,
            Err(error) if is_name_taken(&error) => return self.adopt(docker, request).await,
            Err(error) => return Err(explain(&doing, &error)),
        };
        if let Err(error) =
            self.client.start(docker, &id).await.map_err(|error| explain(&format!("start {name}"), &error))
        {
            // After an outage the outcome is unknown; the next attempt adopts what is there.
            if !error.is_transient() {
                self.client.undo(docker, &id).await;
            }
            return Err(error);
        }
        self.made(docker, request, &id).await
    }

    async fn remove(&self, id: &ContainerId) -> Result<(), ClusterError> {
        if id.0.is_empty() {
            return Err(refused("cannot remove a container without an id"));
        }
        let doing = format!("remove the container {id}");
        let docker = self.docker(&doing).await?;
        let found = match self.client.inspect(docker, &id.0).await {
            Ok(found) => found,
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) => return Err(explain(&doing, &error)),
        };
        let full = found.id.unwrap_or_default();
        // Docker also finds a container whose name is this id: that is not it.
        if !full.starts_with(&id.0) {
            return Ok(());
        }
        let labels = found.config.as_ref().and_then(|config| config.labels.as_ref());
        if labels::pool_of(labels, &self.cluster).is_none() {
            return Err(refused(format!(
                "cannot {doing}: it is not part of a pool of this cluster (it lacks the labels {}={} and {}): remove it by hand if it is to go",
                labels::CLUSTER,
                self.cluster,
                labels::POOL,
            )));
        }
        self.client.end(docker, &doing, &full, self.stop_timeout).await
    }
}
