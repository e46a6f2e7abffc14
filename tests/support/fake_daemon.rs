//! Something on a Unix socket that is not a healthy Docker daemon.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// How it misbehaves, once the API version is agreed on.
#[derive(Debug, Clone, Copy)]
pub enum Illness {
    /// Answers 500 to everything.
    Error500,
    /// Answers 404 to everything, as a proxy that has lost its daemon.
    Lost,
    /// Lists nothing, and answers 404 to everything else.
    LostButLists,
    /// Takes the request and never answers.
    Hangs,
    /// Takes the connection and closes it.
    Closes,
    /// Begins a listing and never ends it.
    HalfAnswer,
    /// Answers 200 with something that is not a listing.
    Nonsense,
}

/// A listener that goes with the value.
pub struct FakeDaemon {
    socket: PathBuf,
    _folder: TempDir,
    task: JoinHandle<()>,
}

impl FakeDaemon {
    /// Starts one that agrees on a version and is ill from then on.
    pub fn start(illness: Illness) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the socket");
        let socket = folder.path().join("docker.sock");
        let listener = UnixListener::bind(&socket).expect("a socket to listen on");
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, illness));
            }
        });
        Self { socket, _folder: folder, task }
    }

    /// Its address.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }
}

impl Drop for FakeDaemon {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: UnixStream, illness: Illness) {
    let mut request = [0; 4096];
    let length = stream.read(&mut request).await.unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..length]);
    let asks_for_version = request.contains("/version");
    let asks_for_list = request.contains("/containers/json");
    let reply = match illness {
        _ if asks_for_version => response("200 OK", r#"{"ApiVersion":"1.41","Version":"20.10.0"}"#),
        Illness::Error500 => response("500 Internal Server Error", r#"{"message":"the disk is on fire"}"#),
        Illness::LostButLists if asks_for_list => response("200 OK", "[]"),
        Illness::Lost | Illness::LostButLists => response("404 Not Found", r#"{"message":"page not found"}"#),
        Illness::Nonsense => response("200 OK", r#"{"hello":"world"}"#),
        Illness::HalfAnswer => {
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n[".to_owned()
        }
        Illness::Closes => return,
        Illness::Hangs => String::new(),
    };
    let _ = stream.write_all(reply.as_bytes()).await;
    if matches!(illness, Illness::Hangs | Illness::HalfAnswer) && !asks_for_version {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
}

fn response(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
