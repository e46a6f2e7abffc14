//! The live loop: a round, then waiting until there is a reason for the next one.

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::adrift::Adrift;
use super::{BREATH, DEAF, End, Leader, SETTLE, TICK};
use crate::clock;
use crate::cluster::ClusterError;
use crate::engine::lease::Lost;
use crate::store::StoreError;

impl Leader<'_> {
    /// Leads. The only error is that another replica leads.
    pub(in crate::engine) async fn lead(&mut self, stop: &CancellationToken) -> Result<End, StoreError> {
        loop {
            let more = match self.round().await {
                Ok(more) => more,
                Err(error @ StoreError::Fenced { .. }) => return Err(error),
                Err(error) => {
                    self.cast_off(&error);
                    true
                }
            };
            let (pause, is_adrift) = (self.next_moment(), self.adrift.is_some());
            let done = tokio::select! {
                () = stop.cancelled() => return Ok(self.stopped()),
                lost = self.lease.lost(), if !is_adrift => match lost {
                    Lost::Taken => return Ok(End::LostLease),
                    Lost::RunOut => {
                        self.cast_off(&ran_out());
                        Ok(true)
                    }
                },
                () = self.inbox.rung(), if !is_adrift => Ok(true),
                answer = answered(&mut self.adrift), if is_adrift => self.answered(answer).await,
                () = std::future::ready(()), if more => Ok(true),
                Some(report) = self.work.join_next() => match report {
                    Ok(report) => self.reported(report).await.map(|()| true),
                    Err(_) => Ok(true),
                },
                Some(seen) = self.looking.join_next() => match seen {
                    Ok(seen) => self.looked(seen).await.map(|()| true),
                    Err(_) => Ok(true),
                },
                changed = self.parts.cluster.host.changed(), if self.deaf_until <= clock::monotonic() => {
                    self.disturbed(changed);
                    Ok(true)
                }
                () = tokio::time::sleep_until(pause) => Ok(true),
            };
            match done {
                Ok(true) => {}
                Ok(false) => return Ok(End::LostLease),
                Err(error @ StoreError::Fenced { .. }) => return Err(error),
                Err(error) => self.cast_off(&error),
            }
        }
    }

    /// Hears everything, lets time pass, starts what is due; whether there is more to hear.
    async fn round(&mut self) -> Result<bool, StoreError> {
        if self.adrift.is_some() {
            return self.drift().await;
        }
        self.compare().await?;
        self.hear(BREATH).await?;
        self.pass_time().await?;
        let more = self.hear(BREATH).await?;
        self.start_work();
        self.start_look();
        Ok(more)
    }

    /// What could not be recorded waits in its file for the next leader, or is in the cluster alone.
    fn stopped(&self) -> End {
        if let Some(adrift) = &self.adrift {
            let events = adrift.outbox.waiting();
            let path = adrift.outbox.path().map(|path| path.display().to_string());
            let becomes = match &path {
                Some(_) => "whoever leads next on this data records what happened meanwhile",
                None => "what happened meanwhile is not recorded",
            };
            tracing::warn!(events, path, "stopped while Redis could not be used: {becomes}");
        }
        End::Stopped
    }

    /// Something happened to a container: look soon. Where the runtime's events cannot be followed, the regular look remains.
    fn disturbed(&mut self, changed: Result<(), ClusterError>) {
        match changed {
            Ok(()) => self.next_look = self.next_look.min(clock::monotonic() + SETTLE),
            Err(error) => {
                tracing::debug!(%error, "the cluster's events cannot be followed");
                self.deaf_until = clock::monotonic() + DEAF;
            }
        }
    }

    fn next_moment(&self) -> Instant {
        let now = clock::monotonic();
        let mut next = now + TICK;
        if self.looking.is_empty() && self.may_act() {
            next = next.min(self.next_look);
        }
        let retries = self.failures.values().map(|failed| failed.until).filter(|until| *until > now);
        let again = match &self.adrift {
            None => self.inbox.next_retry(),
            Some(adrift) => adrift.next_try(),
        };
        retries.chain(again).fold(next, Instant::min)
    }
}

async fn answered(adrift: &mut Option<Adrift>) -> super::adrift::Attempt {
    match adrift {
        Some(adrift) => adrift.answered().await,
        None => std::future::pending().await,
    }
}

fn ran_out() -> StoreError {
    StoreError::Unavailable(
        "the lease ended before it was renewed; Redis did not answer in time, or this process was stopped".to_owned(),
    )
}
