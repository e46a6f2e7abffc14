//! One layer against the schema and the types. What is wrong is reported and taken out, so that the rest can be used.

use std::sync::LazyLock;

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde::Deserialize;
use serde_json::Value;

use super::findings::{Findings, nearest, unknown_setting};
use super::layer::Layer;
use super::mistake::Mistake;
use super::schema::{root, setting_of, settings};
use super::shape::{Place, Shape};
use super::{Config, pointer, redact_url};

/// A schema that does not compile is a mistake of ours that a test catches; the types check the values all the same.
static VALIDATOR: LazyLock<Option<Validator>> = LazyLock::new(|| jsonschema::validator_for(root()).ok());

/// Checks a layer, and takes out of it what is wrong.
pub(super) fn check(layer: &mut Layer, findings: &mut Findings) {
    drop_empty_groups(&mut layer.value, "");
    let mut wrong = std::mem::take(&mut layer.unreadable);
    for (at, mistake) in against_schema(layer, findings).into_iter().chain(against_types(layer)) {
        // What holds a mistake that is told already is not another one.
        if !wrong.iter().any(|known| pointer::covers(known, &at) || pointer::covers(&at, known)) {
            wrong.insert(at);
            findings.mistakes.push(mistake);
        }
    }
    for at in &wrong {
        // A list with a wrong item, or a map with a wrong entry, is not used at all.
        let at = setting_of(at).map_or(at.as_str(), |setting| &setting.pointer);
        remove(&mut layer.value, at);
    }
    findings.wrong.extend(wrong);
}

fn against_schema(layer: &Layer, findings: &mut Findings) -> Vec<(String, Mistake)> {
    let Some(validator) = VALIDATOR.as_ref() else { return Vec::new() };
    let mut mistakes = Vec::new();
    for error in validator.iter_errors(&layer.value) {
        let at = error.instance_path().as_str();
        if let ValidationErrorKind::AdditionalProperties { unexpected } = error.kind() {
            for name in unexpected {
                let at = pointer::join(at, name);
                let mistake = unknown_setting(layer.origin(&at), &at, findings);
                mistakes.push((at, mistake));
            }
        } else if let Some(name) = missing(error.kind()) {
            let mut mistake = wrong_value(layer, &pointer::join(at, name));
            "nothing".clone_into(&mut mistake.found);
            mistakes.push((pointer::join(at, name), mistake));
        } else {
            mistakes.push((at.to_owned(), wrong_value(layer, at)));
        }
    }
    mistakes
}

fn missing(kind: &ValidationErrorKind) -> Option<&str> {
    match kind {
        ValidationErrorKind::Required { property } => property.as_str(),
        _ => None,
    }
}

/// What the schema cannot say (a duration too long for its type, a reserved name), asked of the types, value by value.
fn against_types(layer: &Layer) -> Vec<(String, Mistake)> {
    let mut mistakes = Vec::new();
    for setting in settings() {
        let Some(value) = layer.value.pointer(&setting.pointer) else { continue };
        let refused = |value: Value| Config::deserialize(pointer::nest(&setting.pointer, value)).is_err();
        // One by one where there are several, so that the mistake is at its own place.
        let parts: Vec<(String, Value)> = match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(number, item)| (number.to_string(), Value::from(vec![item.clone()])))
                .collect(),
            Value::Object(entries) => {
                let only = |name: &String, value: &Value| Value::from_iter([(name.clone(), value.clone())]);
                entries.iter().map(|(name, value)| (name.clone(), only(name, value))).collect()
            }
            scalar => {
                if refused(scalar.clone()) {
                    mistakes.push((setting.pointer.clone(), wrong_value(layer, &setting.pointer)));
                }
                continue;
            }
        };
        for (name, _) in parts.into_iter().filter(|(_, part)| refused(part.clone())) {
            let at = pointer::join(&setting.pointer, &name);
            let mistake = wrong_value(layer, &at);
            mistakes.push((at, mistake));
        }
    }
    mistakes
}

fn wrong_value(layer: &Layer, at: &str) -> Mistake {
    let value = layer.value.pointer(at).unwrap_or(&Value::Null);
    let place = Place::at(root(), at);
    let allowed = allowed(at, place.as_ref());
    let hint = match (place.as_ref().map(|place| &place.shape), value) {
        (Some(Shape::Text(_)), Value::Number(_) | Value::Bool(_)) => {
            Some("put it in quotes to make it text".to_owned())
        }
        (Some(Shape::Choice(words)), Value::String(text)) => {
            nearest(text, words.iter().map(String::as_str)).map(|word| format!("did you mean `{word}`?"))
        }
        (Some(Shape::Quantity(forms)), _) if !allowed.contains(forms.as_str()) => Some(forms.clone()),
        _ => None,
    };
    Mistake {
        origin: layer.origin(at),
        column: None,
        field: pointer::display(at),
        found: found(at, value),
        allowed,
        hint,
    }
}

fn allowed(at: &str, place: Option<&Place>) -> String {
    match (setting_of(at).filter(|setting| setting.pointer == at), place) {
        (Some(setting), _) => setting.allowed(),
        (None, Some(place)) => place.words(),
        (None, None) => "nothing".to_owned(),
    }
}

/// A value as it may be shown: one line, short, no secrets.
pub(super) fn found(at: &str, value: &Value) -> String {
    const LONGEST: usize = 80;
    // What an operator gives to the environment of workers and functions is theirs alone.
    let private = pointer::covers("/workers/env", at) || is_webhook_secret(at) || is_function_variable(at);
    match value {
        Value::Null => "nothing (null)".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a group".to_owned(),
        Value::Number(_) if private => "a number".to_owned(),
        Value::Bool(_) if private => "true or false, unquoted".to_owned(),
        Value::String(_) if private => "text".to_owned(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::String(text) => {
            let text = if at == "/redis/url" || text.contains("://") { redact_url(text) } else { text.clone() };
            match text.char_indices().nth(LONGEST) {
                Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
                None => format!("{text:?}"),
            }
        }
    }
}

/// A webhook's address and headers are as good as passwords.
fn is_webhook_secret(at: &str) -> bool {
    let rest = at.strip_prefix("/autoscaler/events/alerts/targets/");
    let field = rest.and_then(|rest| rest.split('/').nth(1));
    field.is_some_and(|field| matches!(field, "url" | "headers"))
}

fn is_function_variable(at: &str) -> bool {
    let rest = at.strip_prefix("/pools/functions/");
    rest.is_some_and(|rest| rest.split('/').nth(1) == Some("env"))
}

/// A section whose settings are all commented out is null in YAML, and means nothing.
fn drop_empty_groups(value: &mut Value, at: &str) {
    let Value::Object(map) = value else { return };
    map.retain(|name, below| {
        let at = pointer::join(at, name);
        drop_empty_groups(below, &at);
        !(below.is_null() && matches!(Place::at(root(), &at), Some(Place { shape: Shape::Group(_), .. })))
    });
}

fn remove(value: &mut Value, at: &str) {
    let (Some(parent), Some(name)) = (pointer::parent(at), pointer::segments(at).last()) else {
        // The whole document is wrong.
        *value = Value::Object(serde_json::Map::new());
        return;
    };
    if let Some(Value::Object(map)) = value.pointer_mut(parent) {
        map.remove(&name);
    }
}
