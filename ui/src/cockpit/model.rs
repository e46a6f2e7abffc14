//! All there is to know for drawing the cockpit.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratatui::layout::Size;
use tui_input::Input;
use uuid::Uuid;
use windlass::model::{ConditionKey, Direction, StoreHealth, View};

use super::history::History;
use super::layout::{Pane, Places, Request};
use super::ledger::Ledger;
use super::options::Options;
use super::pools::PoolList;
use super::popup::Popup;
use super::roster::Roster;
use super::theme::Theme;
use super::timeline::Timeline;

/// The cockpit at one moment.
#[derive(Debug)]
pub struct Model {
    /// What the command line and the configuration said.
    pub options: Options,
    /// How things look.
    pub theme: Theme,
    /// The terminal's size.
    pub size: Size,
    /// The picture that is shown.
    pub view: Arc<View>,
    /// What time it is.
    pub now: DateTime<Utc>,
    /// Set while the picture stands still.
    pub paused: Option<Paused>,
    /// Whether pictures have stopped coming for good.
    pub ended: bool,
    /// The pane that keys go to.
    pub focus: Pane,
    /// Whether it has all the room.
    pub zoomed: bool,
    /// Which of guards, operations and Redis is on top where they share a place.
    pub tab: Pane,
    /// The workers' order and selection.
    pub roster: Roster,
    /// The operations' order and selection.
    pub ledger: Ledger,
    /// The function pools' order and selection.
    pub pools: PoolList,
    /// The timeline's rows and selection.
    pub timeline: Timeline,
    /// Set while a filter is being typed.
    pub filtering: Option<Input>,
    /// The direction the verdict is shown for; `None`: whichever matters.
    pub why: Option<Direction>,
    /// How far the other panes are scrolled.
    pub scroll: Scroll,
    /// Load over the last observations.
    pub history: History,
    /// What lies over the panes; the last is on top.
    pub popups: Vec<Popup>,
    /// Commands without an answer yet.
    pub waiting: Vec<Waiting>,
    /// What was just done.
    pub toast: Option<Toast>,
    /// Whether the screen shows something else than this model.
    pub(super) stale_screen: bool,
}

/// A picture that stands still.
#[derive(Debug, Clone)]
pub struct Paused {
    /// Since when.
    pub since: DateTime<Utc>,
    /// The newest picture, shown on resuming.
    pub latest: Arc<View>,
    /// Events that came since.
    pub events: usize,
}

/// How far panes without a selection are scrolled, in rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scroll {
    /// The verdict.
    pub why: usize,
    /// Cooldowns and holds.
    pub guards: usize,
    /// Operations: as far as their selection needs.
    pub operations: usize,
    /// Redis.
    pub redis: usize,
}

impl Scroll {
    /// That of a pane; `None` where it has a selection instead.
    pub const fn of(&mut self, pane: Pane) -> Option<&mut usize> {
        match pane {
            Pane::Why => Some(&mut self.why),
            Pane::Guards => Some(&mut self.guards),
            Pane::Redis => Some(&mut self.redis),
            Pane::Workers | Pane::Operations | Pane::Timeline | Pane::Pools => None,
        }
    }
}

/// A command that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its id: the answer's `caused_by`.
    pub command_id: Uuid,
    /// What it asks for, in words.
    pub text: String,
    /// When.
    pub since: DateTime<Utc>,
    /// Whether the operator was told that no answer came.
    pub told: bool,
}

/// How a line about something just done is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// On its way.
    Sent,
    /// Done.
    Good,
    /// Refused or failed.
    Bad,
    /// Good to know.
    Note,
}

/// A line about something just done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// How it is meant.
    pub tone: Tone,
    /// What it says.
    pub text: String,
    /// When it goes.
    pub until: DateTime<Utc>,
}

impl Model {
    /// One that shows `view` on a terminal of a size; nothing is scrolled yet.
    pub(super) fn new(options: Options, theme: Theme, size: Size, view: Arc<View>) -> Self {
        let mut model = Self {
            options,
            theme,
            size,
            now: view.at,
            view: Arc::clone(&view),
            paused: None,
            ended: false,
            focus: Pane::Workers,
            zoomed: false,
            tab: Pane::Guards,
            roster: Roster::default(),
            ledger: Ledger::default(),
            pools: PoolList::default(),
            timeline: Timeline::new(),
            filtering: None,
            why: None,
            scroll: Scroll::default(),
            history: History::default(),
            popups: Vec::new(),
            waiting: Vec::new(),
            toast: None,
            stale_screen: true,
        };
        model.show(view);
        model
    }

    /// Shows a picture.
    pub(super) fn show(&mut self, view: Arc<View>) {
        self.view = view;
        if let Some(seen) = &self.view.observation {
            self.history.push(seen);
        }
        self.roster.refresh(&self.view);
        self.ledger.refresh(&self.view.state);
        self.pools.refresh(&self.view);
        self.timeline.advance(&self.view.events);
    }

    /// The time the picture is of: it stands still with a paused picture, so that ages do.
    #[must_use]
    pub fn shown_now(&self) -> DateTime<Utc> {
        self.paused.as_ref().map_or(self.now, |paused| paused.since)
    }

    /// What is wrong with what is shown, if anything.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        match (&self.view.store, &self.view.leader) {
            _ if self.ended => Some(Trouble::Ended),
            (StoreHealth::Down { since, error, protects }, _) => {
                Some(Trouble::StoreDown { since: *since, error: error.clone(), protects: *protects })
            }
            (StoreHealth::Up, _) if !self.view.problems.is_empty() => {
                let first = self.view.problems.first().map(ToString::to_string).unwrap_or_default();
                Some(Trouble::Unreadable { count: self.view.problems.len(), first })
            }
            (StoreHealth::Up, None) => Some(Trouble::NoLeader),
            (StoreHealth::Up, Some(_)) => {
                let silent = self.view.state.conditions.get(&ConditionKey::Unreachable)?;
                Some(Trouble::ClusterSilent { since: silent.since, error: silent.detail.clone() })
            }
        }
    }

    /// Where everything is; `None` on a terminal that is too small.
    #[must_use]
    pub fn places(&self) -> Option<Places> {
        self.places_on(self.size)
    }

    /// Where everything is on a terminal of another size than was last told of.
    #[must_use]
    pub fn places_on(&self, size: Size) -> Option<Places> {
        Places::of(Request {
            size,
            focus: self.focus,
            zoomed: self.zoomed,
            tab: self.tab,
            workers: self.roster.order.len(),
            pools: self.pools.order.len(),
            banner: self.trouble().is_some(),
        })
    }

    /// The popup on top.
    pub(super) fn popup(&mut self) -> Option<&mut Popup> {
        self.popups.last_mut()
    }

    /// Whether something changed since this was last asked: the screen is to be drawn anew.
    pub fn take_stale_screen(&mut self) -> bool {
        std::mem::take(&mut self.stale_screen)
    }
}

/// What is wrong with what is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Redis does not answer: what is shown is what was last read.
    StoreDown {
        /// Since when.
        since: DateTime<Utc>,
        /// What it said.
        error: String,
        /// Whether the engine in this process goes on protecting the minimum; `None`: none is here to tell.
        protects: Option<bool>,
    },
    /// The cluster does not answer: what is shown of it is what was last seen.
    ClusterSilent {
        /// Since when.
        since: DateTime<Utc>,
        /// What was said.
        error: String,
    },
    /// Some of what Redis remembers cannot be read: what is shown is the rest.
    Unreadable {
        /// How many values.
        count: usize,
        /// One of them: its key and what is wrong.
        first: String,
    },
    /// Nobody leads: what is shown is what Redis remembers.
    NoLeader,
    /// The engine in this process has ended.
    Ended,
}
