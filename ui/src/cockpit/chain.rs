//! An event's chain: upward by `caused_by` to what began it, downward to all that followed.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use uuid::Uuid;
use windlass::model::{Actor, Event, EventType};

/// Enough for every operation there is; a storm of effects is cut off here and counted.
const LONGEST: usize = 200;

/// One row of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// How far it is indented.
    pub depth: usize,
    /// The event.
    pub event: Arc<Event>,
}

/// What began it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// The first event of the chain: nothing caused it.
    Itself,
    /// Something a person gave: a command, by this person.
    Command(String),
    /// An event that the timeline no longer holds.
    Older(Uuid),
}

/// The tree around one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// What began it.
    pub root: Root,
    /// Causes, the event itself, effects; in reading order.
    pub links: Vec<Link>,
    /// Where the event itself is among them.
    pub own: usize,
    /// Effects that were left out.
    pub left_out: usize,
}

impl Chain {
    /// The tree around `event` among `events`.
    #[must_use]
    pub fn of(event: &Arc<Event>, events: &VecDeque<Arc<Event>>) -> Self {
        let by_id: HashMap<Uuid, &Arc<Event>> = events.iter().map(|event| (event.event_id, event)).collect();
        let mut causes = vec![event];
        let mut root = Root::Itself;
        while let Some(cause) = causes.last().and_then(|event| event.caused_by) {
            match by_id.get(&cause) {
                Some(known) if causes.len() < LONGEST => causes.push(known),
                _ => {
                    root = causes.last().and_then(|event| commander(event)).map_or(Root::Older(cause), Root::Command);
                    break;
                }
            }
        }
        let mut links: Vec<_> =
            causes.iter().rev().enumerate().map(|(depth, event)| Link { depth, event: Arc::clone(event) }).collect();
        let own = links.len() - 1;
        let mut effects: HashMap<Uuid, Vec<&Arc<Event>>> = HashMap::new();
        for event in events {
            if let Some(cause) = event.caused_by {
                effects.entry(cause).or_default().push(event);
            }
        }
        let mut left_out = 0;
        let mut open: Vec<(usize, &Arc<Event>)> = children(&effects, event.event_id, own + 1);
        while let Some((depth, effect)) = open.pop() {
            if links.len() >= LONGEST {
                left_out += open.len() + 1;
                break;
            }
            links.push(Link { depth, event: Arc::clone(effect) });
            open.extend(children(&effects, effect.event_id, depth + 1));
        }
        Self { root, links, own, left_out }
    }
}

/// Who gave the command that an event answers. A command is no event itself, so its id is found nowhere in the log.
fn commander(event: &Event) -> Option<String> {
    let answers = matches!(
        event.event_type(),
        EventType::ScaleUpDecision
            | EventType::ScaleDownDecision
            | EventType::HoldPlaced
            | EventType::HoldReleased
            | EventType::WorkerProtected
            | EventType::WorkerUnprotected
            | EventType::ReconcileRequested
            | EventType::CommandRefused
    );
    match &event.actor {
        Actor::Person(name) if answers => Some(name.clone()),
        _ => None,
    }
}

/// Newest first, so that the oldest is popped first.
fn children<'a>(effects: &HashMap<Uuid, Vec<&'a Arc<Event>>>, of: Uuid, depth: usize) -> Vec<(usize, &'a Arc<Event>)> {
    effects.get(&of).into_iter().flatten().rev().map(|event| (depth, *event)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::gallery;

    fn chain_of(event_type: EventType) -> Chain {
        let view = gallery::view();
        let event = view.events.iter().rfind(|event| event.event_type() == event_type).unwrap();
        Chain::of(event, &view.events)
    }

    fn names(chain: &Chain) -> Vec<(usize, EventType)> {
        chain.links.iter().map(|link| (link.depth, link.event.event_type())).collect()
    }

    #[test]
    fn causes_come_first_and_effects_after() {
        let chain = chain_of(EventType::AutoScaleUpToMinimum);
        assert_eq!(chain.root, Root::Itself);
        assert_eq!(
            names(&chain),
            [
                (0, EventType::NodeUnexpectedlyLost),
                (1, EventType::MinimumNodesViolation),
                (2, EventType::AutoScaleUpToMinimum),
                (3, EventType::ScaleUpStarted),
                (4, EventType::NodeCreated),
                (5, EventType::NodeReady),
                (6, EventType::ScalingActionCompleted),
                (7, EventType::CooldownStarted),
                (7, EventType::MinimumNodesRestored),
            ]
        );
        assert_eq!(chain.own, 2);
    }

    #[test]
    fn a_command_is_named_by_its_person() {
        assert_eq!(chain_of(EventType::HoldPlaced).root, Root::Command("anna".to_owned()));
    }

    #[test]
    fn a_trimmed_cause_is_said_to_be_older() {
        let view = gallery::view();
        let event = view.events.iter().rfind(|event| event.event_type() == EventType::NodeReady).unwrap();
        let only: VecDeque<_> = [Arc::clone(event)].into();
        assert_eq!(Chain::of(event, &only).root, Root::Older(event.caused_by.unwrap()));
    }
}
