//! Every action of the cockpit: its name, its keys, its group and its help. The help, the palette, the key map of the configuration
//! and the tests all read this one table.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crossterm::event::KeyEvent;

use super::chord::Chord;

/// Where an action stands in the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Commands to the engine.
    Handle,
    /// What is looked at.
    Look,
    /// Moving about.
    Move,
    /// The program.
    Program,
}

impl Group {
    /// Every group, in the help's order.
    pub const ALL: [Self; 4] = [Self::Handle, Self::Look, Self::Move, Self::Program];

    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Handle => "take the handle",
            Self::Look => "look",
            Self::Move => "move",
            Self::Program => "program",
        }
    }
}

macro_rules! actions {
    ($( $group:ident $act:ident $name:literal [$($key:literal),*] $help:literal )+) => {
        /// Something a key does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Act { $( #[doc = $help] $act, )+ }

        impl Act {
            /// Every action, in the help's order.
            pub const ALL: &'static [Self] = &[$(Self::$act),+];

            /// Its name in `cockpit.keys` and in the palette.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$act => $name,)+ }
            }

            /// Its keys unless the configuration says otherwise.
            #[must_use]
            pub const fn default_keys(self) -> &'static [&'static str] {
                match self { $(Self::$act => &[$($key),*],)+ }
            }

            /// What it does.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Self::$act => $help,)+ }
            }

            /// Where it stands in the help.
            #[must_use]
            pub const fn group(self) -> Group {
                match self { $(Self::$act => Group::$group,)+ }
            }
        }
    };
}

actions! {
    Handle ScaleUp "scale_up" ["+", "u"] "add a worker; on the pools: a container"
    Handle ScaleDown "scale_down" ["-", "d"] "remove the youngest removable worker"
    Handle ScaleDownSelected "scale_down_selected" ["D"] "remove the selected worker"
    Handle Hold "hold" ["h"] "hold scaling up, down or both for a while"
    Handle Release "release" ["r"] "end a hold"
    Handle Protect "protect" ["p"] "protect the selected worker, or end that"
    Handle Reconcile "reconcile" ["R"] "compare state and cluster now"
    Handle PoolUp "pool_up" [">"] "add a container to the selected pool"
    Handle PoolDown "pool_down" ["<"] "take a container from the selected pool"
    Handle PoolDrain "pool_drain" ["E"] "drain a container of the selected pool"
    Handle PoolWake "pool_wake" ["W"] "wake the selected pool, if it is empty"
    Look Detail "detail" ["enter"] "open what is selected in the pane"
    Look Operation "operation" ["o"] "open the operation of the event or worker"
    Look Filter "filter" ["/"] "filter the timeline"
    Look FilterOperation "filter_operation" ["O"] "filter by the operation, or end that"
    Look ClearFilter "clear_filter" ["x"] "clear the filter"
    Look Follow "follow" ["f"] "follow the newest event, or freeze"
    Look DeadLetters "dead_letters" ["X"] "dead letters: look, retry, drop"
    Look Targets "targets" ["T"] "webhook targets: how they are doing"
    Look Pause "pause" ["space"] "pause the view, or resume"
    Look Zoom "zoom" ["z"] "zoom the focused pane"
    Look Sort "sort" ["s"] "sort workers by name, age, cpu or memory"
    Look WhyDirection "why_direction" ["w"] "verdict: up, down, or whichever matters"
    Move NextPane "next_pane" ["tab"] "next pane"
    Move PreviousPane "previous_pane" ["shift-tab"] "previous pane"
    Move Pane1 "pane_workers" ["1"] "go to workers"
    Move Pane2 "pane_why" ["2"] "go to why"
    Move Pane3 "pane_guards" ["3"] "go to cooldowns and holds"
    Move Pane4 "pane_operations" ["4"] "go to operations"
    Move Pane5 "pane_timeline" ["5"] "go to the timeline"
    Move Pane6 "pane_redis" ["6"] "go to Redis"
    Move Pane7 "pane_pools" ["7"] "go to the function pools"
    Move Down "down" ["j", "down"] "one down"
    Move Up "up" ["k", "up"] "one up"
    Move PageDown "page_down" ["pgdn", "ctrl-d"] "one page down"
    Move PageUp "page_up" ["pgup", "ctrl-u"] "one page up"
    Move First "first" ["g", "home"] "to the first"
    Move Last "last" ["G", "end"] "to the last"
    Program Help "help" ["?"] "this help"
    Program Palette "palette" [":"] "palette: every action, and commands in words"
    Program Quit "quit" ["q"] "quit"
}

/// Which key does what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMap {
    by_chord: HashMap<Chord, Act>,
    by_act: BTreeMap<Act, Vec<Chord>>,
}

/// Why a key map of the configuration is refused: every mistake, one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMapError(pub Vec<String>);

impl fmt::Display for KeyMapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for KeyMapError {}

impl KeyMap {
    /// The defaults with what the configuration (`cockpit.keys`: action to keys, several apart by spaces) puts in their place.
    pub fn new(overrides: &BTreeMap<String, String>) -> Result<Self, KeyMapError> {
        let mut errors = Vec::new();
        for name in overrides.keys() {
            if Act::ALL.iter().all(|act| act.name() != name) {
                let known: Vec<_> = Act::ALL.iter().map(|act| act.name()).collect();
                errors
                    .push(format!("cockpit.keys.{name}: there is no action {name:?}; there are {}", known.join(", ")));
            }
        }
        let mut map = Self { by_chord: HashMap::new(), by_act: BTreeMap::new() };
        for act in Act::ALL {
            let given = overrides.get(act.name());
            let written = given.map_or_else(|| act.default_keys().to_vec(), |keys| keys.split_whitespace().collect());
            if written.is_empty() {
                errors.push(format!(
                    "cockpit.keys.{}: no key is given; write one, such as {:?}",
                    act.name(),
                    act.first()
                ));
            }
            for text in written {
                if let Err(error) = map.bind(*act, text) {
                    errors.push(format!("cockpit.keys.{}: {error}", act.name()));
                }
            }
        }
        if errors.is_empty() { Ok(map) } else { Err(KeyMapError(errors)) }
    }

    fn bind(&mut self, act: Act, text: &str) -> Result<(), String> {
        let chord: Chord = text.parse()?;
        if chord.is_reserved() {
            return Err(format!("{text:?} is kept for closing, quitting and suspending; choose another key"));
        }
        if let Some(other) = self.by_chord.get(&chord).filter(|other| **other != act) {
            let name = other.name();
            return Err(format!(
                "{text:?} already means {name}; choose another key, or give {name} another one as well"
            ));
        }
        self.by_chord.insert(chord, act);
        self.by_act.entry(act).or_default().push(chord);
        Ok(())
    }

    /// What a pressed key does.
    #[must_use]
    pub fn act(&self, key: KeyEvent) -> Option<Act> {
        self.by_chord.get(&Chord::of(key)).copied()
    }

    /// The keys of an action.
    #[must_use]
    pub fn chords(&self, act: Act) -> &[Chord] {
        self.by_act.get(&act).map_or(&[], Vec::as_slice)
    }

    /// The first key of an action, as it is shown.
    #[must_use]
    pub fn hint(&self, act: Act) -> String {
        self.chords(act).first().map(ToString::to_string).unwrap_or_default()
    }

    /// All keys of an action, as they are shown.
    #[must_use]
    pub fn hints(&self, act: Act) -> String {
        self.chords(act).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

impl Default for KeyMap {
    fn default() -> Self {
        Self::new(&BTreeMap::new()).unwrap_or_else(|error| unreachable!("the default keys agree: {error}"))
    }
}

impl Act {
    fn first(self) -> &'static str {
        self.default_keys().first().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> Result<KeyMap, KeyMapError> {
        KeyMap::new(&pairs.iter().map(|(act, key)| ((*act).to_owned(), (*key).to_owned())).collect())
    }

    fn press(text: &str) -> KeyEvent {
        text.parse::<Chord>().unwrap().event()
    }

    #[test]
    fn the_defaults_agree_and_every_action_has_a_key() {
        let map = KeyMap::default();
        for act in Act::ALL {
            assert!(!map.chords(*act).is_empty(), "{} has no key", act.name());
            for key in act.default_keys() {
                assert_eq!(map.act(press(key)), Some(*act));
            }
        }
    }

    #[test]
    fn a_remapped_action_leaves_its_old_keys() {
        let map = map(&[("scale_up", "ctrl-a U")]).unwrap();
        assert_eq!(map.act(press("ctrl-a")), Some(Act::ScaleUp));
        assert_eq!(map.act(press("U")), Some(Act::ScaleUp));
        assert_eq!(map.act(press("u")), None);
        assert_eq!(map.hint(Act::ScaleUp), "ctrl-a");
    }

    #[test]
    fn two_actions_may_swap_their_keys() {
        let map = map(&[("hold", "r"), ("release", "h")]).unwrap();
        assert_eq!(map.act(press("r")), Some(Act::Hold));
        assert_eq!(map.act(press("h")), Some(Act::Release));
    }

    #[test]
    fn every_mistake_is_told_at_once_with_its_place() {
        let error =
            map(&[("hold", "u"), ("jump", "J"), ("zoom", "hyper-z"), ("sort", "ctrl-c"), ("help", " ")]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(r#"cockpit.keys.hold: "u" already means scale_up"#), "{text}");
        assert!(text.contains(r#"cockpit.keys.jump: there is no action "jump""#), "{text}");
        assert!(text.contains("cockpit.keys.zoom: \"hyper-z\" is no key"), "{text}");
        assert!(text.contains("cockpit.keys.sort: \"ctrl-c\" is kept"), "{text}");
        assert!(text.contains("cockpit.keys.help: no key is given"), "{text}");
        assert_eq!(error.0.len(), 5);
    }
}
