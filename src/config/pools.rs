//! Function pools (seed 001): which functions have containers, of what, how many, and when they come and go.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bytes, Span};
use crate::model::pool::MonitoringConfig;
use crate::model::{FunctionName, PoolSpec};

/// The function pools.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PoolsConfig {
    /// How often the containers are looked at and measured.
    pub check_interval: Span,
    /// How many records are read at a time after a start (seed 001: `persistence_batch_size`).
    #[schemars(range(min = 1, max = 10000))]
    pub batch_size: u32,
    /// The Docker network of the containers; null: Docker's default bridge.
    #[schemars(
        regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"),
        extend("x-allowed" = "the name of a Docker network")
    )]
    pub network: Option<String>,
    /// How long a container has to stop before it is killed.
    pub stop_timeout: Span,
    /// The functions, each with `name`, `image` and `port`.
    pub functions: Vec<FunctionConfig>,
}

impl Default for PoolsConfig {
    fn default() -> Self {
        Self {
            check_interval: Span::seconds(2),
            batch_size: 50,
            network: None,
            stop_timeout: Span::seconds(10),
            functions: Vec::new(),
        }
    }
}

impl PoolsConfig {
    /// What every configured pool is meant to be.
    #[must_use]
    pub fn specs(&self) -> Vec<PoolSpec> {
        self.functions.iter().map(|function| function.spec(self.check_interval)).collect()
    }
}

/// One function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FunctionConfig {
    /// Its name; its containers are named after it.
    pub name: FunctionName,
    /// The image of its containers.
    #[schemars(regex(pattern = r"^\S+$"), extend("x-allowed" = "the name of an image, without spaces"))]
    pub image: String,
    /// The port on which they answer.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// At least so many containers; 0: none until there is demand.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1000))]
    pub min: u32,
    /// At most so many.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 1000))]
    pub max: u32,
    /// CPU in percent of a container's limit from which on it is overloaded.
    #[serde(default = "seventy")]
    #[schemars(range(min = 1.0, max = 100.0))]
    pub cpu_overload_threshold: f64,
    /// Memory in percent of a container's limit from which on it is overloaded.
    #[serde(default = "seventy")]
    #[schemars(range(min = 1.0, max = 100.0))]
    pub memory_overload_threshold: f64,
    /// CPU in percent up to which a container idles.
    #[serde(default = "five")]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub cooldown_cpu_threshold: f64,
    /// How long a container idles before it may go.
    #[serde(default = "half_a_minute")]
    pub cooldown_duration: Span,
    /// The CPU limit of a container, in cores; null: none.
    #[serde(default)]
    #[schemars(range(min = 0.01, max = 1024.0))]
    pub cpus: Option<f64>,
    /// The memory limit of a container: 6mb or more; null: none.
    #[serde(default)]
    pub memory: Option<Bytes>,
    /// Environment variables.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

impl FunctionConfig {
    /// A function with everything else at its default.
    #[must_use]
    pub fn new(name: FunctionName, image: impl Into<String>, port: u16) -> Self {
        Self {
            name,
            image: image.into(),
            port,
            min: 0,
            max: ten(),
            cpu_overload_threshold: seventy(),
            memory_overload_threshold: seventy(),
            cooldown_cpu_threshold: five(),
            cooldown_duration: half_a_minute(),
            cpus: None,
            memory: None,
            env: BTreeMap::new(),
        }
    }

    /// What its pool is meant to be; `check_interval` is how often that pool is measured.
    #[must_use]
    pub fn spec(&self, check_interval: Span) -> PoolSpec {
        PoolSpec {
            function: self.name.clone(),
            image: self.image.clone(),
            port: self.port,
            min: self.min,
            max: self.max,
            monitoring: MonitoringConfig {
                cpu_overload_threshold: self.cpu_overload_threshold,
                memory_overload_threshold: self.memory_overload_threshold,
                cooldown_cpu_threshold: self.cooldown_cpu_threshold,
                cooldown_duration: self.cooldown_duration.as_secs_f64(),
                poll_interval: check_interval.as_secs_f64(),
            },
        }
    }
}

const fn ten() -> u32 {
    10
}

const fn seventy() -> f64 {
    70.0
}

const fn five() -> f64 {
    5.0
}

const fn half_a_minute() -> Span {
    Span::seconds(30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_seeds() {
        let function = FunctionConfig::new("hello".parse().unwrap(), "hello:1", 8080);
        let spec = function.spec(PoolsConfig::default().check_interval);
        assert_eq!(spec.monitoring, MonitoringConfig::default());
        let written: FunctionConfig =
            serde_json::from_str(r#"{"name":"hello","image":"hello:1","port":8080}"#).unwrap();
        assert_eq!(written, function, "what is not written is the default");
    }
}
