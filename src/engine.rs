//! Assembles the rooms and steps them: wait for the lease, lead while it lasts, look at the cluster, hear what happened, decide, act.

mod inbox;
mod leader;
mod lease;
mod licence;
mod look;
mod mend;
mod outage;
mod outbox;
mod peers;
mod spill;
mod told;
mod unheard;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::{self, Clock};
use crate::cluster::Cluster;
use crate::config::Config;
use crate::handlers::Handler;
use crate::model::{ReplicaId, State};
use crate::pools::{Board, Pools};
use crate::store::server::PrivateServer;
use crate::store::{HandOver, Store, StoreError};
use leader::{End, Leader};
use outage::Outage;
use peers::{Others, Peers};

pub use leader::Stepped;
pub use spill::{Leftover, LeftoverKind, leftovers};
pub use told::told;

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
    /// Where events are kept while Redis cannot be used, so that the end of the process does not lose them; `None`: in memory alone.
    pub data_dir: Option<PathBuf>,
    /// What the time is taken from: [`Clock::system`], except where the engine is [`Stepped`].
    pub clock: Clock,
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
        /// Whether this replica goes on protecting the minimum and relieving pressure meanwhile; it removes nothing. Otherwise it changes
        /// nothing at all: it never led, or another replica may lead by now.
        protects: bool,
    },
}

/// The scaling engine.
pub struct Engine {
    parts: Parts,
    standing: watch::Sender<Standing>,
    pools: Pools,
}

impl Engine {
    /// An engine that does nothing yet, and where it stands.
    #[must_use]
    pub fn new(parts: Parts) -> (Self, watch::Receiver<Standing>) {
        let (standing, receiver) = watch::channel(Standing::Follower);
        let pools = Pools::of(&parts.config, &parts.store, &parts.cluster);
        (Self { parts, standing, pools }, receiver)
    }

    /// The function pools as this process knows them, whether it leads or follows.
    #[must_use]
    pub fn pools(&self) -> Board {
        self.pools.board()
    }

    /// Runs until it is told to stop. Whatever Redis or the cluster do, it goes on: nothing is concluded from an outage.
    pub async fn run(mut self, stop: CancellationToken) {
        let _pools = self.pools.start();
        let lease = self.parts.config.leader.lease.get();
        let peers = Peers::start(self.parts.store.clone(), self.parts.replica.clone(), lease);
        let mut outage = Outage::default();
        let (mut call, mut known) = (None, None);
        while !stop.is_cancelled() {
            let asked = clock::monotonic();
            let ended = match self.parts.store.acquire_lease(&self.parts.replica, lease).await {
                Ok(Some(epoch)) => self.lead((epoch, asked), peers.others(), &mut outage, &mut known, &stop).await,
                Ok(None) => {
                    known = None;
                    // Not sooner: while nobody else is known to lead, the pools are kept on, and nothing is taken from them.
                    self.pools.follow();
                    stand(&self.standing, Standing::Follower);
                    let _ = stop.run_until_cancelled(self.await_turn(&mut call)).await;
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
                    stand(&self.standing, Standing::WithoutStore { error: error.to_string(), protects: false });
                    let wait = outage.note(&error, clock::now());
                    self.mend().await;
                    let _ = stop.run_until_cancelled(tokio::time::sleep(wait)).await;
                }
            }
        }
        drop(peers);
        self.retire().await;
    }

    async fn lead(
        &self,
        term: (u64, tokio::time::Instant),
        others: Others,
        outage: &mut Outage,
        known: &mut Option<State>,
        stop: &CancellationToken,
    ) -> Result<End, StoreError> {
        let (parts, standing) = (&self.parts, self.standing.clone());
        let mut leader = Leader::begin(parts, Some(&self.pools), standing, others, term, known.as_ref()).await?;
        leader.report_outage(outage).await?;
        let ended = leader.lead(stop).await;
        *known = Some(leader.into_state());
        ended
    }

    /// Waits for the leader's call, and no longer than until it is time to ask whether the lease has ended.
    async fn await_turn(&self, call: &mut Option<HandOver>) {
        let interval = self.parts.config.leader.lease.get() / 3;
        if call.is_none() {
            *call = HandOver::expect(&self.parts.store, interval).await.ok();
        }
        let called = match call {
            Some(waiting) => waiting.called(interval).await.ok(),
            None => None,
        };
        if called.is_none() {
            // The connection is gone: the lease is asked for as often all the same.
            *call = None;
            tokio::time::sleep(interval).await;
        }
    }

    /// A clean exit gives the lease up and calls the next replica, so that it takes over at once.
    async fn retire(&self) {
        let Parts { store, replica, .. } = &self.parts;
        let given_up = async {
            if store.release_lease(replica).await? {
                store.hand_over().await?;
            }
            store.retire_replica(replica).await
        };
        if let Err(error) = given_up.await {
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
}

fn stand(standing: &watch::Sender<Standing>, now: Standing) {
    standing.send_if_modified(|known| {
        let changed = *known != now;
        *known = now;
        changed
    });
}
