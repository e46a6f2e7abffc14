//! What this leader has written and a handler has not dealt with yet: without Redis it is delivered from here.

use std::collections::VecDeque;
use std::sync::Arc;

use uuid::Uuid;

use crate::handlers::Handler;
use crate::model::Event;

/// A handler that is further behind than this is told the newest only; Redis has the rest.
const LONGEST: usize = 1000;

/// Per handler, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Unheard {
    queues: Vec<VecDeque<Arc<Event>>>,
}

impl Unheard {
    /// Events were written.
    pub(super) fn written(&mut self, events: Vec<Event>, handlers: &[Arc<dyn Handler>]) {
        self.queues.resize_with(handlers.len(), VecDeque::new);
        for event in events.into_iter().map(Arc::new) {
            for (queue, handler) in self.queues.iter_mut().zip(handlers) {
                if handler.subscribes().contains(&event.event_type()) {
                    queue.push_back(Arc::clone(&event));
                    if queue.len() > LONGEST {
                        queue.pop_front();
                    }
                }
            }
        }
    }

    /// A handler has dealt with an event, or never will.
    pub(super) fn heard(&mut self, handler: usize, event: Uuid) {
        if let Some(queue) = self.queues.get_mut(handler)
            && let Some(index) = queue.iter().position(|waiting| waiting.event_id == event)
        {
            queue.remove(index);
        }
    }

    /// The next event for any handler, the oldest first, with the handler's number.
    pub(super) fn next(&mut self) -> Option<(usize, Arc<Event>)> {
        let fronts = self.queues.iter().enumerate().filter_map(|(index, queue)| Some((queue.front()?.event_id, index)));
        let (_, index) = fronts.min()?;
        Some((index, self.queues.get_mut(index)?.pop_front()?))
    }
}
