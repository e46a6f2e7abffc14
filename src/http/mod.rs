//! Health, metrics, documents and commands over HTTP, on every replica.
//!
//! Nothing is decided here: documents are read from the view that the cockpit shows too, and commands travel to the leader on the
//! stream like everybody else's. TLS is a proxy's business.

mod access;
mod answer;
mod commands;
mod feed;
mod health;
mod metrics;
mod openapi;
mod pools;
mod query;
mod reads;
mod request;
mod routes;
mod server;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::engine::Standing;
use crate::model::{Event, View};
use crate::pools::Board;
use crate::store::Store;
use access::Tokens;
use metrics::Metrics;
use pools::Pools;
use request::Requests;

/// Batches of events that wait for the commands that wait for them.
const BATCHES_WAITING: usize = 256;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address makes no sense.
    #[error("http.listen: {0:?} is no IP address with a port, such as 127.0.0.1:9464")]
    Address(String),
    /// Everybody could read, and nobody asked for that.
    #[error(
        "http.listen: {0} is reachable from elsewhere, and there is no token: add one under http.tokens, set WINDLASS_HTTP_TOKEN, or \
         listen on 127.0.0.1"
    )]
    Exposed(SocketAddr),
    /// A token was configured and its secret was not read.
    #[error("http.tokens: the token of {0:?} was not read from its file")]
    TokenUnread(String),
    /// Somebody else has the port, or the address is not this machine's.
    #[error("http.listen: {address} cannot be listened on: {error}. `ss -ltnp` shows who does")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// A fault of windlass's own, that a test would have shown.
    #[error("the server cannot be put together: {0}")]
    Fault(String),
}

/// A server that runs.
#[derive(Debug)]
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    /// Ends a few seconds after `stop` at the latest: what is being answered is answered first.
    pub task: JoinHandle<()>,
}

/// What every answer is made of.
struct App {
    config: Arc<Config>,
    store: Store,
    views: watch::Receiver<Arc<View>>,
    standing: Option<watch::Receiver<Standing>>,
    tokens: Tokens,
    requests: Requests,
    metrics: Metrics,
    pools: Pools,
    /// What happens, in the batches in which it happens.
    events: broadcast::Sender<Arc<[Event]>>,
    /// The API's description.
    document: String,
}

/// Serves until `stop`; `None`: `http.listen` is not set. `standing` and `board` are the engine's in this process, where there is one:
/// where there is none, the pools are those of the views.
pub async fn serve(
    config: Arc<Config>,
    store: Store,
    views: watch::Receiver<Arc<View>>,
    standing: Option<watch::Receiver<Standing>>,
    board: Option<Board>,
    stop: CancellationToken,
) -> Result<Option<Serving>, HttpError> {
    let Some(listen) = &config.http.listen else { return Ok(None) };
    let address: SocketAddr = listen.parse().map_err(|_| HttpError::Address(listen.clone()))?;
    let tokens = Tokens::new(&config.http.tokens)?;
    // The configuration's own check says the same; this one holds however the configuration was made.
    if tokens.is_empty() && !address.ip().to_canonical().is_loopback() {
        return Err(HttpError::Exposed(address));
    }
    let routes = routes::routes();
    let document = openapi::document(&routes);
    let requests = Requests::new(&document).map_err(HttpError::Fault)?;
    let (metrics, fold) = Metrics::new().map_err(|error| HttpError::Fault(error.to_string()))?;
    let (events, _) = broadcast::channel(BATCHES_WAITING);
    let feed = feed::follow(store.clone(), feed::end(&store).await, fold, events.clone());
    let document = document.to_string();
    let pools = Pools::new(board, &views);
    let app = Arc::new(App { config, store, views, standing, tokens, requests, metrics, pools, events, document });
    let (address, serving) = server::start(address, routes::router(routes, app), stop.clone()).await?;
    let task = tokio::spawn(async move {
        tokio::select! {
            () = serving => {}
            never = feed => match never {},
        }
    });
    tracing::info!(%address, "HTTP is served");
    Ok(Some(Serving { address, task }))
}
