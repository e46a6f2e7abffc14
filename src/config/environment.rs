//! Settings from text: the environment's variables and the command line's flags.

use serde_json::Value;

use super::schema::settings;
use super::shape::{Place, Shape};
use super::yaml;

/// What the names of the variables begin with.
pub const PREFIX: &str = "WINDLASS_";

/// The variable that holds the Redis password.
pub const REDIS_PASSWORD: &str = "WINDLASS_REDIS_PASSWORD";

/// The variable that holds a bearer token for commands over HTTP.
pub const HTTP_TOKEN: &str = "WINDLASS_HTTP_TOKEN";

/// Variables under the prefix that are no settings, and what they are.
pub const NOT_SETTINGS: [(&str, &str); 5] = [
    ("WINDLASS_CONFIG", "The configuration file, where no flag names one."),
    (REDIS_PASSWORD, "The Redis password; wins over `redis.password_file`."),
    (HTTP_TOKEN, "A bearer token for the HTTP API with the role operator; its commands carry the name `operator`."),
    ("WINDLASS_REQUIRE_REAL", "For the tests: a part (Redis, Docker) that is missing is a failure."),
    ("WINDLASS_BLESS", "For the tests: write the generated documentation instead of comparing it."),
];

/// The variable of a setting: `autoscaler.limits.min_nodes` is `WINDLASS_AUTOSCALER_LIMITS_MIN_NODES`.
#[must_use]
pub fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', "_").to_ascii_uppercase())
}

/// Every variable with its setting's path and what it does. Those that are no settings come last, with an empty path.
#[must_use]
pub fn environment_table() -> Vec<(String, String, String)> {
    let of_settings = settings().iter().map(|s| (variable(&s.path), s.path.clone(), s.description.clone()));
    let others = NOT_SETTINGS.iter().map(|(name, what)| ((*name).to_owned(), String::new(), (*what).to_owned()));
    of_settings.chain(others).collect()
}

/// The value that a text stands for at this place; `None` where it would have to be YAML and is not. Whether the value
/// is allowed there is not judged here.
pub(super) fn value_of(place: &Place, text: &str) -> Option<Value> {
    let trimmed = text.trim();
    if place.nullable && matches!(trimmed, "" | "null" | "~") {
        return Some(Value::Null);
    }
    match &place.shape {
        Shape::Text(_) | Shape::Choice(_) => Some(Value::String(text.to_owned())),
        Shape::List(_) if trimmed.is_empty() => Some(Value::Array(Vec::new())),
        Shape::List(item) if !trimmed.starts_with('[') => {
            let item = Place { shape: (**item).clone(), nullable: false };
            trimmed.split(',').map(|part| value_of(&item, part.trim())).collect::<Option<_>>().map(Value::Array)
        }
        Shape::Map(_) if trimmed.is_empty() => Some(Value::Object(serde_json::Map::new())),
        Shape::List(_) | Shape::Map(_) | Shape::Group(_) => yaml::inline(trimmed),
        Shape::Boolean | Shape::Whole(_) | Shape::Number(_) | Shape::Quantity(_) => {
            // A scalar, or else text that the check then refuses with what was found.
            let scalar = yaml::inline(trimmed).filter(|value| value.is_number() || value.is_boolean());
            Some(scalar.unwrap_or_else(|| Value::String(text.to_owned())))
        }
    }
}
