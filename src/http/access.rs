//! Who may do what.
//!
//! With tokens, everything but health and the API's description needs one. Without any, the server listens on loopback only (it
//! refuses to start elsewhere): whoever can reach it runs on this machine, where `windlass status` tells the same to every user who can
//! read the data directory, so reading is open. Commands are not: a web page that an operator visits can send requests to loopback as
//! well, and every command carries a name in the log, which only a token gives. For the same web page's sake, open reading answers
//! only where the `Host` is this machine's: a name that somebody else makes resolve to 127.0.0.1 reads nothing.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::answer::Problem;
use super::{App, HttpError};
use crate::config::{Role, TokenConfig};

const CHALLENGE: &str = r#"Bearer realm="windlass""#;
const CHALLENGE_INVALID: &str = r#"Bearer realm="windlass", error="invalid_token""#;

/// What a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Nothing.
    Open,
    /// This role, or a higher one.
    Needs(Role),
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    /// The token's name.
    pub name: String,
    role: Role,
}

/// The tokens, as digests: these have one length, and a memory dump does not show them.
pub(super) struct Tokens(Vec<([u8; 32], Caller)>);

impl Tokens {
    /// Takes them in.
    pub(super) fn new(tokens: &[TokenConfig]) -> Result<Self, HttpError> {
        let known = tokens.iter().map(|token| {
            let secret = token.token.as_ref().ok_or_else(|| HttpError::TokenUnread(token.name.clone()))?;
            Ok((digest(secret.expose()), Caller { name: token.name.clone(), role: token.role }))
        });
        known.collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose token this is. It takes the same time whichever it is, and if it is none.
    fn holder(&self, token: &str) -> Option<&Caller> {
        let presented = digest(token);
        let mut index = u64::MAX;
        for (number, (known, _)) in (0_u64..).zip(&self.0) {
            let same: Choice = presented.as_slice().ct_eq(known.as_slice());
            index.conditional_assign(&number, same);
        }
        usize::try_from(index).ok().and_then(|index| self.0.get(index)).map(|(_, caller)| caller)
    }

    /// Whether a request with these headers may pass, and whose it is where a token says.
    fn admit(&self, needed: Role, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
        if self.is_empty() {
            return self.without_tokens(needed, headers);
        }
        let Some(token) = bearer(headers) else {
            return Err(Problem::unauthorized(
                "token_needed",
                "this needs a token: send the header `Authorization: Bearer TOKEN` with one of http.tokens",
                CHALLENGE,
            ));
        };
        let Some(caller) = self.holder(token) else {
            let message = "this token is none of http.tokens; tokens are read when windlass starts";
            return Err(Problem::unauthorized("token_unknown", message, CHALLENGE_INVALID));
        };
        if caller.role < needed {
            let message =
                format!("the token of {:?} has the role viewer, and commands need the role operator", caller.name);
            return Err(Problem::new(StatusCode::FORBIDDEN, "role_too_low", message));
        }
        Ok(Some(caller.clone()))
    }

    #[allow(clippy::unused_self, reason = "it is the rule of having none")]
    fn without_tokens(&self, needed: Role, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
        if needed == Role::Operator {
            let message = "commands need a token with the role operator, and there is none: add one under http.tokens, or set \
                           WINDLASS_HTTP_TOKEN, and start windlass again. Reading is open on loopback without a token";
            return Err(Problem::new(StatusCode::FORBIDDEN, "no_tokens", message));
        }
        let host = headers.get(HOST).map(|host| host.to_str().unwrap_or_default());
        if host.is_none_or(is_this_machine) {
            return Ok(None);
        }
        let message = "without tokens only requests to localhost or to an IP address are answered: use one of these, or add a token";
        Err(Problem::new(StatusCode::FORBIDDEN, "foreign_host", message))
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn is_this_machine(host: &str) -> bool {
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    host.parse::<IpAddr>().is_ok() || host.eq_ignore_ascii_case("localhost")
}

/// Lets a request pass, or answers it.
pub(super) async fn require(
    State((app, needed)): State<(Arc<App>, Role)>,
    mut request: Request,
    next: Next,
) -> Response {
    match app.tokens.admit(needed, request.headers()) {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn tokens() -> Tokens {
        let token = |name: &str, role, secret: &str| TokenConfig {
            name: name.to_owned(),
            role,
            token_file: "x".into(),
            token: Some(Secret::new(secret)),
        };
        Tokens::new(&[
            token("vera", Role::Viewer, "viewer-token-0001"),
            token("anna", Role::Operator, "operator-token-01"),
        ])
        .unwrap()
    }

    fn headers(name: axum::http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_token_is_its_holders_and_nobody_elses() {
        let tokens = tokens();
        assert_eq!(tokens.holder("viewer-token-0001").map(|caller| caller.name.as_str()), Some("vera"));
        assert_eq!(tokens.holder("operator-token-01").map(|caller| caller.name.as_str()), Some("anna"));
        for wrong in ["", "viewer-token-000", "viewer-token-00011", "VIEWER-TOKEN-0001"] {
            assert_eq!(tokens.holder(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_token_whose_secret_was_not_read_is_an_error() {
        let token = TokenConfig { name: "x".into(), role: Role::Viewer, token_file: "x".into(), token: None };
        assert!(matches!(Tokens::new(&[token]), Err(HttpError::TokenUnread(_))));
    }

    #[test]
    fn roles_include_the_lower_ones() {
        let with = |token: &str| headers(AUTHORIZATION, &format!("bearer {token}"));
        assert!(tokens().admit(Role::Viewer, &with("viewer-token-0001")).is_ok());
        assert!(tokens().admit(Role::Viewer, &with("operator-token-01")).is_ok());
        assert!(tokens().admit(Role::Operator, &with("operator-token-01")).is_ok());
        assert!(tokens().admit(Role::Operator, &with("viewer-token-0001")).is_err());
        assert!(tokens().admit(Role::Viewer, &headers(AUTHORIZATION, "Basic eDp5")).is_err());
    }

    #[test]
    fn without_tokens_only_this_machines_names_read_and_nobody_commands() {
        let none = Tokens(Vec::new());
        for host in ["localhost:9464", "LOCALHOST", "127.0.0.1:9464", "[::1]:9464", "10.0.0.1"] {
            assert!(none.admit(Role::Viewer, &headers(HOST, host)).is_ok(), "{host}");
        }
        for host in ["evil.example:9464", "localhost.evil.example", "", "127.0.0.1.evil.example"] {
            assert!(none.admit(Role::Viewer, &headers(HOST, host)).is_err(), "{host}");
        }
        assert!(none.admit(Role::Viewer, &HeaderMap::new()).is_ok());
        assert!(none.admit(Role::Operator, &headers(HOST, "localhost")).is_err());
    }
}
