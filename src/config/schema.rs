//! The schema, and the settings that it lists.

use std::sync::LazyLock;

use serde_json::Value;

use super::rules::spans;
use super::shape::{Place, Shape};
use super::{Config, pointer};

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let mut schema = schemars::schema_for!(Config).to_value();
    entitle(&mut schema);
    schema["title"] = "windlass configuration".into();
    schema
});

static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| {
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    let mut settings = Vec::new();
    collect(&SCHEMA, "", "", &defaults, &mut settings);
    settings
});

/// The JSON Schema (2020-12) of the configuration, with titles and descriptions: editors check and complete with it.
#[must_use]
pub fn schema() -> Value {
    SCHEMA.clone()
}

/// Every setting, sorted by path. Sections are not listed, what is in them is.
#[must_use]
pub fn settings() -> &'static [Setting] {
    &SETTINGS
}

/// One setting.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its path: `autoscaler.limits.min_nodes`.
    pub path: String,
    /// What it does.
    pub description: String,
    /// Its default; null: none.
    pub default: Value,
    /// The place in a document.
    pub(super) pointer: String,
    /// What it may look like.
    pub(super) place: Place,
}

impl Setting {
    /// What is allowed, in plain words.
    #[must_use]
    pub fn allowed(&self) -> String {
        spans::range(&self.path).unwrap_or_else(|| self.place.words())
    }
}

/// The schema itself, for the room.
pub(super) fn root() -> &'static Value {
    &SCHEMA
}

/// The setting that a place belongs to: itself, or the list or map that holds it.
pub(super) fn setting_of(at: &str) -> Option<&'static Setting> {
    settings().iter().find(|setting| pointer::covers(&setting.pointer, at))
}

fn collect(root: &Value, at: &str, description: &str, defaults: &Value, settings: &mut Vec<Setting>) {
    let Some(place) = Place::at(root, at) else { return };
    if let Shape::Group(names) = &place.shape {
        for name in names {
            let below = pointer::join(at, name);
            collect(root, &below, &described(root, at, name), defaults, settings);
        }
        return;
    }
    settings.push(Setting {
        path: pointer::display(at),
        description: description.to_owned(),
        default: defaults.pointer(at).cloned().unwrap_or_default(),
        pointer: at.to_owned(),
        place,
    });
}

/// The description beside a property, not the one of its type.
fn described(root: &Value, group: &str, name: &str) -> String {
    super::shape::property(root, group, name)
        .and_then(|node| node.get("description"))
        .and_then(Value::as_str)
        .map(|text| text.replace('\n', " "))
        .unwrap_or_default()
}

/// Gives every property a title: its name in words.
fn entitle(node: &mut Value) {
    if let Some(properties) = node.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in properties.iter_mut().filter(|(_, property)| property.is_object()) {
            property["title"] = name.replace('_', " ").into();
        }
    }
    if let Some(definitions) = node.get_mut("$defs").and_then(Value::as_object_mut) {
        definitions.values_mut().for_each(entitle);
    }
}
