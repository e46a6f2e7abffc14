//! The measurements of running containers: one quick reading each, a few at a time, the earlier readings remembered.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::ContainerStatsResponse;
use bollard::query_parameters::{InspectContainerOptions, StatsOptionsBuilder};
use futures::StreamExt;

use super::client::Client;
use super::stats::{CpuTrack, Sample, core_limit, memory_percent};

/// So many containers are read at the same time: enough to hide the latency, too few to flood the daemon.
const AT_ONCE: usize = 16;

/// What was measured of one container, in percent of its limits; `None`: unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Reading {
    pub(super) cpu_percent: Option<f64>,
    pub(super) memory_percent: Option<f64>,
}

/// One container's memory of earlier readings.
struct Track {
    /// Its CPU limit in cores, asked for once.
    limit: Option<f64>,
    cpu: CpuTrack,
}

/// Earlier readings, by container id.
#[derive(Default)]
pub(super) struct Gauges {
    tracks: Mutex<HashMap<String, Track>>,
}

impl Gauges {
    /// Reads these containers. One that cannot be read is left out: its measurements are unknown, the listing is not wrong for that.
    pub(super) async fn read(&self, client: &Client, docker: &Docker, ids: Vec<String>) -> HashMap<String, Reading> {
        futures::stream::iter(ids)
            .map(|id| async move {
                match self.read_one(client, docker, &id).await {
                    Ok(reading) => Some((id, reading)),
                    Err(error) => {
                        tracing::debug!(container = %id, %error, "no measurements");
                        None
                    }
                }
            })
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    /// Forgets the readings of all other containers: they are gone.
    pub(super) fn keep_only<'a>(&self, ids: impl Iterator<Item = &'a str>) {
        let mut tracks = self.tracks();
        if !tracks.is_empty() {
            let ids: HashSet<&str> = ids.collect();
            tracks.retain(|id, _| ids.contains(id.as_str()));
        }
    }

    /// Asks for this container's limit again at the next reading: `docker update` has changed it.
    pub(super) fn forget(&self, id: &str) {
        self.tracks().remove(id);
    }

    async fn read_one(&self, client: &Client, docker: &Docker, id: &str) -> Result<Reading, Error> {
        let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
        let stats: ContainerStatsResponse = client
            .call(async {
                let mut answers = std::pin::pin!(docker.stats(id, Some(options)));
                answers.next().await.unwrap_or_else(|| Ok(ContainerStatsResponse::default()))
            })
            .await?;
        if !self.tracks().contains_key(id) {
            let container = client.call(docker.inspect_container(id, None::<InspectContainerOptions>)).await?;
            let limit = container.host_config.as_ref().and_then(core_limit);
            self.tracks().insert(id.to_owned(), Track { limit, cpu: CpuTrack::default() });
        }
        let cpu_percent = Sample::read(&stats).and_then(|sample| {
            let mut tracks = self.tracks();
            let track = tracks.get_mut(id)?;
            track.cpu.add(sample, track.limit)
        });
        Ok(Reading { cpu_percent, memory_percent: stats.memory_stats.as_ref().and_then(memory_percent) })
    }

    fn tracks(&self) -> MutexGuard<'_, HashMap<String, Track>> {
        self.tracks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
