//! What is wrong with an incident as a scenario file has it.

use serde_json::{Map, Value};

use super::incident::{Incident, Trouble};
use crate::config::Span;

/// The fields, each a trouble, and how to write it.
const TROUBLES: [(&str, &str); 6] = [
    ("crash", "`crash: N` or `crash: { worker: youngest }`"),
    ("unhealthy", "`unhealthy: { count: N, for: T }`"),
    ("slow_start", "`slow_start: { startup: T, for: T }`"),
    ("failing_start", "`failing_start: { for: T }` or `failing_start: { for: T, refuse: true }`"),
    ("unreachable", "`unreachable: { for: T }`"),
    ("stray", "`stray: N`"),
];

/// So many strays come together at the most.
const MOST_STRAYS: u32 = 100;

/// An incident is a time and exactly one trouble, each written in its way.
pub(super) fn misshapen(item: &Value) -> Option<String> {
    let allowed = || format!("write `at` and one of {}", TROUBLES.map(|(_, how)| how).join(", "));
    let Some(fields) = item.as_object() else { return Some(allowed()) };
    if let Some(unknown) = fields.keys().find(|key| *key != "at" && how_to_write(key).is_none()) {
        return Some(format!("unknown field `{unknown}`: {}", allowed()));
    }
    let mut troubles = fields.iter().filter_map(|(key, trouble)| Some((key, trouble, how_to_write(key)?)));
    let (Some((key, trouble, how)), None, true) = (troubles.next(), troubles.next(), fields.contains_key("at")) else {
        return Some(allowed());
    };
    match (key.as_str(), trouble) {
        ("crash", trouble) if !is_count(trouble) && !names_one(trouble) => Some(
            "`crash`: write a number of workers, or { worker: W } with youngest, oldest, random or a worker's name"
                .to_owned(),
        ),
        ("stray", trouble) if !is_count(trouble) => Some(format!("`stray`: write a number of containers: {how}")),
        ("crash" | "stray", _) => None,
        (_, Value::Object(parts)) => wrong_part(key, parts, how),
        _ => Some(format!("`{key}`: write {how}")),
    }
}

fn how_to_write(trouble: &str) -> Option<&'static str> {
    TROUBLES.iter().find(|(name, _)| *name == trouble).map(|(_, how)| *how)
}

fn is_count(value: &Value) -> bool {
    value.as_u64().is_some_and(|count| u32::try_from(count).is_ok())
}

fn names_one(value: &Value) -> bool {
    value.as_object().is_some_and(|one| one.len() == 1 && one.get("worker").is_some_and(Value::is_string))
}

/// A part that is missing, unknown or of the wrong kind. What is inside a time is told where that is read.
fn wrong_part(trouble: &str, parts: &Map<String, Value>, how: &str) -> Option<String> {
    let needed: &[&str] = match trouble {
        "unhealthy" => &["count", "for"],
        "slow_start" => &["startup", "for"],
        _ => &["for"],
    };
    let optional = if trouble == "failing_start" { "refuse" } else { "" };
    if let Some(unknown) = parts.keys().find(|key| !needed.contains(&key.as_str()) && *key != optional) {
        return Some(format!("unknown field `{trouble}.{unknown}`: write {how}"));
    }
    if let Some(missing) = needed.iter().find(|part| !parts.contains_key(**part)) {
        return Some(format!("`{trouble}.{missing}` is missing: write {how}"));
    }
    let of_wrong_kind = |(part, value): (&String, &Value)| match part.as_str() {
        "count" => (!is_count(value)).then_some("a number of workers"),
        "refuse" => (!value.is_boolean()).then_some("true or false"),
        _ => None,
    };
    let (part, expected) = parts.iter().find_map(|part| Some((part.0, of_wrong_kind(part)?)))?;
    Some(format!("`{trouble}.{part}` is {}: {expected} is allowed", parts[part]))
}

/// What the types cannot say of the incident `index`, in a round that ends at `end`.
pub(super) fn out_of_bounds(index: usize, incident: &Incident, end: Span) -> Vec<String> {
    let mut mistakes = Vec::new();
    let mut wrong = |field: &str, is: String, allowed: String| {
        mistakes.push(format!("`incidents[{index}].{field}` {is}: {allowed} is allowed"));
    };
    if incident.at >= end {
        wrong("at", format!("is {}", incident.at), format!("before the end of the round ({end})"));
    }
    let name = match &incident.what {
        Trouble::Crash(_) => "crash",
        Trouble::Stray(count) => {
            if !(1..=MOST_STRAYS).contains(count) {
                wrong("stray", format!("is {count}"), format!("from 1 to {MOST_STRAYS}"));
            }
            "stray"
        }
        Trouble::Unhealthy(_) => "unhealthy",
        Trouble::SlowStart(slow) => {
            if slow.startup > end {
                wrong("slow_start.startup", format!("is {}", slow.startup), format!("at the most a round ({end})"));
            }
            "slow_start"
        }
        Trouble::FailingStart(_) => "failing_start",
        Trouble::Unreachable(_) => "unreachable",
    };
    if let Some(lasts) = incident.what.lasts() {
        let field = format!("{name}.for");
        if lasts.get().is_zero() {
            wrong(&field, "is 0s".to_owned(), "a time longer than that".to_owned());
        } else if lasts > end {
            wrong(&field, format!("is {lasts}"), format!("at the most a round ({end})"));
        }
    }
    mistakes
}

#[cfg(test)]
mod tests {
    use super::super::scenario_file::parse;

    fn mistake(incident: &str) -> String {
        let text = format!(
            "name: x\nloop_after: 60s\nphases: [{{ at: 0s, cpu_demand: 1, memory_demand: 1 }}]\nincidents:\n  - {incident}"
        );
        parse(&text).map_or_else(|mistakes| mistakes.join("\n"), |_| "none".to_owned())
    }

    #[test]
    fn each_way_to_write_one_is_right() {
        for right in [
            "unreachable: { for: 4s }",
            "unreachable: { for: 60s }",
            "stray: 1",
            "failing_start: { for: 8s }",
            "failing_start: { for: 8s, refuse: true }",
            "slow_start: { startup: 9s, for: 12s }",
            "unhealthy: { count: 1, for: 10 }",
            "crash: { worker: oldest }",
        ] {
            assert_eq!(mistake(&format!("{{ at: 3s, {right} }}")), "none", "{right}");
        }
    }

    #[test]
    fn a_wrong_one_is_told_with_its_place_and_what_is_allowed() {
        for (wrong, place, hint) in [
            ("at: 3s, unreachable: 4s", "`unreachable`", "`unreachable: { for: T }`"),
            ("at: 3s, unreachable: { four: 4s }", "unknown field `unreachable.four`", "{ for: T }"),
            ("at: 3s, unreachable: {}", "`unreachable.for` is missing", "{ for: T }"),
            ("at: 3s, unreachable: { for: soon }", "`incidents[0]` (line 5)", "not a duration"),
            ("at: 3s, unreachable: { for: 0s }", "`incidents[0].unreachable.for` is 0s", "longer"),
            ("at: 3s, unreachable: { for: 2m }", "`incidents[0].unreachable.for` is 2m", "a round (1m)"),
            ("at: 60s, unreachable: { for: 2s }", "`incidents[0].at` is 1m", "before the end of the round (1m)"),
            ("at: 3s, stray: 0", "`incidents[0].stray` is 0", "from 1 to 100"),
            ("at: 3s, stray: 101", "`incidents[0].stray` is 101", "from 1 to 100"),
            ("at: 3s, stray: -1", "`stray`", "a number of containers"),
            ("at: 3s, stray: { count: 1 }", "`stray`", "`stray: N`"),
            ("at: 3s, failing_start: { refuse: true }", "`failing_start.for` is missing", "refuse: true"),
            ("at: 3s, failing_start: { for: 3s, refuse: 1 }", "`failing_start.refuse` is 1", "true or false"),
            ("at: 3s, failing_start: { for: 90s }", "`incidents[0].failing_start.for` is 1m 30s", "a round"),
            ("at: 3s, slow_start: { startup: 2m, for: 3s }", "`incidents[0].slow_start.startup` is 2m", "a round"),
            ("at: 3s, unhealthy: { count: x, for: 3s }", "`unhealthy.count` is \"x\"", "a number of workers"),
            ("at: 3s, stray: 1, unreachable: { for: 4s }", "(line 5)", "write `at` and one of"),
            ("stray: 1", "(line 5)", "write `at` and one of"),
            ("at: 3s, starry: 1", "unknown field `starry`", "`stray: N`"),
        ] {
            let told = mistake(&format!("{{ {wrong} }}"));
            assert!(told.contains(place) && told.contains(hint), "{wrong}: {told}");
        }
    }
}
