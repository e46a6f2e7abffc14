//! Answers: documents as JSON, and problems in one form.

use std::borrow::Cow;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::report::CommandAnswer;
use crate::store::StoreError;

/// The media type of all documents.
pub(super) const JSON: &str = "application/json";

/// What every answer that is not a success looks like.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ErrorBody {
    /// What is wrong.
    pub error: ErrorDetail,
}

/// What is wrong.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ErrorDetail {
    /// For programs: a word that stays the same. Of a refused command, the rule that refuses.
    pub code: Cow<'static, str>,
    /// For people: what is wrong, what is allowed, what to do.
    pub message: String,
}

/// A command that was refused.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RefusedBody {
    /// What refuses.
    pub error: ErrorDetail,
    /// All that came of the command.
    pub answer: CommandAnswer,
}

/// An answer that is not a success. Boxed: it is the rare half of many results.
#[derive(Debug)]
pub(super) struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    detail: ErrorDetail,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of a kind.
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let detail = ErrorDetail { code: Cow::Borrowed(code), message: message.into() };
        Self(Box::new(Parts { status, detail, header: None }))
    }

    /// The request's wording is wrong.
    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// Not now; again in so many seconds.
    pub(super) fn unavailable(code: &'static str, message: impl Into<String>, again_in_seconds: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message).with(RETRY_AFTER, HeaderValue::from(again_in_seconds))
    }

    /// A token is needed, or another one.
    pub(super) fn unauthorized(code: &'static str, message: &str, challenge: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message).with(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    /// A fault of windlass's own. What it was is in the log.
    pub(super) fn fault() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "a fault of windlass's own; its log tells more")
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable("store_down", error.to_string(), 2)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts { status, detail, header } = *self.0;
        let mut response = json(status, &ErrorBody { error: detail });
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// A document.
pub(super) fn json<T: Serialize>(status: StatusCode, document: &T) -> Response {
    match serde_json::to_string(document) {
        Ok(text) => (status, [(CONTENT_TYPE, JSON)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a document cannot be written");
            let text = r#"{"error":{"code":"internal","message":"a fault of windlass's own; its log tells more"}}"#;
            (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, JSON)], text).into_response()
        }
    }
}

/// There is nothing under this path.
pub(super) async fn nothing_here() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is nothing under this path; /api/v1/openapi.json lists what there is",
    )
}

/// The path exists, and not with this method.
pub(super) async fn wrong_method() -> Problem {
    let message = "this path does not have this method; the header Allow tells which it has";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}
