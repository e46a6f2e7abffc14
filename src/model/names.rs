//! Names and ids, each a type of its own, checked where they enter.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {found:?} is not allowed: {allowed}")]
pub struct NameError {
    what: &'static str,
    found: String,
    allowed: &'static str,
}

/// Docker's rule for container names, narrowed to what a Kubernetes node name allows as well (RFC 1123 label).
const LABEL: &str = "1 to 63 of a-z, 0-9 and '-', starting and ending with a letter or digit";
/// As [`LABEL`], less the two that are keys of their own.
const WORKER_LABEL: &str =
    "1 to 63 of a-z, 0-9 and '-', starting and ending with a letter or digit; not `counter` or `names`";

fn is_label(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.len() <= 63
        && edge(text.chars().next())
        && edge(text.chars().last())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// `workers:counter` and `workers:names` are keys beside `workers:{name}` (seed 000).
fn is_worker_label(text: &str) -> bool {
    is_label(text) && text != "counter" && text != "names"
}

/// A name: what messages call it, the rule that it keeps, and that rule in words.
macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $fits:ident, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend("pattern" = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", "x-allowed" = $allowed))]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if $fits(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NameError { what: $what, found: text.to_owned(), allowed: $allowed })
                }
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }
    };
}

name_type!(
    /// The cluster a windlass keeps; the hash tag of all its keys.
    ClusterId,
    "cluster id",
    is_label,
    LABEL
);

name_type!(
    /// A worker's name: its container's name and, in Kubernetes, its node's.
    WorkerName,
    "worker name",
    is_worker_label,
    WORKER_LABEL
);

name_type!(
    /// A webhook target: part of its keys and of its consumer group's name.
    TargetName,
    "target name",
    is_label,
    LABEL
);

name_type!(
    /// A function: its pool's key, and part of its containers' names (seed 001: `function_key`).
    FunctionName,
    "function name",
    is_label,
    LABEL
);

impl WorkerName {
    /// The name of the `number`th worker under a prefix: `k3s-worker` and 14 give `k3s-worker-14` (seed 002).
    pub fn numbered(prefix: &str, number: u64) -> Result<Self, NameError> {
        format!("{prefix}-{number}").parse()
    }

    /// The number at the end, where there is one.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.0.rsplit_once('-').and_then(|(_, digits)| digits.parse().ok())
    }
}

/// A container's full id as its runtime gives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ContainerId(pub String);

impl ContainerId {
    /// The first twelve characters, as `docker ps` shows them.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.short())
    }
}

/// One running windlass process, among those that may keep the same cluster: `host:pid:random`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ReplicaId(pub String);

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Who did something: the engine by itself, or a person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
pub enum Actor {
    /// The engine, of its own accord.
    Engine,
    /// An operator, by the name they go by.
    Person(String),
}

impl From<String> for Actor {
    fn from(text: String) -> Self {
        if text == "engine" { Self::Engine } else { Self::Person(text) }
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        actor.to_string()
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine => f.pad("engine"),
            Self::Person(name) => f.pad(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worker_names_are_labels_and_never_shadow_a_key() {
        assert!("k3s-worker-14".parse::<WorkerName>().is_ok());
        for bad in ["", "counter", "names", "Upper", "-a", "a-", "a b", "a/b", &"x".repeat(64)] {
            assert!(bad.parse::<WorkerName>().is_err(), "{bad:?} should be refused");
        }
    }

    #[test]
    fn numbers_are_read_back() {
        assert_eq!(WorkerName::numbered("k3s-worker", 14).unwrap().number(), Some(14));
        assert_eq!("edge".parse::<WorkerName>().unwrap().number(), None);
    }
}
