//! Workers as Docker containers.
//!
//! A worker's container has the worker's name and carries the labels of [`labels`]; whatever has them belongs to the cluster, whoever
//! made it, and whatever has not is never touched.

mod client;
mod containers;
mod errors;
mod events;
mod gauges;
pub mod labels;
mod listing;
pub mod pools;
mod presence;
mod raw;
mod stats;
mod template;

use std::collections::BTreeMap;

use async_trait::async_trait;
use bollard::Docker;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::CreateContainerOptionsBuilder;
use chrono::DateTime;

use self::client::Client;
use self::errors::{explain, is_gone, is_name_taken, refused};
use self::events::Follower;
use self::gauges::Gauges;
use super::{ClusterError, CreatedWorker, WorkerHost, WorkerRequest};
use crate::config::{Config, WorkersConfig};
use crate::model::{ClusterId, ContainerId, ContainerState, ObservedWorker, WorkerName};

/// The worker containers of one cluster on one Docker daemon.
pub struct DockerHost {
    client: Client,
    cluster: ClusterId,
    template: WorkersConfig,
    gauges: Gauges,
    follower: Follower,
}

impl DockerHost {
    /// For the configured cluster. The daemon is first spoken to at the first call, so one that is down now may come later.
    ///
    /// # Errors
    /// Refused if the address cannot be understood.
    pub fn new(config: &Config) -> Result<Self, ClusterError> {
        let docker = &config.cluster.docker;
        Ok(Self {
            client: Client::new(docker.host.as_deref(), docker.timeout.get())?,
            cluster: config.cluster.id.clone(),
            template: config.workers.clone(),
            gauges: Gauges::default(),
            follower: Follower::default(),
        })
    }

    /// The daemon's version, like `20.10.24`: whether it answers at all.
    pub async fn version(&self) -> Result<String, ClusterError> {
        let failed = |error| explain("ask for the version", &error);
        let docker = self.client.docker().await.map_err(failed)?;
        let version = self.client.call(docker.version()).await.map_err(failed)?;
        Ok(version.version.unwrap_or_else(|| "unknown".to_owned()))
    }

    /// The newest version of its API that the daemon knows, like `1.41`; `None`: it does not tell.
    pub async fn api_version(&self) -> Result<Option<String>, ClusterError> {
        let failed = |error| explain("ask for the version", &error);
        let docker = self.client.docker().await.map_err(failed)?;
        Ok(self.client.call(docker.version()).await.map_err(failed)?.api_version)
    }

    async fn docker(&self, doing: &str) -> Result<&Docker, ClusterError> {
        self.client.docker().await.map_err(|error| explain(doing, &error))
    }

    /// The container's name is taken: ours, and then it is started if it does not run; or not ours.
    async fn adopt(&self, docker: &Docker, request: &WorkerRequest) -> Result<CreatedWorker, ClusterError> {
        let name = &request.name;
        let doing = format!("adopt {name}");
        let failed = |error| explain(&doing, &error);
        let found = self.client.bearer(docker, name.as_str(), explain).await?;
        let labels = found.config.as_ref().and_then(|config| config.labels.as_ref());
        if !labels::belongs(labels, &self.cluster, name) {
            return Err(foreign(&doing, name, &self.cluster));
        }
        let running = found.state.as_ref().and_then(|state| state.running).unwrap_or(false);
        let created =
            created(&found, true).ok_or_else(|| refused(format!("cannot {doing}: Docker does not tell its id")))?;
        if !running {
            self.client.start(docker, &created.container_id.0).await.map_err(failed)?;
        }
        Ok(created)
    }

    /// The content of the configured file of variables.
    async fn env_file(&self) -> Result<Option<String>, ClusterError> {
        let Some(path) = &self.template.env_file else { return Ok(None) };
        match tokio::fs::read_to_string(path).await {
            Ok(text) => Ok(Some(text)),
            Err(error) => Err(refused(format!(
                "`workers.env_file`: {} cannot be read: {error} (correct the path, or make it readable)",
                path.display()
            ))),
        }
    }
}

#[async_trait]
impl WorkerHost for DockerHost {
    fn name(&self) -> &'static str {
        errors::NAME
    }

    async fn list(&self) -> Result<BTreeMap<WorkerName, ObservedWorker>, ClusterError> {
        let failed = |error| {
            self.follower.doubt();
            explain("list the workers", &error)
        };
        let docker = self.client.docker().await.map_err(failed)?;
        // The containers of function pools are not workers: they are not even listed.
        let ours = [(labels::CLUSTER, Some(self.cluster.as_str())), (labels::WORKER, None)];
        let containers = self.client.labelled(docker, &ours).await.map_err(failed)?;
        let mut workers = listing::workers(containers);
        let running = workers.values().filter(|worker| worker.state == ContainerState::Running);
        let ids: Vec<String> = running.map(|worker| worker.container_id.0.clone()).collect();
        self.gauges.keep_only(ids.iter().map(String::as_str));
        let readings = self.gauges.read(&self.client, docker, ids).await;
        for worker in workers.values_mut() {
            if let Some(reading) = readings.get(&worker.container_id.0) {
                worker.cpu_percent = reading.cpu_percent;
                worker.memory_percent = reading.memory_percent;
            }
        }
        Ok(workers)
    }

    async fn create(&self, request: &WorkerRequest) -> Result<CreatedWorker, ClusterError> {
        let name = &request.name;
        let doing = format!("create {name}");
        let env_file = self.env_file().await?;
        let body = template::body(&self.cluster, &self.template, env_file.as_deref(), request)
            .map_err(|error| refused(format!("cannot {doing}: {error}")))?;
        let docker = self.docker(&doing).await?;
        let options = CreateContainerOptionsBuilder::new().name(name.as_str()).build();
        let id = match self.client.call(docker.create_container(Some(options), body)).await {
            Ok(answer) => answer.id,
            Err(error) if is_name_taken(&error) => return self.adopt(docker, request).await,
            Err(error) => return Err(explain(&doing, &error)),
        };
        let failed = |error| explain(&format!("start {name}"), &error);
        if let Err(error) = self.client.start(docker, &id).await.map_err(failed) {
            // After an outage the outcome is unknown; the next attempt adopts what is there.
            if !error.is_transient() {
                self.client.undo(docker, &id).await;
            }
            return Err(error);
        }
        let made = self.client.inspect(docker, &id).await.map_err(failed)?;
        created(&made, false).ok_or_else(|| refused(format!("cannot {doing}: Docker does not tell its id")))
    }

    async fn remove(&self, name: &WorkerName) -> Result<(), ClusterError> {
        let doing = format!("remove {name}");
        let grace = self.template.stop_timeout.get();
        let failed = |error| explain(&doing, &error);
        let docker = self.docker(&doing).await?;
        match self.client.inspect(docker, name.as_str()).await {
            // Docker also finds a container whose id begins with the name: that is not it.
            Ok(found) if found.name.as_deref().is_some_and(|found| found.trim_start_matches('/') != name.as_str()) => {}
            Ok(found) => {
                let labels = found.config.as_ref().and_then(|config| config.labels.as_ref());
                if !labels::belongs(labels, &self.cluster, name) {
                    return Err(foreign(&doing, name, &self.cluster));
                }
                self.client.end(docker, &doing, found.id.as_deref().unwrap_or(name.as_str()), grace).await?;
            }
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(failed(error)),
        }
        // Renamed by hand, it is still this worker by its label, and would be listed as it.
        let labels = [(labels::CLUSTER, Some(self.cluster.as_str())), (labels::WORKER, Some(name.as_str()))];
        for left in self.client.labelled(docker, &labels).await.map_err(failed)? {
            if let Some(id) = left.id {
                self.client.end(docker, &doing, &id, grace).await?;
            }
        }
        Ok(())
    }

    async fn changed(&self) -> Result<(), ClusterError> {
        for id in self.follower.next(&self.client, &self.cluster).await? {
            self.gauges.forget(&id);
        }
        Ok(())
    }
}

fn created(found: &ContainerInspectResponse, adopted: bool) -> Option<CreatedWorker> {
    let created_at = found.created.as_deref().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
    Some(CreatedWorker {
        container_id: ContainerId(found.id.clone()?),
        created_at: created_at.map(|at| at.to_utc()).unwrap_or_default(),
        adopted,
    })
}

fn foreign(doing: &str, name: &WorkerName, cluster: &ClusterId) -> ClusterError {
    refused(format!(
        "cannot {doing}: a container named {name} exists that is not this worker (it lacks the labels {}={cluster} and {}={name}): \
         rename or remove that container, or change `workers.name_prefix`",
        labels::CLUSTER,
        labels::WORKER,
    ))
}
