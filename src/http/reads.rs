//! The documents that are read.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::App;
use super::answer::{JSON, Problem, json};
use super::health::was_read;
use super::metrics::{Facts, TEXT};
use super::query::EventsQuery;
use crate::clock;
use crate::model::{Event, StoreHealth, View};
use crate::report::{self, History, Status};

impl App {
    /// The view as it was last read.
    fn view(&self) -> Result<Arc<View>, Problem> {
        let view = self.views.borrow().clone();
        match &view.store {
            _ if was_read(&view) => Ok(view),
            StoreHealth::Down { error, .. } => Err(Problem::unavailable("store_down", error.as_str(), 2)),
            StoreHealth::Up => Err(Problem::unavailable("starting", "nothing was read from Redis yet", 1)),
        }
    }

    /// The view while it is kept fresh. A list has no place to say that it is an old one.
    pub(super) fn fresh_view(&self) -> Result<Arc<View>, Problem> {
        let view = self.view()?;
        match &view.store {
            StoreHealth::Up => Ok(view),
            StoreHealth::Down { error, .. } => Err(Problem::unavailable("store_down", error.as_str(), 2)),
        }
    }
}

pub(super) async fn status(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let view = app.view()?;
    Ok(json(StatusCode::OK, &Status::of(&view)))
}

pub(super) async fn workers(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let view = app.fresh_view()?;
    Ok(json(StatusCode::OK, &report::workers(&view)))
}

pub(super) async fn history(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let view = app.fresh_view()?;
    Ok(json(StatusCode::OK, &History::of(&view.state)))
}

pub(super) async fn config(State(app): State<Arc<App>>) -> Response {
    // Its serialized form has no secrets: neither passwords nor tokens are part of it.
    json(StatusCode::OK, app.config.as_ref())
}

pub(super) async fn events(
    State(app): State<Arc<App>>,
    query: Result<Query<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let Query(pairs) = query.map_err(|error| Problem::bad_request("invalid_query", error.body_text()))?;
    let query = EventsQuery::read(&pairs, clock::now())?;
    let view = app.fresh_view()?;
    let newest = view.events.iter().rev().map(AsRef::as_ref).filter(|event| query.filter.passes(event));
    let mut events: Vec<&Event> = newest.take(query.limit).collect();
    events.reverse();
    Ok(json(StatusCode::OK, &events))
}

pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let view = app.views.borrow().clone();
    let standing = app.standing.as_ref().map(|standing| standing.borrow().clone());
    // Without Redis there is less to tell, and that is told: a scrape never fails for it.
    let up = view.store == StoreHealth::Up;
    let streams = if up { app.store.inspect().await.ok() } else { None };
    let known = was_read(&view) || !up;
    let facts = Facts {
        view: known.then_some(view.as_ref()),
        standing: standing.as_ref(),
        lease: app.config.leader.lease.get(),
        streams: streams.as_ref(),
    };
    match app.metrics.text(&facts) {
        Ok(text) => ([(CONTENT_TYPE, TEXT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            Problem::fault().into_response()
        }
    }
}

pub(super) async fn openapi(State(app): State<Arc<App>>) -> Response {
    ([(CONTENT_TYPE, JSON)], app.document.clone()).into_response()
}
