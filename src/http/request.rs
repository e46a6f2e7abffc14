//! What a command may look like, and what is wrong with one that does not.
//!
//! The schema is made from [`Action`]: an action that is added there can be commanded here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::http::StatusCode;
use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::answer::Problem;
use crate::model::Action;

/// The longest reason, in characters: it is shown on a line.
const LONGEST_REASON: usize = 500;

/// A command as a client words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommandRequest {
    /// What.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// The client's own id: asking again with it does nothing more.
    pub command_id: Option<Uuid>,
}

impl JsonSchema for CommandRequest {
    fn schema_name() -> Cow<'static, str> {
        "CommandRequest".into()
    }

    /// The actions, each with what every command has, and nothing else.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Action::json_schema(generator);
        let variants = schema.get_mut("oneOf").and_then(Value::as_array_mut);
        for variant in variants.into_iter().flatten().filter_map(Value::as_object_mut) {
            if let Value::Object(properties) = variant.entry("properties").or_insert_with(|| json!({})) {
                properties.extend(common());
            }
            if let Value::Array(required) = variant.entry("required").or_insert_with(|| json!([])) {
                required.push("reason".into());
            }
            variant.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        schema.insert("description".to_owned(), "What an operator wants, and why.".into());
        schema
    }
}

fn common() -> Map<String, Value> {
    Map::from_iter([
        (
            "reason".to_owned(),
            json!({
                "description": "Why: it stays in the log with your name.",
                "type": "string",
                "minLength": 1,
                "maxLength": LONGEST_REASON,
                "pattern": r"^[^\p{Cc}]*[^\p{Cc}\s][^\p{Cc}]*$",
                "x-allowed": format!("1 to {LONGEST_REASON} printable characters"),
            }),
        ),
        (
            "command_id".to_owned(),
            json!({
                "description": "An id of your own (a UUID): asking again with it within a day does nothing more, and gives the same answer.",
                "type": ["string", "null"],
                "format": "uuid",
                "pattern": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
                "x-allowed": "a UUID",
            }),
        ),
    ])
}

/// Reads commands, by the API's own description of them.
pub(super) struct Requests {
    /// By the name of the action.
    variants: BTreeMap<String, (Value, Validator)>,
}

impl Requests {
    /// Takes the schema from the document.
    pub(super) fn new(document: &Value) -> Result<Self, String> {
        let variants = document.pointer("/components/schemas/CommandRequest/oneOf").and_then(Value::as_array);
        let variants = variants.ok_or("the API's description has no commands")?.iter().map(|variant| {
            let name = variant.pointer("/properties/command/const").and_then(Value::as_str);
            let mut schema = variant.clone();
            schema["components"] = document["components"].clone();
            let validator = jsonschema::validator_for(&schema).map_err(|error| error.to_string())?;
            Ok((name.ok_or("an action has no name")?.to_owned(), (variant.clone(), validator)))
        });
        Ok(Self { variants: variants.collect::<Result<_, String>>()? })
    }

    /// The command in a body. All that is wrong is told at once.
    pub(super) fn read(&self, body: &[u8]) -> Result<CommandRequest, Problem> {
        let mut value: Value = serde_json::from_slice(body)
            .map_err(|error| Problem::bad_request("malformed_json", format!("the body is no JSON: {error}")))?;
        let invalid = |message: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_command", message);
        let named = value.get("command").and_then(Value::as_str).and_then(|name| self.variants.get(name));
        let Some((schema, validator)) = named else {
            let found = value.get("command").map_or_else(|| "nothing".to_owned(), short);
            let known: Vec<&str> = self.variants.keys().map(String::as_str).collect();
            return Err(invalid(format!("command: found {found}; allowed: one of {}", known.join(", "))));
        };
        let mistakes: Vec<String> = validator.iter_errors(&value).map(|error| mistake(schema, &error)).collect();
        if !mistakes.is_empty() {
            return Err(invalid(mistakes.join(". ")));
        }
        let mut take = |name: &str| value.as_object_mut().and_then(|object| object.remove(name));
        let reason = take("reason").and_then(|reason| reason.as_str().map(|text| text.trim().to_owned()));
        let command_id = take("command_id").and_then(|id| id.as_str().and_then(|text| text.parse().ok()));
        // What the schema cannot say (a number too large for its type) the type does.
        let action = serde_json::from_value(value).map_err(|error| invalid(error.to_string()))?;
        Ok(CommandRequest { action, reason: reason.unwrap_or_default(), command_id })
    }
}

fn mistake(schema: &Value, error: &jsonschema::ValidationError<'_>) -> String {
    let at = error.instance_path().as_str().trim_start_matches('/').replace('/', ".");
    let names = || {
        let properties = schema.get("properties").and_then(Value::as_object);
        properties.map(|properties| properties.keys().cloned().collect::<Vec<_>>().join(", ")).unwrap_or_default()
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            format!("{}: there is no such field here; there are {}", unexpected.join(", "), names())
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            format!("{name}: found nothing; {}", allowed(schema, name))
        }
        _ => format!("{at}: found {}; {}", short(error.instance()), allowed(schema, &at)),
    }
}

/// What a field may be, in words.
fn allowed(schema: &Value, field: &str) -> String {
    let field = schema.get("properties").and_then(|properties| properties.get(field)).unwrap_or(&Value::Null);
    let text = |name: &str| field.get(name).and_then(Value::as_str);
    let meaning = text("description").unwrap_or("as the API's description has it");
    match (text("x-allowed"), field.get("minimum"), text("type")) {
        (Some(words), ..) => format!("allowed: {words}"),
        (None, Some(least), _) => format!("allowed: a whole number, {least} or more"),
        (None, None, Some("boolean")) => "allowed: true or false".to_owned(),
        (None, None, _) => format!("wanted: {meaning} (/api/v1/openapi.json)"),
    }
}

/// A value as it may be shown: on one line, and short.
fn short(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
