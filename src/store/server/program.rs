//! Finding the server's program.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::ServerError;

/// The programs, the preferred one first.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

/// Where packages put them, although a service's or a cron job's PATH may not say so.
const USUAL_DIRS: [&str; 7] = [
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/opt/homebrew/bin",
    "/home/linuxbrew/.linuxbrew/bin",
    "/snap/bin",
];

/// The directories in which the server's program is looked for, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramSearch {
    dirs: Vec<PathBuf>,
}

impl ProgramSearch {
    /// In these directories only.
    #[must_use]
    pub fn new(dirs: Vec<PathBuf>) -> Self {
        Self { dirs }
    }

    /// On a PATH, then where packages usually put programs.
    #[must_use]
    pub fn on_path(path: Option<&OsStr>) -> Self {
        let on_path = path.map(std::env::split_paths).into_iter().flatten().filter(|dir| dir.is_absolute());
        let mut dirs: Vec<PathBuf> = Vec::new();
        for dir in on_path.chain(USUAL_DIRS.iter().map(PathBuf::from)) {
            if !dirs.contains(&dir) {
                dirs.push(dir);
            }
        }
        Self { dirs }
    }

    /// The first `redis-server`, or else the first `valkey-server`.
    pub fn find(&self) -> Result<PathBuf, ServerError> {
        PROGRAMS
            .iter()
            .flat_map(|program| self.dirs.iter().map(move |dir| dir.join(program)))
            .find(|path| is_executable(path))
            .ok_or_else(|| ServerError::NoProgram { looked_in: self.listed() })
    }

    fn listed(&self) -> String {
        let dirs: Vec<String> = self.dirs.iter().map(|dir| dir.display().to_string()).collect();
        if dirs.is_empty() { "no directory at all".to_owned() } else { dirs.join(", ") }
    }
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(dir: &Path, name: &str, mode: u32) -> PathBuf {
        let path = dir.join(name);
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn redis_is_preferred_and_valkey_will_do() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let search = ProgramSearch::new(vec![first.path().to_owned(), second.path().to_owned()]);
        let valkey = program(first.path(), "valkey-server", 0o755);
        assert_eq!(search.find().unwrap(), valkey);
        program(first.path(), "redis-server", 0o644); // not executable: not a program
        assert_eq!(search.find().unwrap(), valkey);
        let redis = program(second.path(), "redis-server", 0o755);
        assert_eq!(search.find().unwrap(), redis);
    }

    #[test]
    fn a_missing_program_names_both_and_how_to_install_one() {
        let empty = tempfile::tempdir().unwrap();
        let message = ProgramSearch::new(vec![empty.path().to_owned()]).find().unwrap_err().to_string();
        for part in ["redis-server", "valkey-server", "apt-get install", "dnf install", "brew install", "redis.url"] {
            assert!(message.contains(part), "{part:?} is missing in: {message}");
        }
        assert!(message.contains(&empty.path().display().to_string()));
    }

    #[test]
    fn the_path_comes_first_and_relative_entries_are_ignored() {
        let search = ProgramSearch::on_path(Some(OsStr::new("/first::relative:/usr/bin")));
        assert_eq!(search.dirs[..2], [PathBuf::from("/first"), PathBuf::from("/usr/bin")]);
        assert!(search.dirs.contains(&PathBuf::from("/opt/homebrew/bin")));
        assert_eq!(search.dirs.iter().filter(|dir| *dir == Path::new("/usr/bin")).count(), 1);
    }
}
