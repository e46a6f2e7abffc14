//! A daemon that has 50,000 containers: it answers what a recovery asks, in the words of Docker 20.10, at the cost of sending them. The
//! listing and every inspect were written down before it listens. A real one would have to look its containers up and write them down.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, Response, StatusCode, header};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};

use crate::Outcome;
use crate::population::{CONTAINERS, Container};

/// Names the socket in the environment of the process that is to be the daemon.
pub const SOCKET: &str = "WINDLASS_BENCH_DAEMON";
/// A container in a listing, and by itself: real answers with their names taken out.
const SUMMARY: &str = include_str!("summary.json");
const INSPECT: &str = include_str!("inspect.json");

/// A process that goes with the value.
pub struct Daemon {
    socket: PathBuf,
    _folder: tempfile::TempDir,
    child: Child,
}

impl Daemon {
    /// Starts one and waits until it listens.
    pub async fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("docker.sock");
        let child = Command::new(std::env::current_exe()?).env(SOCKET, &socket).spawn()?;
        let daemon = Self { socket, _folder: folder, child };
        while UnixStream::connect(&daemon.socket).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(daemon)
    }

    /// Its socket.
    pub fn socket(&self) -> String {
        self.socket.display().to_string()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All answers about containers, ready to be sent: neither way of asking waits for texts to be put together.
struct Answers {
    listing: Bytes,
    /// By a container's number; empty for one that is gone.
    inspects: Vec<Bytes>,
}

impl Answers {
    fn new() -> Self {
        let inspect = |container: Container| {
            if container.is_gone() { Bytes::new() } else { Bytes::from(inspected(container)) }
        };
        Self {
            listing: Bytes::from(listing()),
            inspects: (0..CONTAINERS).map(|number| inspect(Container(number))).collect(),
        }
    }
}

/// Is the daemon, until it is killed.
pub async fn serve(socket: &Path) -> Outcome {
    let answers = Arc::new(Answers::new());
    let listener = UnixListener::bind(socket)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let answers = Arc::clone(&answers);
        tokio::spawn(async move {
            let service = service_fn(|request| std::future::ready(Ok::<_, Infallible>(answer(&answers, &request))));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer<B>(answers: &Answers, request: &Request<B>) -> Response<Body> {
    let path = request.uri().path();
    let id = path.split("/containers/").nth(1).and_then(|rest| rest.strip_suffix("/json"));
    let (status, body) = if path.ends_with("/version") {
        (StatusCode::OK, Bytes::from_static(br#"{"ApiVersion":"1.41","Version":"20.10.24"}"#))
    } else if path.ends_with("/containers/json") {
        (StatusCode::OK, answers.listing.clone())
    } else {
        let found = id.and_then(Container::by_id).and_then(|container| answers.inspects.get(container.0));
        found.filter(|answer| !answer.is_empty()).map_or_else(
            || {
                let message = format!(r#"{{"message":"No such container: {}"}}"#, id.unwrap_or(path));
                (StatusCode::NOT_FOUND, Bytes::from(message))
            },
            |answer| (StatusCode::OK, answer.clone()),
        )
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

/// Every container that there is.
pub fn listing() -> String {
    let mut text = String::with_capacity(CONTAINERS * (SUMMARY.len() + 500));
    for container in Container::running() {
        text.push(if text.is_empty() { '[' } else { ',' });
        container.fill(SUMMARY, &mut text);
    }
    text.push(']');
    text
}

/// One of them.
pub fn inspected(container: Container) -> String {
    let mut text = String::with_capacity(INSPECT.len() + 1_500);
    container.fill(INSPECT, &mut text);
    text
}
