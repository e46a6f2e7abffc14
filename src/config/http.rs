//! The HTTP server: health, metrics, the API.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// A token shorter than this can be guessed.
pub const SHORTEST_TOKEN: usize = 16;

/// The HTTP server: health, metrics, the API. Off unless an address is given: nobody's port is opened unasked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Address and port, such as `127.0.0.1:9464`; null: no server. Any but a loopback address needs a token.
    #[schemars(extend("x-allowed" = "an IP address and a port, such as 127.0.0.1:9464 or [::1]:9464"))]
    pub listen: Option<String>,
    /// Who may read (viewer) and command (operator): name, role and `token_file` of each. With none, reading is open on loopback, and
    /// commands are refused.
    pub tokens: Vec<TokenConfig>,
}

/// One bearer token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// Its holder: the name that commands carry.
    #[schemars(regex(pattern = r"^[^\p{Cc}\s]([^\p{Cc}]{0,62}[^\p{Cc}\s])?$"), extend("x-allowed" = "a name of 1 to 64 printable characters"))]
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// The file with the token: 16 characters or more.
    pub token_file: PathBuf,
    /// The token, once read from that file or the environment; never in the file, never printed.
    #[serde(skip)]
    pub token: Option<Secret>,
}

/// What a token allows; each role includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reading.
    Viewer,
    /// Reading and commands.
    Operator,
}

/// Why a text cannot be a token; `None`: it can.
#[must_use]
pub fn token_flaw(token: &str) -> Option<&'static str> {
    if token.is_empty() {
        return Some("which is empty");
    }
    // What an Authorization header can carry after `Bearer ` (RFC 6750).
    if !token.chars().all(|c| c.is_ascii_graphic()) {
        return Some("which has characters that a token cannot have");
    }
    (token.len() < SHORTEST_TOKEN).then_some("which has fewer than 16 characters")
}
