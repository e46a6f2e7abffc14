//! Assembles the rooms and steps them: wait for the lease, lead while it lasts, look at the cluster, hear what happened, decide, act.

mod inbox;
mod leader;
mod lease;
mod look;
mod mend;
mod outage;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::cluster::Cluster;
use crate::config::Config;
use crate::handlers::Handler;
use crate::model::ReplicaId;
use crate::store::server::PrivateServer;
use crate::store::{Store, StoreError};
use leader::{End, Leader};
use outage::Outage;

/// What an engine is made of.
pub struct Parts {
    /// The configuration.
    pub config: Arc<Config>,
    /// The memory.
    pub store: Store,
    /// The own Redis server, where there is one: it is started again when it goes.
    pub server: Option<Arc<PrivateServer>>,
    /// The outside world.
    pub cluster: Cluster,
    /// This replica.
    pub replica: ReplicaId,
    /// The handlers that hear and decide, each under a name of its own: [`enabled`](crate::handlers::enabled), and what an embedding program adds.
    pub handlers: Vec<Arc<dyn Handler>>,
}

/// Where an engine stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Somebody else leads, or nobody does yet.
    Follower,
    /// It leads.
    Leader,
    /// Redis cannot be used.
    WithoutStore {
        /// What it said.
        error: String,
    },
}

/// The scaling engine.
pub struct Engine {
    parts: Parts,
    standing: watch::Sender<Standing>,
}

impl Engine {
    /// An engine that does nothing yet, and where it stands.
    #[must_use]
    pub fn new(parts: Parts) -> (Self, watch::Receiver<Standing>) {
        let (standing, receiver) = watch::channel(Standing::Follower);
        (Self { parts, standing }, receiver)
    }

    /// Runs until it is told to stop. Whatever Redis or the cluster do, it goes on: nothing is concluded from an outage.
    pub async fn run(self, stop: CancellationToken) {
        let mut outage = Outage::default();
        while !stop.is_cancelled() {
            let ended = match self.acquire().await {
                Ok(Some(epoch)) => self.lead(epoch, &mut outage, &stop).await,
                Ok(None) => {
                    self.stand(Standing::Follower);
                    self.pause(self.campaign_interval(), &stop).await;
                    continue;
                }
                Err(error) => Err(error),
            };
            match ended {
                Ok(End::Stopped) => break,
                Ok(End::LostLease) => tracing::warn!("the lease is lost; this replica follows"),
                Err(StoreError::Fenced { ours, newest }) => {
                    tracing::warn!(ours, newest, "another replica leads; this one follows");
                }
                Err(error) => {
                    tracing::error!(%error, "the store cannot be used");
                    self.stand(Standing::WithoutStore { error: error.to_string() });
                    let wait = outage.note(&error, clock::now());
                    self.mend().await;
                    self.pause(wait, &stop).await;
                }
            }
        }
        self.retire().await;
    }

    async fn acquire(&self) -> Result<Option<u64>, StoreError> {
        let lease = self.parts.config.leader.lease.get();
        self.parts.store.acquire_lease(&self.parts.replica, lease).await
    }

    async fn lead(&self, epoch: u64, outage: &mut Outage, stop: &CancellationToken) -> Result<End, StoreError> {
        let mut leader = Leader::begin(&self.parts, epoch).await?;
        leader.report_outage(outage).await?;
        self.stand(Standing::Leader);
        leader.lead(stop).await
    }

    /// A clean exit gives the lease up, so that the next replica takes over at once.
    async fn retire(&self) {
        if let Err(error) = self.parts.store.release_lease(&self.parts.replica).await {
            tracing::warn!(%error, "the lease could not be released; it ends by itself");
        }
    }

    /// The own server may be gone: it is started again on the same data.
    async fn mend(&self) {
        if let Some(server) = &self.parts.server
            && let Err(error) = server.ensure_running().await
        {
            tracing::error!(%error, "the Redis server cannot be started");
        }
    }

    fn campaign_interval(&self) -> Duration {
        self.parts.config.leader.lease.get() / 3
    }

    fn stand(&self, standing: Standing) {
        self.standing.send_if_modified(|known| {
            let changed = *known != standing;
            *known = standing;
            changed
        });
    }

    async fn pause(&self, wait: Duration, stop: &CancellationToken) {
        let _ = tokio::time::timeout(wait, stop.cancelled()).await;
    }
}
