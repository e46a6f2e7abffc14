//! What a target is sent.

use serde_json::{Value, json};

use super::alertmanager;
use crate::config::{AlertFormat, TargetConfig};
use crate::model::Event;
use crate::model::event::describe::describe;

/// Slack refuses longer texts in a block.
const LONGEST_TEXT: usize = 2900;

/// The body for an event, in the target's format. `reminder`: how often a condition that lasts is reported again.
pub(super) fn body(target: &TargetConfig, event: &Event, reminder: std::time::Duration) -> Result<Vec<u8>, String> {
    let value = match target.format {
        AlertFormat::Json => return serde_json::to_vec(event).map_err(|error| error.to_string()),
        AlertFormat::Slack => slack(event),
        AlertFormat::Alertmanager => alertmanager::alerts(event, reminder),
    };
    serde_json::to_vec(&value).map_err(|error| error.to_string())
}

fn slack(event: &Event) -> Value {
    let (cluster, region) = (&event.metadata.cluster_id, &event.metadata.region);
    let sentence = escaped(&describe(&event.data));
    let time = event.timestamp.format("%Y-%m-%d %H:%M:%S UTC");
    let context = format!("{} · {cluster} · {} · {time}", event.event_type(), escaped(region));
    let text = format!("[{}] {cluster}: {sentence}", event.severity());
    json!({
        "text": text,
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": format!("*{}* {sentence}", event.severity())}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": context}]},
        ],
    })
}

/// Slack takes `<…>` for links and mentions; an event's text is to be neither.
fn escaped(text: &str) -> String {
    let cut: String = text.chars().take(LONGEST_TEXT / 6).collect();
    cut.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::event::HoldPlaced;
    use crate::model::{Actor, Direction, Metadata};

    #[test]
    fn an_operators_words_cannot_mention_everybody() {
        let at = "2026-03-01T12:00:00Z".parse().unwrap();
        let data = HoldPlaced { direction: Direction::Up, until: at, reason: "<!channel> & co".to_owned() };
        let event = Event {
            event_id: Uuid::nil(),
            timestamp: at,
            source: "operator".to_owned(),
            data: data.into(),
            metadata: Metadata { cluster_id: "lab".parse().unwrap(), region: "<here>".to_owned() },
            caused_by: None,
            correlation_id: None,
            actor: Actor::Engine,
        };
        let text = slack(&event).to_string();
        assert!(text.contains("&lt;!channel&gt; &amp; co") && text.contains("&lt;here&gt;"), "{text}");
        assert!(!text.contains('<'), "{text}");
    }
}
