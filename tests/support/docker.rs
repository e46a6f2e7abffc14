//! The real Docker daemon, as tests use it: an image without any registry, a cluster of one's own, and nothing left behind.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use windlass::clock;
use windlass::cluster::docker::labels;

/// The image of the test workers: busybox, and nothing else.
pub const IMAGE: &str = "windlass-test-worker:latest";

/// The same with a health check: healthy as long as the file `/healthy` exists.
pub const CHECKED_IMAGE: &str = "windlass-test-worker:checked";

/// An image for function pools: a web server on [`FUNCTION_PORT`] that answers "hello".
pub const FUNCTION_IMAGE: &str = "windlass-test-function:latest";

/// Where it answers.
pub const FUNCTION_PORT: u16 = 8080;

/// Whether a Docker daemon answers. If not, says so visibly, or fails where `WINDLASS_REQUIRE_REAL=1` forbids skipping.
pub fn available(test: &str) -> bool {
    let answer = Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]).output();
    if answer.is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(
        std::env::var("WINDLASS_REQUIRE_REAL").as_deref() != Ok("1"),
        "{test}: no Docker daemon answers, and WINDLASS_REQUIRE_REAL=1 forbids skipping"
    );
    // Past the test harness's capture: a skipped test must be seen.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: no Docker daemon answers");
    false
}

/// The daemon's socket: where `DOCKER_HOST` says, or the usual place.
pub fn socket() -> PathBuf {
    let host = std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
    let path = host.as_deref().map_or(Some("/var/run/docker.sock"), |host| host.strip_prefix("unix://"));
    PathBuf::from(path.expect("DOCKER_HOST should name a Unix socket for this test"))
}

/// Runs the docker command line; panics with its words if it fails.
pub fn docker(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn run(arguments: &[&str]) -> Output {
    Command::new("docker").args(arguments).output().expect("the docker command line should be installed")
}

/// Makes the image from the statically linked busybox of this machine, if it is not there yet. Tests that need it at the same time
/// wait for the one that makes it.
pub fn ensure_image() {
    let lock = std::fs::File::create(std::env::temp_dir().join("windlass-test-image.lock")).expect("a file to lock");
    lock.lock().expect("the lock");
    let missing = |image: &str| !run(&["image", "inspect", image]).status.success();
    let server = r#"CMD ["/bin/busybox","httpd","-f","-p","8080","-h","/www"]"#;
    let check = "HEALTHCHECK --interval=1s --start-period=30s --retries=1 CMD test -f /healthy";
    let wanted: [(&str, &[&str]); 3] =
        [(IMAGE, &[]), (CHECKED_IMAGE, &["--change", check]), (FUNCTION_IMAGE, &["--change", server])];
    let wanted: Vec<_> = wanted.into_iter().filter(|(image, _)| missing(image)).collect();
    if wanted.is_empty() {
        return;
    }
    let tree = tempfile::tempdir().expect("a folder for the image's files");
    for folder in ["bin", "tmp", "proc", "sys", "dev", "etc", "www"] {
        std::fs::create_dir(tree.path().join(folder)).expect("the image's folders");
    }
    std::fs::copy(busybox(), tree.path().join("bin/busybox")).expect("busybox should be readable");
    for name in ["sh", "sleep", "true", "false", "cat", "dd", "test", "touch", "rm", "env"] {
        std::os::unix::fs::symlink("busybox", tree.path().join("bin").join(name)).expect("a link");
    }
    std::fs::write(tree.path().join("www/index.html"), "hello\n").expect("a page");
    for (image, more) in wanted {
        import(tree.path(), image, more);
    }
}

fn busybox() -> PathBuf {
    ["/bin/busybox", "/usr/bin/busybox", "/usr/sbin/busybox"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
        .expect("busybox should be installed (Debian's package busybox-static)")
}

fn import(tree: &Path, image: &str, more: &[&str]) {
    let mut tar =
        Command::new("tar").arg("-C").arg(tree).args(["-c", "."]).stdout(Stdio::piped()).spawn().expect("tar");
    let archive = tar.stdout.take().expect("tar's output");
    let imported = Command::new("docker")
        .args(["import", "--change", "CMD [\"sleep\",\"3600\"]"])
        .args(more)
        .args(["-", image])
        .stdin(archive)
        .output()
        .expect("docker import");
    assert!(tar.wait().is_ok_and(|status| status.success()), "tar failed");
    assert!(imported.status.success(), "docker import: {}", String::from_utf8_lossy(&imported.stderr));
}

/// A cluster id of its own for one test; its containers go with it, also when the test fails.
pub struct TestCluster {
    /// The cluster's id; also the prefix of its workers' names.
    pub id: String,
}

impl TestCluster {
    /// A new one, and the image for its workers.
    pub fn new() -> Self {
        ensure_image();
        let id = clock::fresh_id(clock::now()).simple().to_string();
        Self { id: format!("wt-{}", &id[20..]) }
    }

    /// A worker's name in it.
    pub fn name(&self, number: u32) -> String {
        format!("{}-{number}", self.id)
    }

    /// The ids of its containers, ended ones included.
    pub fn containers(&self) -> Vec<String> {
        let filter = format!("label={}={}", labels::CLUSTER, self.id);
        docker(&["ps", "-aq", "--no-trunc", "--filter", &filter]).lines().map(str::to_owned).collect()
    }
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        let of_cluster = format!("label={}={}", labels::CLUSTER, self.id);
        let by_name = format!("name=^/{}", self.id);
        for filter in [of_cluster, by_name] {
            let ids = String::from_utf8_lossy(&run(&["ps", "-aq", "--filter", &filter]).stdout).into_owned();
            for id in ids.lines() {
                let _ = run(&["rm", "-f", "-v", id]);
            }
        }
    }
}
