//! Connections: how many there may be, how long they may take, how they end.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::HttpError;

/// More connections than this wait to be accepted: a scraper and some people need a handful.
const CONNECTIONS: usize = 256;
/// Whoever takes longer to say what they want is not served; it is also how long an idle connection is kept.
const HEADERS: Duration = Duration::from_secs(15);
/// What is being answered when the server stops has this long.
const FAREWELL: Duration = Duration::from_secs(3);
/// When the system has no more sockets to give, the next try is after this long.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Listens, and returns where, with the future that serves.
pub(super) async fn start(
    address: SocketAddr,
    router: Router,
    stop: CancellationToken,
) -> Result<(SocketAddr, impl Future<Output = ()> + Send), HttpError> {
    let failed = |error| HttpError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    Ok((local, serve(listener, router, stop)))
}

async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            // The semaphore is never closed.
            let permit = room.clone().acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    converse(stream, router, stop).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(FAREWELL, ended).await.is_err() {
        tracing::warn!("connections are closed in the middle of an answer");
    }
}

async fn converse(stream: TcpStream, router: Router, stop: CancellationToken) {
    let service = TowerToHyperService::new(router);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // Clients go away as they please.
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection has ended");
    }
}
