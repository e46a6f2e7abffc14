//! A runtime among those that share a cluster's pools: who of them acts.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::{Licence, PoolError, Role, Term};
use crate::clock;
use crate::model::ReplicaId;
use crate::policy::licence::{Grounds, may_act};
use crate::store::Store;

/// See the module.
pub(super) struct Member {
    store: Store,
    replica: ReplicaId,
    /// How long the one that acts may be silent.
    lease: Duration,
    tenure: watch::Sender<Tenure>,
}

/// What is known of the lease and of the others.
#[derive(Debug, Clone, Copy, Default)]
struct Tenure {
    /// Until when it is certain that nobody else acts; `None`: this one never did.
    until: Option<Instant>,
    /// How many others were running when Redis last told; `None`: it never did.
    others: Option<u32>,
    /// Redis could not be asked lately.
    is_adrift: bool,
}

impl Tenure {
    fn grounds(self, now: Instant) -> Grounds {
        let lease_lasts = self.until.is_some_and(|until| now < until);
        Grounds { lease_lasts, is_adrift: self.is_adrift, others: self.others }
    }
}

impl Member {
    /// One that neither acts nor follows yet.
    pub(super) fn new(store: Store, replica: ReplicaId, lease: Duration) -> Self {
        Self { store, replica, lease, tenure: watch::Sender::default() }
    }

    /// What they share.
    pub(super) const fn store(&self) -> &Store {
        &self.store
    }

    /// Redis answered what was asked at `asked`: the lease is given or extended, or is somebody else's.
    fn told(&self, asked: Instant, is_held: bool) {
        let until = is_held.then(|| asked + self.lease);
        self.tenure.send_modify(|known| (known.until, known.is_adrift) = (until, false));
    }

    /// Says that this one runs, and hears how many others do; who was there before counts as being there.
    async fn announce(&self) {
        if let Ok(others) = self.store.announce_replica(&self.replica, self.lease).await {
            self.tenure.send_modify(|known| known.others = Some(others));
        }
    }

    /// Asks for the lease; what this one is from now on.
    async fn ask(&self) -> Result<Role, PoolError> {
        let asked = clock::monotonic();
        let epoch = self.store.acquire_lease(&self.replica, self.lease).await?;
        self.told(asked, epoch.is_some());
        let Some(epoch) = epoch else { return Ok(Role::Follow) };
        let tenure = self.tenure.subscribe();
        let licence = Licence::asking(move || may_act(tenure.borrow().grounds(clock::monotonic())));
        Ok(Role::Lead(Term { epoch: Some(epoch), licence }))
    }

    /// Ends: another one takes over at once.
    pub(super) async fn leave(&self) {
        if let Err(error) = self.store.release_lease(&self.replica).await {
            tracing::warn!(%error, "the lease could not be released; it ends by itself");
        }
        if let Err(error) = self.store.retire_replica(&self.replica).await {
            tracing::debug!(%error, "others will count this one for some seconds more");
        }
    }
}

/// The lease, or nobody's answer for longer than a killed runtime keeps it.
pub(super) async fn first_role(member: &Member) -> Result<Role, PoolError> {
    let begun = clock::Stopwatch::start();
    loop {
        member.announce().await;
        let role = member.ask().await?;
        if role != Role::Follow {
            return Ok(role);
        }
        let leader = member.store.leader().await?;
        if leader.is_some() && begun.elapsed() > member.lease + member.lease / 3 {
            return Ok(role);
        }
        tokio::time::sleep(member.lease / 10).await;
    }
}

/// Keeps the lease while it is held, and tries to get it while it is not. While Redis does not answer, the role stays, and the licence that
/// came with it tells whether anything may be done in it.
pub(super) async fn campaign(member: &Member, mut role: Role, tell: impl Fn(Role)) {
    loop {
        tokio::time::sleep(member.lease / 3).await;
        let asked = clock::monotonic();
        let held = match role {
            Role::Lead(_) => member.store.renew_lease(&member.replica, member.lease).await,
            Role::Follow => Ok(false),
        };
        match held {
            Ok(true) => {
                member.told(asked, true);
                member.announce().await;
                continue;
            }
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "the lease could not be renewed");
                member.tenure.send_modify(|known| known.is_adrift = true);
                continue;
            }
        }
        member.announce().await;
        match member.ask().await {
            Ok(next) if next != role => {
                role = next;
                tell(role.clone());
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the lease could not be taken"),
        }
    }
}
