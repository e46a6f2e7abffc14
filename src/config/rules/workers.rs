//! What a worker is made of.

use super::super::ClusterKind;
use super::super::workers::LEAST_MEMORY;
use super::{Rules, repeated};

/// The forms of a mount.
const MOUNT: &str = "`source:target`, `source:target:ro` or `source:target:rw`, where the target is an absolute path and the \
                     source one too, or the name of a volume";
/// What a variable may be called.
pub(super) const VARIABLE: &str = "letters, digits, '_', '.' and '-', not beginning with a digit";

impl Rules<'_> {
    pub(super) fn workers(&mut self) {
        self.image();
        self.permanent();
        self.mounts();
        self.names();
        let memory = self.config.workers.memory;
        if let Some(memory) = memory.filter(|memory| *memory < LEAST_MEMORY) {
            self.report(
                "/workers/memory",
                memory.to_string(),
                format!("{LEAST_MEMORY} or more, or null for no limit"),
                None,
            );
        }
        if let Some(host) = &self.config.cluster.docker.host {
            let known = ["unix://", "tcp://", "http://"]
                .iter()
                .any(|scheme| host.len() > scheme.len() && host.starts_with(scheme));
            if !known {
                let found = super::super::check::found("/cluster/docker/host", &host.as_str().into());
                self.report("/cluster/docker/host", found, "unix:///path/of/the.sock, tcp://host:port, or null", None);
            }
        }
    }

    fn image(&mut self) {
        let image = self.config.workers.image.as_deref();
        let missing = image.is_none_or(|image| image.trim().is_empty());
        if self.config.cluster.kind != ClusterKind::Docker
            || !missing
            || !self.known(&["cluster.kind", "workers.image"])
        {
            return;
        }
        // Where no image is written, the line that asks for Docker is the one to look at.
        let origin = self.merged.origin(if image.is_some() { "/workers/image" } else { "/cluster/kind" });
        let found = if image.is_some() { "\"\"" } else { "nothing" };
        let hint = "set workers.image, for instance to rancher/k3s:v1.33.1-k3s1";
        self.report_from(
            origin,
            "/workers/image",
            found,
            "the name of an image, as cluster.kind is docker",
            Some(hint),
        );
    }

    fn permanent(&mut self) {
        let names = &self.config.workers.permanent;
        for at in repeated(names) {
            let name = names.get(at).map(ToString::to_string).unwrap_or_default();
            self.report(
                &format!("/workers/permanent/{at}"),
                format!("{name:?} a second time"),
                "every name once",
                None,
            );
        }
        let (count, most) = (names.len(), self.config.autoscaler.limits.max_nodes);
        let too_many = u32::try_from(count).map_or(true, |count| count > most);
        if too_many && self.known(&["workers.permanent", "autoscaler.limits.max_nodes"]) {
            let allowed = format!("not more than autoscaler.limits.max_nodes ({most})");
            self.report("/workers/permanent", format!("{count} names"), allowed, None);
        }
    }

    fn mounts(&mut self) {
        let mounts = &self.config.workers.mounts;
        let targets: Vec<Option<&str>> = mounts.iter().map(|mount| target(mount)).collect();
        for (at, mount) in mounts.iter().enumerate() {
            if target(mount).is_none() {
                self.report(&format!("/workers/mounts/{at}"), format!("{mount:?}"), MOUNT, None);
            }
        }
        for at in repeated(&targets) {
            if let Some(Some(target)) = targets.get(at) {
                let found = format!("the target {target:?} a second time");
                self.report(&format!("/workers/mounts/{at}"), found, "every target once", None);
            }
        }
    }

    fn names(&mut self) {
        for name in self.config.workers.env.keys().filter(|name| !is_variable(name)) {
            let at = super::pointer::join("/workers/env", name);
            self.report(&at, format!("the name {name:?}"), VARIABLE, None);
        }
        for name in self.config.workers.labels.keys() {
            let at = super::pointer::join("/workers/labels", name);
            if name.is_empty() || name.chars().any(|c| c == '=' || c.is_whitespace() || c.is_control()) {
                self.report(&at, format!("the name {name:?}"), "a name without spaces and '='", None);
            } else if name.starts_with("windlass.") {
                let hint = "these say whose worker a container is, and windlass sets them itself";
                self.report(
                    &at,
                    format!("the name {name:?}"),
                    "a name that does not begin with `windlass.`",
                    Some(hint),
                );
            }
        }
    }
}

/// The target of a mount; `None` where its form is wrong.
fn target(mount: &str) -> Option<&str> {
    let mut parts = mount.split(':');
    let (source, target, mode) = (parts.next()?, parts.next()?, parts.next());
    let volume = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
    };
    let at_home = source == "~" || source.starts_with("~/");
    let right = (source.starts_with('/') || at_home || volume(source))
        && target.starts_with('/')
        && mode.is_none_or(|mode| matches!(mode, "ro" | "rw"))
        && parts.next().is_none();
    right.then_some(target)
}

/// Whether a variable may be called this.
pub(super) fn is_variable(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '.' | '-');
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}
