//! The one table of routes. The router and the API's description are both made from it, so they cannot disagree.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use futures::FutureExt;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::access::{self, Access};
use super::answer::{ErrorBody, Problem, RefusedBody, nothing_here, wrong_method};
use super::health::Health;
use super::metrics::TEXT;
use super::pools::EndpointAnswer;
use super::request::CommandRequest;
use super::{App, commands, health, pools, query, reads};
use crate::config::{Config, Role};
use crate::model::Event;
use crate::report::{CommandAnswer, History, PoolsReport, Status, WorkerLine};

/// Longer than anything takes that waits for a leader or for Redis.
const LONGEST: Duration = Duration::from_secs(30);

/// Makes a schema.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// One method of one path.
pub(super) struct Route {
    /// `get` or `post`.
    pub method: &'static str,
    /// The path.
    pub path: &'static str,
    /// Its name for clients' generators.
    pub id: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// Who may.
    pub access: Access,
    /// The parameters of its query.
    pub parameters: Option<fn(&mut SchemaGenerator) -> Vec<Value>>,
    /// What it is sent.
    pub body: Option<SchemaOf>,
    /// What it answers.
    pub answers: Vec<Answer>,
    handler: MethodRouter<Arc<App>>,
}

/// One answer of a route.
pub(super) struct Answer {
    /// The status.
    pub status: u16,
    /// What it means.
    pub meaning: &'static str,
    /// What it carries.
    pub content: Content,
}

/// What an answer carries.
pub(super) enum Content {
    /// Text of this media type.
    Text(&'static str),
    /// A document.
    Document(SchemaOf),
}

fn document<T: schemars::JsonSchema>(status: u16, meaning: &'static str) -> Answer {
    Answer { status, meaning, content: Content::Document(SchemaGenerator::subschema_for::<T>) }
}

fn text(media: &'static str, meaning: &'static str) -> Answer {
    Answer { status: 200, meaning, content: Content::Text(media) }
}

fn problem(status: u16, meaning: &'static str) -> Answer {
    document::<ErrorBody>(status, meaning)
}

const NOT_NOW: &str =
    "Redis cannot be used, nothing was read yet, or it took too long. `Retry-After` says when to ask again.";

impl Route {
    fn get(path: &'static str, id: &'static str, summary: &'static str, handler: MethodRouter<Arc<App>>) -> Self {
        let answers = vec![problem(500, "A fault of windlass's own.")];
        let access = Access::Needs(Role::Viewer);
        Self { method: "get", path, id, summary, access, parameters: None, body: None, answers, handler }
    }

    fn open(self) -> Self {
        Self { access: Access::Open, ..self }
    }

    fn answer(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// What every route that asks who one is may answer.
    fn locked(self) -> Self {
        self.answer(problem(401, "No token, or one that is not known."))
            .answer(problem(403, "The token's role does not allow it; without tokens: a foreign host, or a command."))
    }
}

/// All of them.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/healthz", "healthz", "Whether the process lives", get(health::healthz))
            .open()
            .answer(text("text/plain; charset=utf-8", "It does."))
            .answer(problem(503, NOT_NOW)),
        Route::get(
            "/readyz",
            "readyz",
            "Whether the process is of use: Redis can be used, and a replica leads",
            get(health::readyz),
        )
        .open()
        .answer(document::<Health>(200, "It is."))
        .answer(document::<Health>(503, "It is not; why.")),
        Route::get(
            "/metrics",
            "metrics",
            "Metrics in the Prometheus text format; what is unknown is absent",
            get(reads::metrics),
        )
        .locked()
        .answer(text(TEXT, "The metrics."))
        .answer(problem(503, NOT_NOW)),
        Route::get("/api/v1/status", "status", "The cluster, as `windlass status --json` has it", get(reads::status))
            .locked()
            .answer(document::<Status<'static>>(200, "The cluster; where `store` is down, as it was last read."))
            .answer(problem(503, NOT_NOW)),
        Route::get(
            "/api/v1/workers",
            "workers",
            "The workers, as `windlass workers --json` has them",
            get(reads::workers),
        )
        .locked()
        .answer(document::<Vec<WorkerLine<'static>>>(200, "The workers, sorted by name."))
        .answer(problem(503, NOT_NOW)),
        Route {
            parameters: Some(query::parameters),
            ..Route::get("/api/v1/events", "events", "The newest events, oldest first", get(reads::events))
                .locked()
                .answer(document::<Vec<Event>>(200, "The events."))
                .answer(problem(400, "The query is wrong; all that is wrong with it."))
                .answer(problem(503, NOT_NOW))
        },
        Route::get("/api/v1/history", "history", "Ended operations and statistics, newest first", get(reads::history))
            .locked()
            .answer(document::<History<'static>>(200, "The histories."))
            .answer(problem(503, NOT_NOW)),
        Route::get("/api/v1/pools", "pools", "The function pools, as `windlass pools --json` has them", get(pools::list))
            .locked()
            .answer(document::<PoolsReport<'static>>(200, "The pools, by name."))
            .answer(problem(503, NOT_NOW)),
        Route {
            parameters: Some(pools::parameters),
            ..Route::get(
                "/api/v1/pools/{function}/endpoint",
                "endpoint",
                "Whom to call for a function: the least loaded container that is healthy, else one that idles, else one that is overloaded",
                get(pools::endpoint),
            )
            .locked()
            .answer(document::<EndpointAnswer>(200, "The container to call."))
            .answer(problem(404, "No such function; those that there are."))
            .answer(problem(
                503,
                "The pool has no container to call: one is being made. `Retry-After` says when to ask again.",
            ))
        },
        Route::get(
            "/api/v1/config",
            "config",
            "This process's configuration in force, without secrets",
            get(reads::config),
        )
        .locked()
        .answer(document::<Config>(200, "The configuration."))
        .answer(problem(503, NOT_NOW)),
        Route::get("/api/v1/openapi.json", "openapi", "This document", get(reads::openapi))
            .open()
            .answer(Answer {
                status: 200,
                meaning: "It.",
                content: Content::Document(|_| schemars::json_schema!({"type": "object"})),
            })
            .answer(problem(503, NOT_NOW)),
        command(),
    ]
}

fn command() -> Route {
    let summary = "Give a command; the answer comes when the leader has taken or refused it";
    Route {
        method: "post",
        access: Access::Needs(Role::Operator),
        body: Some(SchemaGenerator::subschema_for::<CommandRequest>),
        ..Route::get("/api/v1/commands", "command", summary, post(commands::give))
            .locked()
            .answer(document::<CommandAnswer>(200, "The leader has taken it."))
            .answer(document::<RefusedBody>(409, "The rules refuse it: which rule, and what to do."))
            .answer(problem(400, "The body is no JSON."))
            .answer(problem(408, "The body came too slowly."))
            .answer(problem(413, "The body is too large."))
            .answer(problem(415, "The body is not said to be JSON."))
            .answer(problem(
                422,
                "The command makes no sense, or its id stands for another; all that is wrong with it.",
            ))
            .answer(problem(503, "No replica leads, or Redis cannot be used. `Retry-After` says when to ask again."))
            .answer(problem(504, "The leader has not answered in time; the command may still be carried out."))
    }
}

/// The router that serves them.
pub(super) fn router(routes: Vec<Route>, app: Arc<App>) -> Router {
    let paths = routes.into_iter().fold(Router::new(), |router, route| {
        let handler = match route.access {
            Access::Open => route.handler,
            Access::Needs(role) => {
                route.handler.route_layer(middleware::from_fn_with_state((app.clone(), role), access::require))
            }
        };
        router.route(route.path, handler)
    });
    guarded(paths.fallback(nothing_here).method_not_allowed_fallback(wrong_method)).with_state(app)
}

/// What holds for every request, whatever it is for.
fn guarded<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.layer(DefaultBodyLimit::max(commands::LARGEST_BODY)).layer(middleware::from_fn(guard))
}

/// A handler that panics has failed at this request, and at nothing else; one that hangs is given up.
async fn guard(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match tokio::time::timeout(LONGEST, answered).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!(path, "a request has panicked");
            Problem::fault().into_response()
        }
        Err(_) => {
            tracing::error!(path, "a request has taken too long");
            Problem::unavailable("timeout", "it took too long; Redis or this process is overloaded", 5).into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::StatusCode;
    use axum::http::header::CONTENT_TYPE;
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_answer_in_the_usual_form() {
        let panics = || async {
            assert!(std::env::var_os("PATH").is_none(), "as a fault would");
            "never"
        };
        let router = guarded(Router::new().route("/", get(panics)));
        let request = Request::get("/").body(Body::empty()).unwrap();
        let response = TowerToHyperService::new(router).call(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["code"], "internal");
    }
}
