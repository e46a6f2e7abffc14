//! The function pools: which there are, and whom to call for a function.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::App;
use super::answer::{Problem, json};
use crate::bus;
use crate::clock;
use crate::model::{Action, Actor, Command, ContainerId, ContainerStatus, FunctionName, View};
use crate::policy::pools::operator;
use crate::pools::{Board, Endpoint};
use crate::report::PoolsReport;

/// A function that has no container is woken at most this often: the first call does it, the others wait for what it brings.
const WAKE_EVERY: Duration = Duration::from_secs(5);

/// So long a caller should wait for a container that is being made, in seconds.
const AGAIN: u64 = 1;

/// The pools as this process knows them.
pub(super) struct Pools {
    board: Board,
    woken: Mutex<HashMap<FunctionName, Instant>>,
}

/// Whom to call.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct EndpointAnswer {
    /// The function.
    function: FunctionName,
    /// The container's name.
    container: String,
    /// The container's whole id.
    id: ContainerId,
    /// Its address.
    address: std::net::IpAddr,
    /// Its port.
    port: u16,
    /// Both as a URL.
    url: String,
    /// How it was doing at the last look: healthy, idle or overloaded.
    status: &'static str,
    /// Whether it is only given because every other one is overloaded too.
    last_resort: bool,
}

impl From<&Endpoint> for EndpointAnswer {
    fn from(found: &Endpoint) -> Self {
        Self {
            function: found.function.clone(),
            container: found.container.clone(),
            id: found.id.clone(),
            address: found.address,
            port: found.port,
            url: found.url(),
            status: found.status.name(),
            last_resort: found.is_last_resort(),
        }
    }
}

impl Pools {
    /// Those of the engine in this process, or those of the views.
    pub(super) fn new(board: Option<Board>, views: &watch::Receiver<Arc<View>>) -> Self {
        let board = board.unwrap_or_else(|| {
            let board = Board::default();
            tokio::spawn(copy(views.clone(), board.clone()));
            board
        });
        Self { board, woken: Mutex::default() }
    }

    /// Whether it is time to wake a function; if so, that is noted.
    fn may_wake(&self, function: &FunctionName) -> bool {
        let now = clock::monotonic();
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        woken.retain(|_, at| now.duration_since(*at) < WAKE_EVERY);
        woken.insert(function.clone(), now).is_none()
    }
}

/// Shows what the views show, until there are no more of them.
async fn copy(mut views: watch::Receiver<Arc<View>>, board: Board) {
    loop {
        let pools = views.borrow_and_update().pools.clone();
        if let Some(pools) = pools.filter(|pools| *board.pools() != **pools) {
            board.show(pools.to_vec());
        }
        if views.changed().await.is_err() {
            return;
        }
    }
}

pub(super) fn parameters(generator: &mut SchemaGenerator) -> Vec<Value> {
    vec![json!({
        "name": "function", "in": "path", "required": true, "description": "The function.",
        "schema": generator.subschema_for::<FunctionName>().to_value(),
    })]
}

pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let view = app.fresh_view()?;
    let report = PoolsReport::of(&view);
    let report = report.ok_or_else(|| Problem::unavailable("starting", "the pools were not read from Redis yet", 1))?;
    Ok(json(StatusCode::OK, &report))
}

pub(super) async fn endpoint(
    State(app): State<Arc<App>>,
    function: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    // What cannot be read as text is no function's name.
    let function = function.map(|Path(function)| function).unwrap_or_default();
    if let Some(found) = app.pools.board.healthiest(&function) {
        return Ok(json(StatusCode::OK, &EndpointAnswer::from(found.as_ref())));
    }
    let pools = app.pools.board.pools();
    let Some(pool) = pools.iter().find(|pool| pool.spec.function.as_str() == function) else {
        // Nothing is known before something was read.
        if pools.is_empty() {
            app.fresh_view()?;
        }
        let names: Vec<String> = pools.iter().map(|pool| pool.spec.function.to_string()).collect();
        let message = format!("there is no function {function:?}; {}", operator::list(&names));
        return Err(Problem::new(StatusCode::NOT_FOUND, "unknown_function", message));
    };
    let function = &pool.spec.function;
    // One with a minimum is on its way to it without being asked.
    let asleep = pool.spec.min == 0 && pool.count(ContainerStatus::Draining) == pool.containers.len();
    if asleep && app.pools.may_wake(function) {
        app.wake(function).await?;
    }
    let message = format!("{function} has no container to call now; one is being made");
    Err(Problem::unavailable("no_container", message, AGAIN))
}

impl App {
    /// Tells the leader that somebody wants to call a function.
    async fn wake(&self, function: &FunctionName) -> Result<(), Problem> {
        let now = clock::now();
        let command = Command {
            command_id: clock::fresh_id(now),
            issued_at: now,
            // Demand is nobody's order.
            actor: Actor::Engine,
            reason: "it is called".to_owned(),
            action: Action::PoolWake { function: function.clone() },
        };
        Ok(bus::send(&self.store, &command).await?)
    }
}
