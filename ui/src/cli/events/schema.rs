//! `windlass events --schema`: what an event looks like, for those who read them.

use windlass::model::EventType;
use windlass::model::event::schema;

use super::super::failure::Failure;
use super::super::screen::Screen;

/// Prints the schema of one type of event, or one document for all.
pub fn print(screen: Screen, event_type: Option<EventType>) -> Result<(), Failure> {
    screen.document(&event_type.map_or_else(schema::all, schema::of))
}
