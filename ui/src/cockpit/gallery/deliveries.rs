//! Deliveries of which some went wrong.

use chrono::{DateTime, TimeDelta, Utc};
use windlass::model::{Deliveries, Letter, TargetHealth};

use super::{ago, name, view_at};

/// Two dead letters, and targets that are well, failing, and new.
#[must_use]
pub fn deliveries(now: DateTime<Utc>) -> Deliveries {
    let view = view_at(now);
    let text = view.events.get(2).and_then(|event| serde_json::to_string(event.as_ref()).ok()).unwrap_or_default();
    let letter = |seconds: i64, handler: &str, error: &str, text: &str| Letter {
        entry: format!("{}-0", ago(now, seconds).timestamp_millis()),
        at: ago(now, seconds),
        handler: handler.to_owned(),
        error: error.to_owned(),
        tries: 5,
        source: format!("{}-0", ago(now, seconds + 60).timestamp_millis()),
        text: text.to_owned(),
    };
    let target = |target: &str| TargetHealth {
        name: name(target),
        last_success: None,
        last_failure: None,
        last_error: None,
        consecutive_failures: 0,
        next_attempt: None,
        delivered: 0,
        dropped: 0,
        waiting: Some(0),
    };
    Deliveries {
        letters: vec![
            letter(95, "AlertManager:pager", "the answer was 500 Internal Server Error", &text),
            letter(4000, "NodeManager", "cannot be read: missing field `data`", "{\"event_type\":\"Unheard\"}"),
        ],
        dead: 2,
        targets: vec![
            TargetHealth { last_success: Some(ago(now, 24)), delivered: 1204, ..target("chat") },
            TargetHealth { waiting: None, ..target("new-one") },
            TargetHealth {
                last_success: Some(ago(now, 7300)),
                last_failure: Some(ago(now, 12)),
                last_error: Some("no answer within 10 s".to_owned()),
                consecutive_failures: 17,
                next_attempt: Some(now + TimeDelta::seconds(48)),
                delivered: 311,
                dropped: 1,
                waiting: Some(42),
                ..target("pager")
            },
        ],
    }
}
