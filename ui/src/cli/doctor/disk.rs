//! Room on the disks, and who may read what is ours alone.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};
use windlass::config::{ClusterKind, Config};
use windlass_ui::format;

use super::check::Check;
use crate::cli::settings::Settings;

/// With less room than this the next write may fail.
const NONE_LEFT: u64 = 64 << 20;
/// With less room than this somebody should make some.
const LITTLE: u64 = 1 << 30;

/// The directories that are written to, and the files with secrets.
pub fn checks(settings: &Settings) -> Vec<Check> {
    let config = &settings.config;
    let mut checks = Vec::new();
    let keeps_data = config.redis.url.is_none() || config.cluster.kind == ClusterKind::Simulated;
    if keeps_data {
        checks.extend(directory(("data directory", "data disk"), settings.data_dir()));
    }
    checks.extend(directory(("log directory", "log disk"), &settings.log_dir));
    checks.extend(secrets(config));
    checks
}

/// A directory, or the place where it will be made, and the room there.
fn directory((name, disk): (&'static str, &'static str), path: &Path) -> Vec<Check> {
    let there = nearest(path);
    let shown = if there == path { path.display().to_string() } else { format!("{}: not made yet", path.display()) };
    let mut checks = vec![own(name, path, &there, shown)];
    checks.extend(room(disk, &there));
    checks
}

fn own(name: &'static str, path: &Path, there: &Path, shown: String) -> Check {
    if access(there, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let found = format!("{shown}: this user cannot write in {}", there.display());
        let remedy = "correct its owner (chown), or choose another place: `redis.data_dir`, `log.dir`, --data-dir";
        return Check::problem(name, found, remedy);
    }
    let open = there.metadata().is_ok_and(|found| there == path && is_open(&found, 0o077));
    if open && name == "data directory" {
        let found = format!("{shown}: other users can get in, and the state with them");
        return Check::warning(name, found, format_args!("chmod 700 {}", path.display()));
    }
    Check::ok(name, shown)
}

fn room(name: &'static str, there: &Path) -> Option<Check> {
    let found = statvfs(there).ok()?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let text = format!("{} free", format::bytes(free));
    let remedy = "make room: without it Redis cannot keep what it is given (df -h)";
    Some(match free {
        ..NONE_LEFT => Check::problem(name, text, remedy),
        NONE_LEFT..LITTLE => Check::warning(name, text, remedy),
        LITTLE.. => Check::ok(name, text),
    })
}

/// The path, or what there is of the way to it.
fn nearest(path: &Path) -> PathBuf {
    path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/")).to_owned()
}

/// Files that hold a secret are for whoever runs windlass; a group may share them.
fn secrets(config: &Config) -> Option<Check> {
    let name = "secrets";
    let tokens = config.http.tokens.iter().map(|token| &token.token_file);
    let targets = config.autoscaler.events.alerts.targets.iter();
    let of_targets = targets.flat_map(|target| target.hmac_secret_file.iter().chain(target.header_files.values()));
    let all = config.redis.password_file.iter().chain(&config.workers.env_file).chain(tokens).chain(of_targets);
    let files: Vec<&PathBuf> = all.collect();
    if files.is_empty() {
        return None;
    }
    let open = |path: &&&PathBuf| path.metadata().is_ok_and(|found| is_open(&found, 0o007));
    let open: Vec<String> = files.iter().filter(open).map(|path| path.display().to_string()).collect();
    Some(if open.is_empty() {
        Check::ok(name, format_args!("{}: for their owner alone", format::plural(files.len() as u64, "file")))
    } else {
        let files = open.join(" ");
        Check::warning(
            name,
            format_args!("everybody on this machine can read {files}"),
            format_args!("chmod o= {files}"),
        )
    })
}

fn is_open(found: &Metadata, to: u32) -> bool {
    found.mode() & to != 0
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::cli::doctor::check::Health;

    #[test]
    fn a_data_directory_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let status = |mode| {
            fs::set_permissions(folder.path(), Permissions::from_mode(mode)).expect("its mode");
            directory(("data directory", "data disk"), folder.path())[0].status
        };
        assert_eq!(status(0o700), Health::Ok);
        assert_eq!(status(0o755), Health::Warning);
        let missing = folder.path().join("not/made/yet");
        let found = &directory(("data directory", "data disk"), &missing)[0];
        assert_eq!(found.status, Health::Ok);
        assert!(found.found.contains("not made yet") && !missing.exists(), "{}", found.found);
    }

    #[test]
    fn a_secret_that_everybody_can_read_is_told_and_not_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("password");
        fs::write(&file, "hunter2").expect("a file");
        let mut config = Config::default();
        assert!(secrets(&config).is_none());
        config.redis.password_file = Some(file.clone());
        let check = |mode| {
            fs::set_permissions(&file, Permissions::from_mode(mode)).expect("its mode");
            secrets(&config).expect("a check")
        };
        assert_eq!(check(0o600).status, Health::Ok);
        assert_eq!(check(0o640).status, Health::Ok);
        let found = check(0o644);
        assert_eq!(found.status, Health::Warning);
        assert!(found.found.contains("password") && !found.found.contains("hunter2"), "{}", found.found);
    }

    #[test]
    fn the_room_on_a_disk_is_told() {
        assert!(room("data disk", Path::new("/")).expect("a check").found.contains("free"));
        assert!(room("data disk", Path::new("/no/such/place")).is_none());
    }
}
