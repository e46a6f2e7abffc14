//! The secrets of the bearer tokens, read from their files and the environment.

use std::fs;
use std::path::PathBuf;

use super::environment::HTTP_TOKEN;
use super::http::{SHORTEST_TOKEN, TokenConfig, token_flaw};
use super::{Config, Role, Secret};

/// The name that the commands of the environment's token carry.
pub const ENVIRONMENT_TOKEN_NAME: &str = "operator";

/// What is wrong with a token, and where.
pub(super) struct Flaw {
    /// The place in the configuration; `None`: the environment.
    pub at: Option<String>,
    /// What was found.
    pub found: String,
    /// What is allowed.
    pub allowed: String,
}

/// Reads every token. The environment's is one more, for an operator.
pub(super) fn read(config: &mut Config, environment: Option<&str>) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for (at, token) in config.http.tokens.iter_mut().enumerate() {
        match fs::read_to_string(&token.token_file) {
            Ok(text) => {
                let text = text.trim();
                match token_flaw(text) {
                    None => token.token = Some(Secret::new(text)),
                    Some(flaw) => flaws.push(in_file(at, token, flaw)),
                }
            }
            Err(error) => flaws.push(in_file(at, token, &format!("which cannot be read ({error})"))),
        }
    }
    if let Some(text) = environment.map(str::trim).filter(|text| !text.is_empty()) {
        match token_flaw(text) {
            None if config.http.tokens.iter().any(|token| token.name == ENVIRONMENT_TOKEN_NAME) => flaws.push(Flaw {
                at: None,
                found: format!("a token for {ENVIRONMENT_TOKEN_NAME:?}, who has one in http.tokens already"),
                allowed: "one token a name".to_owned(),
            }),
            None => config.http.tokens.push(TokenConfig {
                name: ENVIRONMENT_TOKEN_NAME.to_owned(),
                role: Role::Operator,
                token_file: PathBuf::new(),
                token: Some(Secret::new(text)),
            }),
            Some(flaw) => flaws.push(Flaw {
                at: None,
                found: format!("a token in {HTTP_TOKEN}, {flaw}"),
                allowed: format!("{SHORTEST_TOKEN} or more letters, digits and signs, without spaces"),
            }),
        }
    }
    flaws.extend(twins(config));
    flaws
}

fn in_file(at: usize, token: &TokenConfig, flaw: &str) -> Flaw {
    Flaw {
        at: Some(format!("/http/tokens/{at}/token_file")),
        found: format!("{:?}, {flaw}", token.token_file.display().to_string()),
        allowed: format!(
            "a file with {SHORTEST_TOKEN} or more letters, digits and signs, without spaces, readable by the user who runs windlass"
        ),
    }
}

/// Two names with one token: whose commands would they be?
fn twins(config: &Config) -> Vec<Flaw> {
    let tokens = &config.http.tokens;
    let twin = |at: usize, token: &TokenConfig| {
        tokens.iter().take(at).find(|other| other.token.is_some() && other.token == token.token)
    };
    let found = tokens.iter().enumerate().filter_map(|(at, token)| Some((at, twin(at, token)?)));
    found
        .map(|(at, other)| Flaw {
            at: Some(format!("/http/tokens/{at}/token_file")),
            found: format!("the same token as {:?} has", other.name),
            allowed: "every token once".to_owned(),
        })
        .collect()
}
