//! The socket: always `redis.sock` in the data directory, and a short way to it where that path is too long.
//!
//! The system allows about 104 bytes for a socket's path. The server itself binds to the bare name in its own working directory, so
//! only clients need a short path: a symbolic link to the data directory, in a directory that belongs to this user alone. Every
//! process may use another link (their `XDG_RUNTIME_DIR` may differ); they all meet at the same socket.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::ServerError;

/// The socket's name in the data directory.
pub(super) const SOCKET: &str = "redis.sock";

/// Bytes of a socket path that work everywhere: macOS has 104 with the closing zero, Linux 108.
const LONGEST: usize = 103;

/// The directories that may hold a short way to the socket, the best one first.
#[must_use]
pub fn short_dirs(runtime_dir: Option<OsString>) -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = runtime_dir.map(PathBuf::from).into_iter().collect();
    dirs.extend([std::env::temp_dir(), PathBuf::from("/tmp")]);
    dirs.retain(|dir| dir.is_absolute());
    dirs.dedup();
    dirs
}

/// The path under which clients reach the socket of `data_dir` (which is canonical), and the directory made for it, if one was.
pub(super) fn reach(data_dir: &Path, short_dirs: &[PathBuf]) -> Result<(PathBuf, Option<PathBuf>), ServerError> {
    let direct = data_dir.join(SOCKET);
    if fits(&direct) {
        return Ok((direct, None));
    }
    let name = format!("windlass-{}-{}", rustix::process::geteuid().as_raw(), digest(data_dir));
    let mut tried = Vec::new();
    for base in short_dirs {
        let dir = base.join(&name);
        let socket = dir.join("data").join(SOCKET);
        let made = if fits(&socket) { link(&dir, data_dir) } else { Err("its path is too long as well".to_owned()) };
        match made {
            Ok(()) => return Ok((socket, Some(dir))),
            Err(error) => tried.push(format!("{} ({error})", base.display())),
        }
    }
    Err(ServerError::NoShortPath { socket: direct, tried: tried.join(", ") })
}

/// Takes the short way down again.
pub(super) fn remove(dir: &Path) {
    // Another process may have done so already, and it does no harm where it stays.
    let _ = fs::remove_file(dir.join("data"));
    let _ = fs::remove_dir(dir);
}

/// The URL that redis-rs takes, every byte that means something in a URL escaped.
pub(super) fn url(socket: &Path) -> String {
    let mut url = "redis+unix://".to_owned();
    for byte in socket.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
            url.push(char::from(*byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

fn fits(path: &Path) -> bool {
    path.as_os_str().len() <= LONGEST
}

fn digest(path: &Path) -> String {
    let hash = Sha256::digest(path.as_os_str().as_bytes());
    hash.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A link `data` to `data_dir` in `dir`, which nobody else can write to.
fn link(dir: &Path, data_dir: &Path) -> Result<(), String> {
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.to_string()),
        _ => {}
    }
    let meta = fs::symlink_metadata(dir).map_err(|error| error.to_string())?;
    if !meta.is_dir() || meta.uid() != rustix::process::geteuid().as_raw() || meta.mode() & 0o077 != 0 {
        return Err(format!("{} exists and is not a directory of this user alone", dir.display()));
    }
    let data = dir.join("data");
    if fs::read_link(&data).is_ok_and(|target| target == data_dir) {
        return Ok(());
    }
    // Only this user can write here, so whatever stands here is a leftover of windlass itself.
    let _ = fs::remove_file(&data);
    match symlink(data_dir, &data) {
        // Another process of this user was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn long_dir(under: &Path) -> PathBuf {
        let dir = under.join("d".repeat(120));
        fs::create_dir_all(&dir).unwrap();
        dir.canonicalize().unwrap()
    }

    #[test]
    fn a_short_path_is_used_as_it_is() {
        let (socket, made) = reach(Path::new("/data/windlass"), &[]).unwrap();
        assert_eq!((socket, made), (PathBuf::from("/data/windlass/redis.sock"), None));
    }

    #[test]
    fn a_long_path_gets_the_same_short_way_every_time_and_leads_there() {
        let base = tempfile::tempdir().unwrap();
        let data_dir = long_dir(base.path());
        let dirs = [base.path().to_owned()];
        let (socket, made) = reach(&data_dir, &dirs).unwrap();
        assert!(fits(&socket));
        assert_eq!(socket.parent().unwrap().canonicalize().unwrap(), data_dir);
        let made = made.unwrap();
        assert_eq!(made.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(reach(&data_dir, &dirs).unwrap().0, socket);
        remove(&made);
        assert!(!made.exists());
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_not_trusted() {
        let base = tempfile::tempdir().unwrap();
        let data_dir = long_dir(base.path());
        let dirs = [base.path().to_owned()];
        let made = reach(&data_dir, &dirs).unwrap().1.unwrap();
        fs::set_permissions(&made, fs::Permissions::from_mode(0o777)).unwrap();
        let message = reach(&data_dir, &dirs).unwrap_err().to_string();
        assert!(message.contains("not a directory of this user alone"), "{message}");
        assert!(message.contains("redis.data_dir"), "{message}");
    }

    #[test]
    fn the_next_directory_is_tried_where_one_cannot_be_used() {
        let base = tempfile::tempdir().unwrap();
        let data_dir = long_dir(base.path());
        let dirs = [PathBuf::from("/does/not/exist"), base.path().to_owned()];
        assert!(reach(&data_dir, &dirs).unwrap().0.starts_with(base.path()));
    }

    #[test]
    fn the_url_survives_any_path() {
        use redis::{ConnectionAddr, IntoConnectionInfo};
        for path in ["/a b/100%/x?y#z/redis.sock", "/ä/redis.sock"] {
            let info = url(Path::new(path)).into_connection_info().unwrap();
            assert!(matches!(info.addr(), ConnectionAddr::Unix(found) if found == Path::new(path)), "{path}");
        }
    }
}
