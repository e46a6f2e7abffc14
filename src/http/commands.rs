//! Commands: sent to the leader, answered when it has taken or refused them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use tokio::sync::broadcast;
use uuid::Uuid;

use super::App;
use super::access::Caller;
use super::answer::{ErrorDetail, JSON, Problem, RefusedBody, json};
use crate::bus::{self, Sent};
use crate::clock;
use crate::handlers::operator;
use crate::model::{Actor, Command, Event};
use crate::report::{CommandAnswer, CommandOutcome};
use crate::store::StoreError;
use crate::viewer::EVENTS_KEPT;

/// The largest body, in bytes: no command needs a hundredth of it.
pub(super) const LARGEST_BODY: usize = 64 * 1024;
/// How long a client may take to send it.
const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// A leader that lives answers well within this time.
const PATIENCE: Duration = Duration::from_secs(10);
/// What the feed did not bring (Redis went and came back) is looked for this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

type Heard = broadcast::Receiver<Arc<[Event]>>;

/// Takes a command, and answers when the leader has.
pub(super) async fn give(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    // A route without a caller would be one without a lock.
    let caller = request.extensions().get::<Caller>().cloned().ok_or_else(Problem::fault)?;
    let wanted = app.requests.read(&body(request).await?)?;
    let now = clock::now();
    let command = Command {
        command_id: wanted.command_id.unwrap_or_else(|| clock::fresh_id(now)),
        issued_at: now,
        actor: Actor::Person(caller.name),
        reason: wanted.reason,
        action: wanted.action,
    };
    // From before the command on, so that the answer cannot be missed.
    let mut heard = app.events.subscribe();
    let (id, has_own_id) = (command.command_id, wanted.command_id.is_some());
    let events = match app.send(&command, has_own_id).await? {
        Sent::Other => {
            let message = "this command_id stands for another command: take a new one";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "command_id_reused", message));
        }
        Sent::Before => app.answered(id).await?,
        Sent::Now => Vec::new(),
    };
    let events = if events.is_empty() { app.hear(&mut heard, id, has_own_id).await? } else { events };
    Ok(told(CommandAnswer::new(id, &command.action, events, None)))
}

async fn body(request: Request) -> Result<Bytes, Problem> {
    let media = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(JSON) {
        let message = format!("found Content-Type {media:?}; allowed: {JSON}");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", message));
    }
    match tokio::time::timeout(BODY_PATIENCE, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) => Err(unreadable(&rejection)),
        Err(_) => {
            let message = format!("the body did not come within {} s", BODY_PATIENCE.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", message))
        }
    }
}

fn unreadable(rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let message = format!("a body has at most {LARGEST_BODY} bytes");
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message);
    }
    Problem::bad_request("unreadable_body", rejection.body_text())
}

impl App {
    /// Sends it. Without a leader nothing is sent: it would be carried out by whoever comes, when nobody waits for it any more.
    async fn send(&self, command: &Command, has_own_id: bool) -> Result<Sent, Problem> {
        if self.store.leader().await?.is_none() {
            let message = "no replica leads, so nobody would carry it out; nothing was sent";
            return Err(Problem::unavailable("no_leader", message, self.lease_seconds()));
        }
        let sent = if has_own_id {
            bus::send_once(&self.store, command).await
        } else {
            bus::send(&self.store, command).await.map(|()| Sent::Now)
        };
        sent.map_err(|error| match error {
            StoreError::Unavailable(error) => {
                let message = format!(
                    "Redis did not answer ({error}), so the command may be on its way or not; {}",
                    again(command.command_id, has_own_id)
                );
                Problem::unavailable("outcome_unknown", message, 2)
            }
            error => error.into(),
        })
    }

    /// Waits for the events that a command caused.
    async fn hear(&self, heard: &mut Heard, id: Uuid, has_own_id: bool) -> Result<Vec<Event>, Problem> {
        let listen = async {
            loop {
                let found = if let Ok(Ok(batch)) = tokio::time::timeout(LOOK_AGAIN, heard.recv()).await {
                    batch.iter().filter(|event| operator::answers(event, id)).cloned().collect()
                } else {
                    // Nothing came, or more than was kept: what is on the stream is what counts.
                    self.answered(id).await.unwrap_or_default()
                };
                if !found.is_empty() {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, listen).await.map_err(|_| {
            let message = format!(
                "the leader has not answered within {} s. The command ({id}) is on the stream: within a minute of it a leader still \
                 carries it out, later it is refused as stale; {}",
                PATIENCE.as_secs(),
                again(id, has_own_id)
            );
            Problem::new(StatusCode::GATEWAY_TIMEOUT, "no_answer", message)
        })
    }

    /// The events that a command has caused already.
    async fn answered(&self, id: Uuid) -> Result<Vec<Event>, StoreError> {
        let (events, _) = bus::newest(&self.store, EVENTS_KEPT).await?;
        Ok(events.into_iter().filter(|event| operator::answers(event, id)).collect())
    }

    fn lease_seconds(&self) -> u64 {
        self.config.leader.lease.get().as_secs().max(1)
    }
}

fn again(id: Uuid, has_own_id: bool) -> String {
    if has_own_id {
        "ask again with the same command_id: it is carried out once".to_owned()
    } else {
        format!(
            "GET /api/v1/events shows what has come of it (caused_by {id}); with a command_id of your own you could ask again safely"
        )
    }
}

fn told(answer: CommandAnswer) -> Response {
    if answer.outcome != CommandOutcome::Refused {
        return json(StatusCode::OK, &answer);
    }
    let code = answer.reason.clone().unwrap_or_else(|| "refused".to_owned());
    let message = answer.detail.clone().unwrap_or_default();
    json(StatusCode::CONFLICT, &RefusedBody { error: ErrorDetail { code: code.into(), message }, answer })
}
