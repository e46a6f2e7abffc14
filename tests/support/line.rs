//! A line to the real Docker daemon that can be cut, or go dead without a word.

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::docker::socket;

/// What becomes of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It arrives.
    Up,
    /// The connections are closed, and new ones too.
    Cut,
    /// The connections stay, and nothing arrives any more.
    Dead,
}

/// A socket that leads to the daemon's.
pub struct Line {
    socket: PathBuf,
    _folder: TempDir,
    state: Arc<watch::Sender<State>>,
    task: JoinHandle<()>,
}

impl Line {
    /// A line that is up.
    pub fn to_docker() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the socket");
        let socket = folder.path().join("docker.sock");
        let listener = UnixListener::bind(&socket).expect("a socket to listen on");
        let state = Arc::new(watch::Sender::new(State::Up));
        let of_task = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, of_task.subscribe()));
            }
        });
        Self { socket, _folder: folder, state, task }
    }

    /// Its address.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Closes every connection, and each new one.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Keeps every connection, and lets nothing through.
    pub fn deaden(&self) {
        self.state.send_replace(State::Dead);
    }

    /// New connections work again; those from before stay as they are.
    pub fn mend(&self) {
        self.state.send_replace(State::Up);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(mut near: UnixStream, mut state: watch::Receiver<State>) {
    if *state.borrow_and_update() == State::Up {
        let Ok(mut far) = UnixStream::connect(socket()).await else { return };
        tokio::select! {
            _ = copy_bidirectional(&mut near, &mut far) => return,
            _ = state.changed() => {}
        }
    }
    if *state.borrow() == State::Dead {
        // What is held open is not mended with the line.
        std::future::pending::<()>().await;
    }
}
