//! Whether this process lives, and whether it is of use.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::App;
use super::answer::json;
use crate::engine::Standing;
use crate::model::{StoreHealth, View};

/// How the process is.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Health {
    /// Whether it is of use.
    ready: bool,
    /// Why not.
    reasons: Vec<Reason>,
    /// While Redis cannot be used: whether the engine goes on protecting the minimum; it removes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    protects: Option<bool>,
}

/// What keeps a process from being of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// Nothing was read from Redis yet.
    Starting,
    /// Redis cannot be used.
    StoreDown,
    /// No replica leads.
    NoLeader,
}

/// It answers, so it lives. Redis and the cluster are no business of this: starting it again would not mend them.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether it is of use. The words say no more than they must: no token is asked for here.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let standing = app.standing.as_ref().map(|standing| standing.borrow().clone());
    let reasons = reasons(&app.views.borrow().clone(), standing.as_ref());
    if reasons.is_empty() {
        return json(StatusCode::OK, &Health { ready: true, reasons, protects: None });
    }
    let protects = match standing {
        Some(Standing::WithoutStore { protects, .. }) => Some(protects),
        _ => None,
    };
    let health = Health { ready: false, reasons, protects };
    ([(RETRY_AFTER, "1")], json(StatusCode::SERVICE_UNAVAILABLE, &health)).into_response()
}

fn reasons(view: &View, standing: Option<&Standing>) -> Vec<Reason> {
    let store_is_down = view.store != StoreHealth::Up || matches!(standing, Some(Standing::WithoutStore { .. }));
    if store_is_down {
        vec![Reason::StoreDown]
    } else if !was_read(view) {
        vec![Reason::Starting]
    } else if view.leader.is_none() {
        vec![Reason::NoLeader]
    } else {
        Vec::new()
    }
}

/// Whether a view was ever read: the first one is empty, and every one that is read has a report of Redis.
pub(super) fn was_read(view: &View) -> bool {
    view.redis.is_some()
}
