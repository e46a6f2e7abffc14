//! An engine that is stepped by its caller: for simulations, what-if and tests. It is the live one, without the waiting.

use tokio::sync::watch;

use super::Leader;
use crate::clock;
use crate::engine::look::look;
use crate::engine::peers::Others;
use crate::engine::{Parts, Standing};
use crate::model::State;
use crate::store::StoreError;

/// In a step something new may come of what was done so often; then the rest waits for the next one.
const ROUNDS: usize = 50;

/// An engine that is stepped by its caller, under a clock that the caller sets ([`Clock::by_hand`](crate::clock::Clock::by_hand)): for
/// simulations, what-if and tests. Redis and the lease are real, and so is the code: the live engine only waits in between.
///
/// Dropping it is a crash; [`Stepped::retire`] is a clean exit. Whoever begins next goes on.
pub struct Stepped<'a> {
    leader: Leader<'a>,
}

impl<'a> Stepped<'a> {
    /// Takes the lease and reads what is remembered.
    ///
    /// # Errors
    /// Refused, if another replica holds the lease.
    pub async fn begin(parts: &'a Parts) -> Result<Self, StoreError> {
        let asked = clock::monotonic();
        let lease = parts.config.leader.lease.get();
        let Some(epoch) = parts.store.acquire_lease(&parts.replica, lease).await? else {
            return Err(StoreError::Refused("another replica holds the lease; it has to end first".to_owned()));
        };
        let (standing, _) = watch::channel(Standing::Follower);
        let leader = Leader::begin(parts, None, standing, Others::none(), (epoch, asked), None).await?;
        Ok(Self { leader })
    }

    /// One step: hears everything, lets time pass, looks, does what is due and records it, and hears what follows, until all is quiet. The
    /// clock stands still meanwhile.
    ///
    /// # Errors
    /// Unavailable, if Redis cannot be used: then what was done without it is recorded in the next step at which it can. Fenced, if another
    /// replica leads.
    pub async fn step(&mut self) -> Result<(), StoreError> {
        self.leader.return_now().await?;
        self.leader.compare().await?;
        self.leader.hear(ROUNDS).await?;
        self.leader.pass_time().await?;
        self.leader.hear(ROUNDS).await?;
        let parts = self.leader.parts;
        let seen = look(parts.cluster.clone(), parts.clock.now()).await;
        self.leader.looked(seen).await?;
        for _ in 0..ROUNDS {
            self.leader.hear(ROUNDS).await?;
            self.leader.pass_time().await?;
            self.leader.hear(ROUNDS).await?;
            if !self.leader.work_off().await? {
                break;
            }
        }
        self.leader.return_now().await
    }

    /// What is remembered.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.leader.state
    }

    /// Ends cleanly: the lease is given up.
    ///
    /// # Errors
    /// Unavailable, if Redis does not answer; the lease ends by itself then.
    pub async fn retire(self) -> Result<(), StoreError> {
        let parts = self.leader.parts;
        drop(self.leader);
        parts.store.release_lease(&parts.replica).await?;
        Ok(())
    }
}

impl Leader<'_> {
    /// Does what is due, to its end; whether there was anything. Reports come in the order of the workers' names: a step is the same
    /// however the machine shares its time.
    async fn work_off(&mut self) -> Result<bool, StoreError> {
        self.start_work();
        let mut reports = Vec::new();
        while let Some(done) = self.work.join_next().await {
            reports.extend(done.ok());
        }
        reports.sort_by(|one, other| one.work.name().cmp(other.work.name()));
        let any = !reports.is_empty();
        for report in reports {
            self.reported(report).await?;
        }
        Ok(any)
    }

    /// Comes back at once where Redis could not be used.
    async fn return_now(&mut self) -> Result<(), StoreError> {
        if self.adrift.is_none() {
            return Ok(());
        }
        let asked = clock::monotonic();
        let lease = self.parts.config.leader.lease.get();
        let answer = self.parts.store.acquire_lease(&self.parts.replica, lease).await;
        if !self.answered((asked, answer)).await? {
            return Err(StoreError::Refused("another replica holds the lease".to_owned()));
        }
        match self.adrift {
            None => Ok(()),
            Some(_) => Err(StoreError::Unavailable("Redis could not be used in this step".to_owned())),
        }
    }
}
