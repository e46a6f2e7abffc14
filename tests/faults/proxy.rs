//! A socket in front of Docker's that can be closed: connections are cut and refused until it is opened again.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Runs until the process ends.
pub struct Proxy {
    path: PathBuf,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    closed: bool,
    open: Vec<UnixStream>,
}

impl Proxy {
    /// Listens at `path` for what goes to `target`.
    pub fn start(path: &Path, target: &Path) -> Self {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(path).expect("a socket for the proxy");
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, target) = (state.clone(), target.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                let mut state = shared.lock().unwrap();
                if state.closed {
                    continue;
                }
                let Ok(server) = UnixStream::connect(&target) else { continue };
                state.open.push(client.try_clone().unwrap());
                state.open.push(server.try_clone().unwrap());
                pass(client.try_clone().unwrap(), server.try_clone().unwrap());
                pass(server, client);
            }
        });
        Self { path: path.to_owned(), state }
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Cuts and refuses every connection, or does so no longer.
    pub fn close(&self, closed: bool) {
        let mut state = self.state.lock().unwrap();
        state.closed = closed;
        for stream in state.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pass(mut from: UnixStream, mut to: UnixStream) {
    std::thread::spawn(move || {
        let mut bytes = [0; 16384];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            if to.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
