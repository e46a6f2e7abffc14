//! Calls about containers, whoever they belong to.

use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, ContainerSummary};
use bollard::query_parameters::{
    InspectContainerOptions, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
    StopContainerOptionsBuilder,
};
use hyper::body::Incoming;
use url::form_urlencoded;

use super::client::Client;
use super::errors::{explain, is_being_removed, is_gone, unavailable};
use super::{labels, raw};
use crate::cluster::ClusterError;

impl Client {
    /// Containers with all of these labels, ended ones included; without a value, whatever the label's value.
    pub(super) async fn labelled(
        &self,
        docker: &Docker,
        labels: &[(&str, Option<&str>)],
    ) -> Result<Vec<ContainerSummary>, Error> {
        let options = ListContainersOptionsBuilder::new().all(true).filters(&labels::filter(labels)).build();
        self.call(docker.list_containers(Some(options))).await
    }

    /// The same listing as its bytes, to be read as they come.
    pub(super) async fn labelled_raw(
        &self,
        docker: &Docker,
        labels: &[(&str, Option<&str>)],
    ) -> Result<Incoming, Error> {
        let filters = serde_json::to_string(&labels::filter(labels))?;
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("all", "true")
            .append_pair("filters", &filters)
            .finish();
        let path = format!("/v{}/containers/json?{query}", docker.client_version());
        self.call(raw::get(self.address(), &path)).await
    }

    pub(super) async fn inspect(&self, docker: &Docker, id: &str) -> Result<ContainerInspectResponse, Error> {
        let found = self.call(docker.inspect_container(id, None::<InspectContainerOptions>)).await?;
        if found.id.is_none() {
            // Whatever said this, it was not Docker: nothing may follow from it.
            return Err(Error::DockerStreamError { error: "the answer is not about a container".to_owned() });
        }
        Ok(found)
    }

    /// The container that has a name which was to be given to a new one. `explain` words what else may go wrong.
    pub(super) async fn bearer(
        &self,
        docker: &Docker,
        name: &str,
        explain: impl Fn(&str, &Error) -> ClusterError,
    ) -> Result<ContainerInspectResponse, ClusterError> {
        let doing = format!("adopt {name}");
        self.inspect(docker, name).await.map_err(|error| {
            if is_gone(&error) {
                unavailable(format!("cannot {doing}: it was removed just now"))
            } else {
                explain(&doing, &error)
            }
        })
    }

    pub(super) async fn start(&self, docker: &Docker, id: &str) -> Result<(), Error> {
        self.call(docker.start_container(id, None::<StartContainerOptions>)).await
    }

    /// Removes what was just made and could not be started, so that nothing is left of the attempt.
    pub(super) async fn undo(&self, docker: &Docker, id: &str) {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        if let Err(error) = self.call(docker.remove_container(id, Some(options))).await {
            tracing::warn!(container = %id, %error, "the container that could not be started could not be removed either");
        }
    }

    /// Stops (it has `grace` to do so) and removes one container by its id. One that is gone is already removed.
    pub(super) async fn end(
        &self,
        docker: &Docker,
        doing: &str,
        id: &str,
        grace: Duration,
    ) -> Result<(), ClusterError> {
        let grace = whole_seconds(grace);
        let stop = StopContainerOptionsBuilder::new().t(grace).build();
        let within = Duration::from_secs(u64::try_from(grace).unwrap_or(0)) + self.limit();
        match self.within(within, docker.stop_container(id, Some(stop))).await {
            Err(error) if !is_gone(&error) && !is_being_removed(&error) => return Err(explain(doing, &error)),
            Ok(()) | Err(_) => {}
        }
        // With its anonymous volumes: an agent's images and logs would stay for ever.
        let remove = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match self.call(docker.remove_container(id, Some(remove))).await {
            Err(error) if !is_gone(&error) && !is_being_removed(&error) => Err(explain(doing, &error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Rounded up: half a second of grace is not none.
fn whole_seconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(i32::MAX)
}
