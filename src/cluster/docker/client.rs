//! The connection: made at the first call, its API version agreed on then, each call within its time.

use std::future::Future;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::errors::refused;
use crate::cluster::ClusterError;

/// Docker's usual socket.
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// Longer than any limit set here: bollard counts in whole seconds and only up to the headers, so the limits are kept in
/// [`Client::within`] and this one never fires first.
const BOLLARD_LIMIT: Duration = Duration::from_secs(3600);

/// Where Docker listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// The path of a socket.
    Unix(String),
    /// `tcp://host:port`; without a port, HTTP's.
    Tcp(String),
}

/// A daemon that may not be there yet, or not any more.
pub(super) struct Client {
    address: Address,
    limit: Duration,
    docker: OnceCell<Docker>,
}

impl Client {
    /// For the configured host, or what `DOCKER_HOST` says, or Docker's default. Nothing is connected yet.
    pub(super) fn new(host: Option<&str>, limit: Duration) -> Result<Self, ClusterError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (host, told_by) = match (host, variable("DOCKER_HOST")) {
            (Some(host), _) => (host.to_owned(), "cluster.docker.host"),
            (None, Some(host)) => (host, "DOCKER_HOST"),
            (None, None) => (DEFAULT_HOST.to_owned(), "the default"),
        };
        let address = address(&host, told_by)?;
        if matches!(address, Address::Tcp(_)) && variable("DOCKER_TLS_VERIFY").is_some() {
            return Err(refused(format!(
                "{told_by} is {host} and DOCKER_TLS_VERIFY is set, but windlass does not speak TLS to Docker: forward the socket \
                 with `ssh -L` and give `unix://` and its path"
            )));
        }
        Ok(Self { address, limit, docker: OnceCell::new() })
    }

    /// Where the daemon listens.
    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    /// How long a call may take.
    pub(super) const fn limit(&self) -> Duration {
        self.limit
    }

    /// The daemon, with the API version that both sides know.
    pub(super) async fn docker(&self) -> Result<&Docker, Error> {
        self.docker
            .get_or_try_init(|| async {
                let seconds = BOLLARD_LIMIT.as_secs();
                let docker = match &self.address {
                    Address::Unix(path) => Docker::connect_with_unix(path, seconds, API_DEFAULT_VERSION)?,
                    Address::Tcp(host) => Docker::connect_with_http(host, seconds, API_DEFAULT_VERSION)?,
                };
                self.within(self.limit, docker.negotiate_version()).await
            })
            .await
    }

    /// One call, which has failed when it takes longer than the limit.
    pub(super) async fn call<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.within(self.limit, call).await
    }

    /// One call with a limit of its own.
    pub(super) async fn within<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        timeout(limit, call).await.unwrap_or(Err(Error::RequestTimeoutError))
    }
}

fn address(host: &str, told_by: &str) -> Result<Address, ClusterError> {
    match host.split_once("://") {
        Some(("unix", path)) if path.starts_with('/') => Ok(Address::Unix(path.to_owned())),
        Some(("tcp" | "http", rest)) if !rest.is_empty() => {
            Ok(Address::Tcp(format!("tcp://{}", rest.trim_end_matches('/'))))
        }
        None if host.starts_with('/') => Ok(Address::Unix(host.to_owned())),
        _ => Err(refused(format!(
            "{told_by} is {host:?}: write unix:///path/to/docker.sock or tcp://host:port (for another machine, forward its socket with \
             `ssh -L`)"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_tcp_are_understood_and_the_rest_is_explained() {
        assert_eq!(address("unix:///run/docker.sock", "x").unwrap(), Address::Unix("/run/docker.sock".to_owned()));
        assert_eq!(address("/run/docker.sock", "x").unwrap(), Address::Unix("/run/docker.sock".to_owned()));
        assert_eq!(address("tcp://10.0.0.1:2375/", "x").unwrap(), Address::Tcp("tcp://10.0.0.1:2375".to_owned()));
        for bad in ["ssh://host", "https://host:2376", "unix://docker.sock", "docker", ""] {
            let told = address(bad, "DOCKER_HOST").unwrap_err().to_string();
            assert!(told.contains("DOCKER_HOST") && told.contains("unix:///"), "{bad:?}: {told}");
        }
    }
}
