//! The timeline's filter: words and `type:`, `severity:`, `actor:`, `worker:`, all of which must hold.

use windlass::model::{Event, Severity};

use crate::describe::{describe, workers_of};

/// A filter as it was typed, and what it means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Word(String),
    Type(String),
    AtLeast(Severity),
    Actor(String),
    Worker(String),
}

impl Filter {
    /// Reads a filter. `severity:warning` means that and worse. An unfinished or unknown severity is looked for as a word would be:
    /// nothing vanishes while it is being typed.
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
}

impl Term {
    fn parse(text: &str) -> Option<Self> {
        let text = text.to_lowercase();
        let (key, value) = text.split_once(':').unwrap_or(("", &text));
        if value.is_empty() {
            return None;
        }
        let value = value.to_owned();
        Some(match key {
            "type" => Self::Type(value),
            "actor" => Self::Actor(value),
            "worker" => Self::Worker(value),
            "severity" => match severity(&value) {
                Some(severity) => Self::AtLeast(severity),
                None => return None,
            },
            _ => Self::Word(text),
        })
    }

    fn matches(&self, event: &Event) -> bool {
        match self {
            Self::Type(part) => contains(event.event_type().name(), part),
            Self::AtLeast(severity) => event.severity() >= *severity,
            Self::Actor(part) => contains(&event.actor.to_string(), part),
            Self::Worker(part) => workers_of(&event.data).iter().any(|name| contains(name.as_str(), part)),
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
}
