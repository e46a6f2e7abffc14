//! What a worker is made of.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bytes, Span};
use crate::model::WorkerName;

/// Docker refuses containers with less memory.
pub(super) const LEAST_MEMORY: Bytes = Bytes::mebibytes(6);

/// What a worker is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WorkersConfig {
    /// The container image; needed for Docker.
    pub image: Option<String>,
    /// The command; empty: the image's own.
    pub command: Vec<String>,
    /// Environment variables. Values that are secret: `env_file`.
    pub env: BTreeMap<String, String>,
    /// A file of `NAME=value` lines, read when a worker is made; never printed.
    pub env_file: Option<PathBuf>,
    /// `source:target[:ro]`: a host path or a volume's name, and where it goes.
    pub mounts: Vec<String>,
    /// The Docker network; null: Docker's default.
    pub network: Option<String>,
    /// More labels on the containers.
    pub labels: BTreeMap<String, String>,
    /// k3s agents need it.
    pub privileged: bool,
    /// The CPU limit, in cores; null: none.
    #[schemars(range(min = 0.01, max = 1024.0))]
    pub cpus: Option<f64>,
    /// The memory limit: 6mb or more; null: none.
    pub memory: Option<Bytes>,
    /// Dynamic workers are called `{name_prefix}-{number}`.
    #[schemars(
        regex(pattern = r"^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$"),
        extend("x-allowed" = "1 to 42 of a-z, 0-9 and '-', starting and ending with a letter or digit")
    )]
    pub name_prefix: String,
    /// Workers that scaling never removes, by name; made first when workers are missing.
    pub permanent: Vec<WorkerName>,
    /// A worker that is not ready this long after it registered is undone.
    pub ready_timeout: Span,
    /// How long a container has to stop before it is killed.
    pub stop_timeout: Span,
}

impl Default for WorkersConfig {
    fn default() -> Self {
        Self {
            image: None,
            command: Vec::new(),
            env: BTreeMap::new(),
            env_file: None,
            mounts: Vec::new(),
            network: None,
            labels: BTreeMap::new(),
            privileged: false,
            cpus: None,
            memory: None,
            name_prefix: "k3s-worker".to_owned(),
            permanent: Vec::new(),
            ready_timeout: Span::seconds(120),
            stop_timeout: Span::seconds(10),
        }
    }
}
