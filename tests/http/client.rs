//! A server of a test's own, and a client that says exactly what it is told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use windlass::config::{Config, Role, Secret, TokenConfig};
use windlass::http::{self, Serving};
use windlass::store::Store;
use windlass::viewer;

use crate::support::engine::PATIENCE;

/// The tokens of [`with_tokens`].
pub const OPERATOR: &str = "anna-s-secret-token";
pub const VIEWER: &str = "vera-s-secret-token";

/// A configuration that listens on a free port of loopback.
pub fn listening(config: &Config) -> Config {
    let mut config = config.clone();
    config.http.listen = Some("127.0.0.1:0".to_owned());
    config
}

/// The same, with a token for anna, who commands, and for vera, who reads.
pub fn with_tokens(config: &Config) -> Config {
    let token = |name: &str, role, secret| TokenConfig {
        name: name.to_owned(),
        role,
        token_file: "/run/secrets/token".into(),
        token: Some(Secret::new(secret)),
    };
    let mut config = listening(config);
    config.http.tokens = vec![token("anna", Role::Operator, OPERATOR), token("vera", Role::Viewer, VIEWER)];
    config
}

/// A server that runs in the test's process.
pub struct TestServer {
    pub address: SocketAddr,
    stop: CancellationToken,
    serving: Serving,
}

impl TestServer {
    /// Serves what a store remembers.
    pub async fn start(config: &Config, store: &Store) -> Self {
        let stop = CancellationToken::new();
        let views = viewer::follow(store.clone(), config.cluster.id.clone(), stop.clone());
        let serving = http::serve(Arc::new(config.clone()), store.clone(), views, None, None, stop.clone()).await;
        let serving = serving.unwrap().expect("an address is configured");
        Self { address: serving.address, stop, serving }
    }

    /// Stops it.
    pub async fn stop(self) {
        self.stop.cancel();
        self.serving.task.await.unwrap();
    }

    /// Asks, with a token.
    pub async fn get(&self, path: &str, token: Option<&str>) -> Reply {
        self.ask(&Request { path: path.to_owned(), token: token.map(str::to_owned), ..Request::default() }).await
    }

    /// Gives a command as anna.
    pub async fn command(&self, body: &Value) -> Reply {
        self.post(body.to_string().as_bytes(), Some(OPERATOR)).await
    }

    /// Sends a body as JSON.
    pub async fn post(&self, body: &[u8], token: Option<&str>) -> Reply {
        let token = token.map(str::to_owned);
        let path = "/api/v1/commands".to_owned();
        let body = Some(("application/json".to_owned(), body.to_vec()));
        self.ask(&Request { method: "POST".to_owned(), path, token, body, ..Request::default() }).await
    }

    /// Asks.
    pub async fn ask(&self, request: &Request) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.expect("the server accepts");
        // The server may answer before it has read everything, and close.
        let _ = stream.write_all(&request.bytes(self.address)).await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        read.expect("an answer comes").ok();
        Reply::parse(&answer)
    }

    /// Asks until the answer is as wanted.
    pub async fn until(&self, path: &str, token: Option<&str>, wanted: impl Fn(&Reply) -> bool) -> Reply {
        let begun = now();
        loop {
            let reply = self.get(path, token).await;
            if wanted(&reply) {
                return reply;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} does not become as wanted: {reply:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until it is of use.
    pub async fn ready(self) -> Self {
        self.until("/readyz", None, |reply| reply.status == 200).await;
        self
    }
}

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub host: Option<String>,
    pub token: Option<String>,
    /// Its media type and itself.
    pub body: Option<(String, Vec<u8>)>,
}

impl Default for Request {
    fn default() -> Self {
        Self { method: "GET".to_owned(), path: "/".to_owned(), host: None, token: None, body: None }
    }
}

impl Request {
    fn bytes(&self, address: SocketAddr) -> Vec<u8> {
        let host = self.host.clone().unwrap_or_else(|| address.to_string());
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", self.method, self.path);
        if let Some(token) = &self.token {
            head.extend(["Authorization: Bearer ", token, "\r\n"]);
        }
        let body = self.body.as_ref().map(|(media, body)| {
            head.extend(["Content-Type: ", media, "\r\nContent-Length: ", &body.len().to_string(), "\r\n"]);
            body.as_slice()
        });
        [head.as_bytes(), b"\r\n", body.unwrap_or_default()].concat()
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    fn parse(answer: &[u8]) -> Self {
        let text = String::from_utf8_lossy(answer);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer of HTTP: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let header =
            |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        Self {
            status: status.unwrap_or_else(|| panic!("no status: {head:?}")),
            headers: lines.filter_map(header).collect(),
            body: body.to_owned(),
        }
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The document in it.
    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of its error.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_else(|| panic!("no error: {self:?}")).to_owned()
    }

    /// The words of its error.
    pub fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_else(|| panic!("no error: {self:?}")).to_owned()
    }

    /// The value of a metric, by its name and labels as they are written.
    pub fn metric(&self, series: &str) -> Option<f64> {
        let line = |line: &str| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok();
        self.body.lines().find_map(line)
    }
}

#[allow(clippy::disallowed_methods, reason = "a test's patience is real time")]
fn now() -> Instant {
    Instant::now()
}
