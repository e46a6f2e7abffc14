//! What may lie over the panes. Each popup holds its own small state.

use std::collections::VecDeque;
use std::sync::Arc;

use tui_input::Input;
use uuid::Uuid;
use windlass::model::{Action, Deliveries, Event, Scope, View, WorkerName};

use super::chain::Chain;
use super::chosen::Chosen;
use super::keys::Act;
use super::pools::OpenPool;
use super::track::{Subject, Track, track};

/// One popup.
#[derive(Debug, Clone)]
pub enum Popup {
    /// "Shall this be done?"
    Confirm(Confirm),
    /// Direction, duration and reason of a hold.
    Hold(HoldMenu),
    /// Which hold is to end.
    Release(Menu),
    /// An event with its data and its chain.
    Event(EventDetail),
    /// One operation, step by step.
    Track(OpenTrack),
    /// The dead letters.
    Letters(Letters),
    /// The webhook targets; how far they are scrolled.
    Targets(usize),
    /// A function pool with its containers.
    Pool(OpenPool),
    /// A worker with its story; how far it is scrolled.
    Worker(WorkerName, usize),
    /// All actions; how far it is scrolled.
    Help(usize),
    /// Actions by name, commands in words.
    Palette(Palette),
    /// "Shall the engine end?"
    Quit,
}

/// "Shall this be done?", with what follows and a reason.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// What.
    pub action: Action,
    /// Why, as it will be recorded.
    pub reason: Input,
    /// Whether keys go to the reason.
    pub editing: bool,
}

impl Confirm {
    /// Asks about an action; the reason can be changed.
    #[must_use]
    pub fn new(action: Action, reason: &str) -> Self {
        Self { action, reason: Input::new(reason.to_owned()), editing: false }
    }

    /// Asks for the reason first of all.
    #[must_use]
    pub fn asking_why(action: Action) -> Self {
        Self { action, reason: Input::default(), editing: true }
    }
}

/// A choice among a few lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Menu {
    /// The line one stands on.
    pub cursor: usize,
}

/// The directions that a hold or a release may be about, with the key that chooses each.
pub const SCOPES: [(char, Scope); 3] = [('u', Scope::Up), ('d', Scope::Down), ('a', Scope::All)];

/// The durations that are offered for a hold: key, words, seconds. The last choice is to type one.
pub const DURATIONS: [(char, &str, u64); 4] =
    [('1', "15m", 900), ('2', "30m", 1800), ('3', "1h", 3600), ('4', "4h", 14_400)];

/// A hold being put together.
#[derive(Debug, Clone)]
pub struct HoldMenu {
    /// What is being asked.
    pub stage: HoldStage,
    /// The line one stands on.
    pub menu: Menu,
    /// What was wrong with what was typed.
    pub error: Option<String>,
}

/// The questions about a hold, one after another.
#[derive(Debug, Clone)]
pub enum HoldStage {
    /// Which direction?
    Scope,
    /// For how long?
    Duration(Scope),
    /// For how long, in the operator's own words?
    Typed(Scope, Input),
}

/// An event with its data and its chain.
#[derive(Debug, Clone)]
pub struct EventDetail {
    /// The tree around it.
    pub chain: Chain,
    /// The link of the tree one stands on.
    pub cursor: usize,
}

/// One operation, step by step.
#[derive(Debug, Clone)]
pub struct OpenTrack {
    /// Its steps.
    pub track: Track,
    /// The step one stands on.
    pub cursor: usize,
}

impl OpenTrack {
    /// Opens an operation.
    #[must_use]
    pub fn of(id: Uuid, view: &View) -> Self {
        Self { track: track(&view.events, Subject::find(id, &view.state)), cursor: 0 }
    }

    /// Takes in what has happened since it was opened.
    pub fn refresh(&mut self, view: &View) {
        self.track = track(&view.events, Subject::find(self.track.id, &view.state));
        self.cursor = self.cursor.min(self.track.rows.len().saturating_sub(1));
    }

    /// The event of the step one stands on.
    #[must_use]
    pub fn event(&self) -> Option<&Arc<Event>> {
        self.track.rows.get(self.cursor).and_then(|row| row.event.as_ref())
    }
}

/// The dead letters and the one that is selected, by its position on the stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Letters {
    chosen: Chosen,
}

impl Letters {
    /// Opens them on the newest.
    #[must_use]
    pub fn of(known: Option<&Deliveries>) -> Self {
        let mut letters = Self::default();
        if let Some(known) = known {
            letters.select(0, known);
        }
        letters
    }

    /// Where the selected letter stands; once it is gone, its neighbour is selected.
    #[must_use]
    pub fn index(&self, known: &Deliveries) -> usize {
        self.chosen.index(&known.letters, |letter| &letter.entry)
    }

    /// Selects the letter at a place.
    pub fn select(&mut self, index: usize, known: &Deliveries) {
        self.chosen.select(index, &known.letters, |letter| &letter.entry);
    }

    /// Takes in what has come and gone.
    pub fn refresh(&mut self, known: &Deliveries) {
        self.select(self.index(known), known);
    }
}

/// Actions by name, commands in words.
#[derive(Debug, Clone, Default)]
pub struct Palette {
    /// What was typed.
    pub input: Input,
    /// The actions it fits, best first.
    pub found: Vec<Act>,
    /// The line one stands on.
    pub cursor: usize,
    /// What was wrong with a command.
    pub error: Option<String>,
}

impl EventDetail {
    /// Opens an event.
    #[must_use]
    pub fn of(event: &Arc<Event>, events: &VecDeque<Arc<Event>>) -> Self {
        let chain = Chain::of(event, events);
        Self { cursor: chain.own, chain }
    }

    /// The open event.
    #[must_use]
    pub fn event(&self) -> Option<&Arc<Event>> {
        self.chain.links.get(self.chain.own).map(|link| &link.event)
    }

    /// The event of the link one stands on.
    #[must_use]
    pub fn chosen(&self) -> Option<&Arc<Event>> {
        self.chain.links.get(self.cursor).map(|link| &link.event)
    }

    /// Takes in what has followed since it was opened.
    pub fn refresh(&mut self, events: &VecDeque<Arc<Event>>) {
        let Some(event) = self.event().map(Arc::clone) else {
            return;
        };
        // Once the log has trimmed the event, what is known of it is better than less.
        if events.iter().any(|other| other.event_id == event.event_id) {
            self.chain = Chain::of(&event, events);
            self.cursor = self.cursor.min(self.chain.links.len() - 1);
        }
    }
}
