//! The timeline's filter: words and `type:`, `severity:`, `worker:`, `function:`, `operation:`, `actor:`, all of which must hold.
//! Alternatives stand apart by commas: `type:hold,cooldown`.

use uuid::Uuid;
use windlass::model::{Event, Severity};

use crate::describe::{describe, function_of, workers_of};

/// The terms there are, for the help.
pub const TERMS: [(&str, &str); 7] = [
    ("WORD", "in its type, sentence, worker or person"),
    ("type:hold,cooldown", "part of its type; commas: any of them"),
    ("severity:warning", "that, or worse"),
    ("worker:NAME", "part of a worker's name"),
    ("function:NAME", "part of a pool's function"),
    ("operation:ID", "the id's beginning or end"),
    ("actor:NAME", "who did it: engine, or a person"),
];

/// A filter as it was typed, and what it means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

/// The prefix of a filter for one operation.
const OPERATION: &str = "operation:";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Word(String),
    Type(Vec<String>),
    AtLeast(Severity),
    Actor(Vec<String>),
    Worker(Vec<String>),
    Function(Vec<String>),
    Operation(Vec<String>),
}

impl Filter {
    /// Reads a filter. `severity:warning` means that and worse. An unfinished or unknown severity hides nothing: nothing vanishes
    /// while it is being typed.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self { text: text.trim().to_owned(), terms: text.split_whitespace().filter_map(Term::parse).collect() }
    }

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether an event passes.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        self.terms.iter().all(|term| term.matches(event))
    }

    /// What is wrong with it, with what is allowed; a severity that is still being typed is not wrong.
    #[must_use]
    pub fn mistake(&self) -> Option<String> {
        let unknown = |word: &str| {
            let value = word.to_lowercase().strip_prefix("severity:")?.to_owned();
            (!value.is_empty() && severity(&value).is_none()).then_some(value)
        };
        let value = self.text.split_whitespace().find_map(unknown)?;
        Some(format!("no severity {value:?}: info, warning, critical"))
    }

    /// The filter text with this operation as well, in the place of any other; without it where it was asked for already.
    #[must_use]
    pub fn toggled(&self, operation: Uuid) -> String {
        let wanted = format!("{OPERATION}{}", short(operation));
        let is_operation = |word: &&str| word.to_lowercase().starts_with(OPERATION);
        let mut words: Vec<&str> = self.text.split_whitespace().filter(|word| !is_operation(word)).collect();
        if !self.text.split_whitespace().any(|word| word == wanted) {
            words.push(&wanted);
        }
        words.join(" ")
    }
}

/// The end of an id: its beginning is the time, which many share.
#[must_use]
pub fn short(id: Uuid) -> String {
    let id = id.simple().to_string();
    id.get(id.len().saturating_sub(8)..).unwrap_or_default().to_owned()
}

/// The operation an event belongs to. The event that decides an operation may give it its own id.
#[must_use]
pub fn belongs_to(event: &Event, operation: Uuid) -> bool {
    event.correlation_id.unwrap_or(event.event_id) == operation
}

impl Term {
    fn parse(text: &str) -> Option<Self> {
        let text = text.to_lowercase();
        let (key, value) = text.split_once(':').unwrap_or(("", &text));
        let parts = || {
            let parts: Vec<_> = value.split(',').filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect();
            (!parts.is_empty()).then_some(parts)
        };
        match key {
            "type" => parts().map(Self::Type),
            "actor" => parts().map(Self::Actor),
            "worker" => parts().map(Self::Worker),
            "function" => parts().map(Self::Function),
            "operation" => parts().map(Self::Operation),
            "severity" => severity(value).map(Self::AtLeast),
            _ => Some(Self::Word(text)),
        }
    }

    fn matches(&self, event: &Event) -> bool {
        let any = |parts: &[String], text: &str| parts.iter().any(|part| contains(text, part));
        match self {
            Self::Type(parts) => any(parts, event.event_type().name()),
            Self::AtLeast(severity) => event.severity() >= *severity,
            Self::Actor(parts) => any(parts, &event.actor.to_string()),
            Self::Worker(parts) => workers_of(&event.data).iter().any(|name| any(parts, name.as_str())),
            Self::Function(parts) => function_of(&event.data).is_some_and(|name| any(parts, name.as_str())),
            Self::Operation(parts) => {
                let id = event.correlation_id.unwrap_or(event.event_id);
                let (plain, simple) = (id.to_string(), id.simple().to_string());
                parts.iter().any(|part| plain.starts_with(part) || simple.starts_with(part) || simple.ends_with(part))
            }
            Self::Word(word) => {
                contains(event.event_type().name(), word)
                    || contains(&event.source, word)
                    || contains(&event.actor.to_string(), word)
                    || workers_of(&event.data).iter().any(|name| contains(name.as_str(), word))
                    || contains(&describe(&event.data), word)
            }
        }
    }
}

fn severity(text: &str) -> Option<Severity> {
    if text.is_empty() {
        return None;
    }
    [Severity::Info, Severity::Warning, Severity::Critical]
        .into_iter()
        .find(|severity| severity.to_string().starts_with(text))
}

/// `part` is lower case already.
fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::gallery;

    fn found(text: &str) -> Vec<String> {
        let filter = Filter::parse(text);
        let view = gallery::view();
        view.events.iter().filter(|event| filter.matches(event)).map(|event| event.event_type().to_string()).collect()
    }

    #[test]
    fn an_empty_filter_lets_everything_through() {
        assert!(Filter::parse("  ").is_empty());
        assert_eq!(found("").len(), gallery::view().events.len());
    }

    #[test]
    fn prefixes_look_in_their_own_place() {
        assert!(found("type:hold").iter().all(|name| name.starts_with("Hold")));
        assert!(!found("type:hold").is_empty());
        assert!(
            found("severity:critical").iter().all(|name| name
                .parse::<windlass::model::EventType>()
                .unwrap()
                .severity()
                == Severity::Critical)
        );
        assert!(found("severity:warning").len() > found("severity:critical").len());
        assert!(!found("worker:k3s-worker-7").is_empty());
        assert!(found("actor:nobody-at-all").is_empty());
    }

    #[test]
    fn all_terms_must_hold() {
        assert!(found("type:lost actor:engine").contains(&"NodeUnexpectedlyLost".to_owned()));
        assert!(found("type:lost actor:anna").is_empty());
    }

    #[test]
    fn an_unfinished_term_hides_nothing() {
        let all = found("").len();
        assert_eq!(found("severity:").len(), all);
        assert_eq!(found("severity:zzz").len(), all);
        assert_eq!(found("type:").len(), all);
    }

    #[test]
    fn alternatives_stand_apart_by_commas() {
        let (holds, lost) = (found("type:hold").len(), found("type:lost").len());
        assert!(holds > 0 && lost > 0);
        assert_eq!(found("type:hold,lost").len(), holds + lost);
        assert_eq!(found("type:hold type:lost").len(), 0, "two terms must both hold");
        assert_eq!(found("type:hold,").len(), holds, "an unfinished alternative hides nothing and shows no more");
    }

    #[test]
    fn an_operation_is_found_by_the_beginning_and_by_the_end_of_its_id() {
        let view = gallery::view();
        let id = view.events.iter().rev().find_map(|event| event.correlation_id).unwrap();
        let own = view.events.iter().filter(|event| belongs_to(event, id)).count();
        assert!(own >= 3 && own < view.events.len());
        for part in [id.to_string(), id.simple().to_string(), short(id), id.to_string().to_uppercase()] {
            assert_eq!(found(&format!("operation:{part}")).len(), own, "{part}");
        }
        assert_eq!(found("operation:ffffffff").len(), 0);
        let created = found(&format!("operation:{} type:created", short(id)));
        assert_eq!(created, ["NodeCreated"]);
    }

    #[test]
    fn an_operation_is_put_on_and_taken_off_beside_the_other_terms() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = Filter::parse("type:node anna").toggled(one);
        assert_eq!(first, "type:node anna operation:00000001");
        let second = Filter::parse(&first).toggled(two);
        assert_eq!(second, "type:node anna operation:00000002");
        assert_eq!(Filter::parse(&second).toggled(two), "type:node anna");
    }

    #[test]
    fn an_unknown_severity_is_told_with_those_there_are() {
        assert_eq!(Filter::parse("severity:warn").mistake(), None);
        assert_eq!(Filter::parse("severity:").mistake(), None);
        let told = Filter::parse("anna severity:fatal").mistake().unwrap();
        assert!(told.contains("fatal") && told.contains("critical"), "{told}");
    }
}
