//! Recovery as seed 001 has it: one GET for each pool, one inspect for each container, 50 at once.

use std::error::Error;

use bollard::query_parameters::InspectContainerOptions;
use bollard::{API_DEFAULT_VERSION, Docker};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use windlass::model::pool::{PersistedContainerInfo, PersistedPoolState};
use windlass::store::Store;

/// Calls under way at once.
const AT_ONCE: usize = 50;

/// Loads every pool and asks after every container; returns those that run.
pub async fn recover(store: &Store, docker: &Docker) -> Result<Vec<PersistedContainerInfo>, Box<dyn Error>> {
    let keys = keys(store).await?;
    let pools: Vec<PersistedPoolState> = stream::iter(keys)
        .map(|key| async move {
            let text: String = ::redis::cmd("GET").arg(key).query_async(&mut store.connection()).await?;
            Ok::<_, Box<dyn Error>>(serde_json::from_str(&text)?)
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let containers = pools.into_iter().flat_map(|pool| pool.containers);
    let running = stream::iter(containers)
        .map(|container| async move {
            let inspect = docker.inspect_container(&container.id, None::<InspectContainerOptions>).await;
            let running = inspect.ok().and_then(|found| found.state).and_then(|state| state.running);
            (running == Some(true)).then_some(container)
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    Ok(running)
}

async fn keys(store: &Store) -> Result<Vec<String>, Box<dyn Error>> {
    let (mut cursor, mut keys) = (0_u64, Vec::new());
    loop {
        let mut scan = ::redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{}*", store.keys().pool(""))).arg("COUNT").arg(1_000);
        let (next, found): (u64, Vec<String>) = scan.query_async(&mut store.connection()).await?;
        keys.extend(found);
        if next == 0 {
            keys.sort();
            keys.dedup();
            return Ok(keys);
        }
        cursor = next;
    }
}

/// The same daemon, spoken to by the same library.
pub fn connect(socket: &str) -> Result<Docker, Box<dyn Error>> {
    Ok(Docker::connect_with_unix(socket, 600, API_DEFAULT_VERSION)?)
}
