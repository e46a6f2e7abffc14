//! The sources' shares on top of each other: later ones win, and each value's origin is known.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::layer::Layer;
use super::mistake::Origin;
use super::pointer;
use super::schema::{setting_of, settings};

/// The layers on top of each other.
#[derive(Debug)]
pub(super) struct Merged {
    layers: Vec<Layer>,
    /// What they set together, as a document with holes.
    pub value: Value,
    /// Which layer won, by the setting's pointer.
    winners: BTreeMap<String, usize>,
}

impl Merged {
    /// Puts them together, the first at the bottom.
    pub(super) fn of(layers: Vec<Layer>) -> Self {
        let mut value = Value::Object(Map::new());
        let mut winners = BTreeMap::new();
        for (number, layer) in layers.iter().enumerate() {
            for setting in settings() {
                if let Some(found) = layer.value.pointer(&setting.pointer) {
                    put(&mut value, &setting.pointer, found.clone());
                    winners.insert(setting.pointer.clone(), number);
                }
            }
        }
        Self { layers, value, winners }
    }

    /// Where the value of a place came from.
    pub(super) fn origin(&self, at: &str) -> Origin {
        let winner = setting_of(at).and_then(|setting| self.winners.get(&setting.pointer));
        winner.and_then(|number| self.layers.get(*number)).map_or(Origin::BUILT_IN, |layer| layer.origin(at))
    }

    /// Where every value that was set came from, by the setting's path.
    pub(super) fn origins(&self) -> BTreeMap<String, Origin> {
        self.winners.keys().map(|at| (pointer::display(at), self.origin(at))).collect()
    }
}

fn put(document: &mut Value, at: &str, value: Value) {
    let mut place = document;
    for name in pointer::segments(at) {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(map) = place else { return };
        place = map.entry(name).or_insert(Value::Null);
    }
    *place = value;
}
