//! Workers as Docker containers.
//!
//! A worker's container has the worker's name and carries the labels of [`labels`]; whatever has them belongs to the cluster, whoever
//! made it, and whatever has not is never touched.

mod client;
mod errors;
mod events;
mod gauges;
pub mod labels;
mod listing;
mod presence;
mod stats;
mod template;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, ContainerSummary};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, StartContainerOptions, StopContainerOptionsBuilder,
};
use chrono::DateTime;

use self::client::Client;
use self::errors::{explain, is_being_removed, is_gone, is_name_taken, refused, unavailable};
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

    async fn docker(&self, doing: &str) -> Result<&Docker, ClusterError> {
        self.client.docker().await.map_err(|error| explain(doing, &error))
    }

    /// Containers with all of these labels, ended ones included.
    async fn labelled(&self, docker: &Docker, labels: &[(&str, &str)]) -> Result<Vec<ContainerSummary>, Error> {
        let options = ListContainersOptionsBuilder::new().all(true).filters(&labels::filter(labels)).build();
        self.client.call(docker.list_containers(Some(options))).await
    }

    async fn inspect(&self, docker: &Docker, id: &str) -> Result<ContainerInspectResponse, Error> {
        let found = self.client.call(docker.inspect_container(id, None::<InspectContainerOptions>)).await?;
        if found.id.is_none() {
            // Whatever said this, it was not Docker: nothing may follow from it.
            return Err(Error::DockerStreamError { error: "the answer is not about a container".to_owned() });
        }
        Ok(found)
    }

    async fn start(&self, docker: &Docker, id: &str) -> Result<(), Error> {
        self.client.call(docker.start_container(id, None::<StartContainerOptions>)).await
    }

    /// The container's name is taken: ours, and then it is started if it does not run; or not ours.
    async fn adopt(&self, docker: &Docker, request: &WorkerRequest) -> Result<CreatedWorker, ClusterError> {
        let name = &request.name;
        let doing = format!("adopt {name}");
        let failed = |error| explain(&doing, &error);
        let found = match self.inspect(docker, name.as_str()).await {
            Ok(found) => found,
            Err(error) if is_gone(&error) => {
                return Err(unavailable(format!("cannot {doing}: it was removed just now")));
            }
            Err(error) => return Err(failed(error)),
        };
        let labels = found.config.as_ref().and_then(|config| config.labels.as_ref());
        if !labels::belongs(labels, &self.cluster, name) {
            return Err(foreign(&doing, name, &self.cluster));
        }
        let running = found.state.as_ref().and_then(|state| state.running).unwrap_or(false);
        let created =
            created(&found, true).ok_or_else(|| refused(format!("cannot {doing}: Docker does not tell its id")))?;
        if !running {
            self.start(docker, &created.container_id.0).await.map_err(failed)?;
        }
        Ok(created)
    }

    /// Removes what was just made and could not be started, so that nothing is left of the attempt.
    async fn undo(&self, docker: &Docker, id: &str) {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        if let Err(error) = self.client.call(docker.remove_container(id, Some(options))).await {
            tracing::warn!(container = %id, %error, "the container that could not be started could not be removed either");
        }
    }

    /// Stops and removes one container by its id.
    async fn end(&self, docker: &Docker, doing: &str, id: &str) -> Result<(), ClusterError> {
        let grace = whole_seconds(self.template.stop_timeout.get());
        let stop = StopContainerOptionsBuilder::new().t(grace).build();
        let within = Duration::from_secs(u64::try_from(grace).unwrap_or(0)) + self.client.limit();
        match self.client.within(within, docker.stop_container(id, Some(stop))).await {
            Err(error) if !is_gone(&error) && !is_being_removed(&error) => return Err(explain(doing, &error)),
            Ok(()) | Err(_) => {}
        }
        // With its anonymous volumes: an agent's images and logs would stay for ever.
        let remove = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match self.client.call(docker.remove_container(id, Some(remove))).await {
            Err(error) if !is_gone(&error) && !is_being_removed(&error) => Err(explain(doing, &error)),
            Ok(()) | Err(_) => Ok(()),
        }
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
        let containers = self.labelled(docker, &[(labels::CLUSTER, self.cluster.as_str())]).await.map_err(failed)?;
        let mut workers = listing::workers(containers);
        let running = workers.values().filter(|worker| worker.state == ContainerState::Running);
        let ids = running.map(|worker| worker.container_id.0.clone()).collect();
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
        if let Err(error) = self.start(docker, &id).await.map_err(failed) {
            // After an outage the outcome is unknown; the next attempt adopts what is there.
            if !error.is_transient() {
                self.undo(docker, &id).await;
            }
            return Err(error);
        }
        let made = self.inspect(docker, &id).await.map_err(failed)?;
        created(&made, false).ok_or_else(|| refused(format!("cannot {doing}: Docker does not tell its id")))
    }

    async fn remove(&self, name: &WorkerName) -> Result<(), ClusterError> {
        let doing = format!("remove {name}");
        let failed = |error| explain(&doing, &error);
        let docker = self.docker(&doing).await?;
        match self.inspect(docker, name.as_str()).await {
            // Docker also finds a container whose id begins with the name: that is not it.
            Ok(found) if found.name.as_deref().is_some_and(|found| found.trim_start_matches('/') != name.as_str()) => {}
            Ok(found) => {
                let labels = found.config.as_ref().and_then(|config| config.labels.as_ref());
                if !labels::belongs(labels, &self.cluster, name) {
                    return Err(foreign(&doing, name, &self.cluster));
                }
                self.end(docker, &doing, found.id.as_deref().unwrap_or(name.as_str())).await?;
            }
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(failed(error)),
        }
        // Renamed by hand, it is still this worker by its label, and would be listed as it.
        let labels = [(labels::CLUSTER, self.cluster.as_str()), (labels::WORKER, name.as_str())];
        for left in self.labelled(docker, &labels).await.map_err(failed)? {
            if let Some(id) = left.id {
                self.end(docker, &doing, &id).await?;
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

/// Rounded up: half a second of grace is not none.
fn whole_seconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(i32::MAX)
}
