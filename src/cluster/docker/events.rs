//! Docker's event stream, followed by one long-lived connection.

use std::time::Duration;

use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use tokio::sync::{Mutex, Notify};

use super::client::Client;
use super::errors::{explain, unavailable};
use super::labels;
use crate::cluster::ClusterError;
use crate::model::ClusterId;

/// What calls for a look. `update` is a change of limits; health checks run as `exec_*` and would come every few seconds.
const ACTIONS: [&str; 11] =
    ["create", "destroy", "die", "health_status", "kill", "oom", "pause", "rename", "start", "stop", "update"];

const DOING: &str = "follow the events";

type Events = BoxStream<'static, Result<EventMessage, bollard::errors::Error>>;

/// The connection, where there is one.
#[derive(Default)]
pub(super) struct Follower {
    events: Mutex<Option<Events>>,
    doubted: Notify,
}

impl Follower {
    /// Another call just met an outage: the connection may be dead without knowing it, as when a remote machine goes down, and is made
    /// anew.
    pub(super) fn doubt(&self) {
        self.doubted.notify_one();
    }

    /// Waits for the next event, or several that came together; returns the ids of containers whose limits changed. The first call
    /// after a connection returns at once: what happened before it was not followed and calls for a look.
    ///
    /// Dropping the future loses nothing: the connection stays, and events wait in it.
    pub(super) async fn next(&self, client: &Client, cluster: &ClusterId) -> Result<Vec<String>, ClusterError> {
        let mut connection = self.events.lock().await;
        let Some(events) = connection.as_mut() else {
            *connection = Some(follow(client, cluster).await?);
            return Ok(Vec::new());
        };
        let mut updated = Vec::new();
        let first = tokio::select! {
            event = events.next() => Some(event),
            () = self.doubted.notified() => None,
        };
        let Some(mut next) = first else {
            *connection = None;
            return Err(unavailable(format!("cannot {DOING}: the daemon stopped answering")));
        };
        loop {
            match next {
                Some(Ok(event)) if event.action.as_deref() == Some("update") => {
                    updated.extend(event.actor.and_then(|actor| actor.id));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    *connection = None;
                    return Err(explain(DOING, &error));
                }
                None => {
                    *connection = None;
                    return Err(unavailable(format!("cannot {DOING}: the stream ended")));
                }
            }
            match events.next().now_or_never() {
                Some(another) => next = another,
                None => return Ok(updated),
            }
        }
    }
}

/// Asks for the events from now on, by Docker's own clock. The request itself goes out when the stream is first read, and "since" makes
/// up for the time between: nothing falls into a gap.
async fn follow(client: &Client, cluster: &ClusterId) -> Result<Events, ClusterError> {
    let failed = |error| explain(DOING, &error);
    let docker = client.docker().await.map_err(failed)?;
    let info = client.call(docker.info()).await.map_err(failed)?;
    let time = info.system_time.and_then(|time| DateTime::parse_from_rfc3339(&time).ok());
    let since = time.ok_or_else(|| unavailable(format!("cannot {DOING}: it does not tell its time")))?.to_utc();
    let mut filters = labels::filter(&[(labels::CLUSTER, Some(cluster.as_str())), (labels::WORKER, None)]);
    filters.insert("type".to_owned(), vec!["container".to_owned()]);
    filters.insert("event".to_owned(), ACTIONS.map(str::to_owned).to_vec());
    let options = EventsOptionsBuilder::new().since(&unix_time(since)).filters(&filters).build();
    // bollard's limit ends at the headers, which a healthy daemon sends at once; the stream itself may last.
    let docker = docker.clone().with_timeout(client.limit().max(Duration::from_secs(1)));
    Ok(docker.events(Some(options)).boxed())
}

/// As Docker wants times: seconds and nanoseconds.
fn unix_time(at: DateTime<Utc>) -> String {
    format!("{}.{:09}", at.timestamp(), at.timestamp_subsec_nanos())
}
