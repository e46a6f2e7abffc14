//! JSON Schemas (2020-12) of the events as they are written: the structure that all share, with the data of each type.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{Event, EventType};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of one type of event: the whole event with its data.
#[must_use]
pub fn of(event_type: EventType) -> Value {
    let (mut whole, definitions) = parts(event_type);
    let mut kept = Map::new();
    gather(&whole, &definitions, &mut kept);
    whole.insert("$schema".to_owned(), DIALECT.into());
    whole.insert("$defs".to_owned(), kept.into());
    Value::Object(whole)
}

/// One document for every type of event: each event is exactly one of them. The schema of a type is `$defs/{type}Event`, that of its
/// data `$defs/{type}`.
#[must_use]
pub fn all() -> Value {
    let mut definitions = Map::new();
    let mut choices = Vec::new();
    for event_type in EventType::ALL {
        let (whole, found) = parts(*event_type);
        gather(&whole, &found, &mut definitions);
        let name = format!("{event_type}Event");
        choices.push(json!({ "$ref": format!("#/$defs/{name}") }));
        definitions.insert(name, whole.into());
    }
    json!({
        "$schema": DIALECT,
        "title": "windlass events",
        "description": "Every event that windlass writes is exactly one of these.",
        "oneOf": choices,
        "$defs": definitions,
    })
}

/// The schema of a type without its definitions, and the definitions of all types.
///
/// The derive describes the shared structure once and the types beside it; here each type gets the structure.
fn parts(event_type: EventType) -> (Map<String, Value>, Map<String, Value>) {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut root = object(generator.into_root_schema_for::<Event>().to_value());
    let definitions = root.remove("$defs").map(object).unwrap_or_default();
    let variants = root.remove("oneOf").unwrap_or_default();
    let is_own = |variant: &&Value| variant["properties"]["event_type"]["const"] == event_type.name();
    let own = variants.as_array().and_then(|all| all.iter().find(is_own)).cloned().map(object).unwrap_or_default();
    for (key, value) in own {
        match (root.get_mut(&key), value) {
            (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
            (_, value) => {
                root.insert(key, value);
            }
        }
    }
    root.remove("$schema");
    root.insert("title".to_owned(), event_type.name().into());
    root.insert("description".to_owned(), event_type.when().trim().into());
    (root, definitions)
}

/// Takes over the definitions that a schema refers to, and those that these refer to.
fn gather(schema: &Map<String, Value>, definitions: &Map<String, Value>, kept: &mut Map<String, Value>) {
    let mut open: Vec<&Value> = schema.values().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(map) => open.extend(map.values()),
            Value::Array(items) => open.extend(items),
            Value::String(text) => {
                let known = text.strip_prefix("#/$defs/").and_then(|name| definitions.get_key_value(name));
                if let Some((name, definition)) = known.filter(|(name, _)| !kept.contains_key(*name)) {
                    kept.insert(name.clone(), definition.clone());
                    open.push(definition);
                }
            }
            _ => {}
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_the_shared_structure_and_all_its_fields() {
        for event_type in EventType::ALL {
            let schema = of(*event_type);
            let shared = [
                "event_id",
                "event_type",
                "timestamp",
                "source",
                "data",
                "metadata",
                "caused_by",
                "correlation_id",
                "actor",
            ];
            let required: Vec<_> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            for name in shared {
                assert!(schema["properties"].get(name).is_some(), "{event_type} has no {name}");
                assert!(required.contains(&name), "{event_type}: {name} is always written");
            }
            assert_eq!(schema["properties"]["event_type"]["const"], event_type.name());
            assert_eq!(schema["properties"]["data"]["$ref"], format!("#/$defs/{event_type}"));
            let data = &schema["$defs"][event_type.name()];
            for (field, _) in event_type.fields() {
                assert!(data["properties"].get(field).is_some(), "{event_type} has no data.{field}");
            }
        }
    }

    #[test]
    fn a_schema_brings_what_it_refers_to_and_nothing_else() {
        let schema = of(EventType::HoldReleased);
        let names: Vec<_> = schema["$defs"].as_object().unwrap().keys().map(String::as_str).collect();
        assert!(names.contains(&"Direction") && names.contains(&"Actor"), "{names:?}");
        assert!(!names.contains(&"NodeReady"), "{names:?}");
        for document in [schema, all()] {
            jsonschema::draft202012::new(&document).expect("a schema that can be used");
        }
    }
}
