//! A webhook's receiver on loopback that answers as it is told, and remembers what it was told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use windlass::config::TargetConfig;

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// At once, with a status.
    Status(u16),
    /// With a status, asking to be left alone for so many seconds.
    Wait(u16, u64),
    /// Never.
    Hang,
    /// At once with 200, and then a body that never ends.
    Drip,
    /// With a redirect to another path.
    Elsewhere,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    /// By name, in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub fn id(&self) -> &str {
        &self.headers["x-windlass-event-id"]
    }
}

#[derive(Default)]
struct Script {
    /// Answered first, one by one.
    next: VecDeque<Answer>,
    /// Answered then.
    then: Option<Answer>,
    requests: Vec<Request>,
}

/// A receiver; gone when it is dropped.
pub struct Hook {
    script: Arc<Mutex<Script>>,
    port: u16,
    task: JoinHandle<()>,
}

impl Hook {
    /// One that answers `next` one by one, and 200 then.
    pub async fn answering(next: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let script = Arc::new(Mutex::new(Script { next: next.iter().copied().collect(), ..Script::default() }));
        let shared = script.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { script, port, task }
    }

    /// From now on it answers like this.
    pub fn then(&self, answer: Answer) {
        let mut script = self.script.lock().expect("the script");
        script.next.clear();
        script.then = Some(answer);
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it was told so far.
    pub fn requests(&self) -> Vec<Request> {
        self.script.lock().expect("the script").requests.clone()
    }

    /// A target that is this receiver.
    pub fn target(&self, name: &str) -> TargetConfig {
        let url = format!("http://127.0.0.1:{}/hooks/s3cretpath", self.port);
        let mut target = TargetConfig::new(name.parse().expect("a name"), url);
        target.allow_private = true;
        target.timeout = windlass::config::Span::millis(500);
        target
    }

    /// Waits for a request.
    pub async fn told(&self, what: &str, wanted: impl Fn(&Request) -> bool) -> Request {
        for _ in 0..600 {
            if let Some(request) = self.requests().into_iter().find(|request| wanted(request)) {
                return request;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let told: Vec<_> =
            self.requests().iter().map(|told| String::from_utf8_lossy(&told.body).into_owned()).collect();
        panic!("{what} was not told; this was: {told:#?}");
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    let answer = {
        let mut script = script.lock().expect("the script");
        script.requests.push(request);
        script.next.pop_front().or(script.then).unwrap_or(Answer::Status(200))
    };
    let reply = match answer {
        Answer::Status(status) => format!("HTTP/1.1 {status} X\r\nContent-Length: 14\r\n\r\nin\n\x07s3cretpath"),
        Answer::Wait(status, seconds) => {
            format!("HTTP/1.1 {status} X\r\nRetry-After: {seconds}\r\nContent-Length: 0\r\n\r\n")
        }
        Answer::Elsewhere => "HTTP/1.1 307 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".to_owned(),
        Answer::Drip => "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".to_owned(),
        Answer::Hang => String::new(),
    };
    let _ = stream.write_all(reply.as_bytes()).await;
    match answer {
        Answer::Hang => std::future::pending().await,
        Answer::Drip => {
            while stream.write_all(b".").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        _ => {}
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let length = stream.read(&mut part).await.ok().filter(|length| *length > 0)?;
        bytes.extend(&part[..length]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let path = lines.next()?.split(' ').nth(1)?.to_owned();
        let headers: BTreeMap<_, _> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length: usize = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let body = bytes[end + 4..].to_vec();
        if body.len() >= length {
            return Some(Request { path, headers, body });
        }
    }
}
