//! Scenario files: found by name or path, read, and checked; all mistakes are told at once.

use std::path::Path;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde_json::{Map, Number, Value};

use super::incident::Incident;
use super::incident_file::{misshapen, out_of_bounds};
use super::scenario::{Phase, Scenario};
use crate::config::Span;

/// The scenarios that are built in.
const BUILT_IN: [(&str, &str); 4] = [
    ("default", include_str!("../../../assets/scenarios/default.yaml")),
    ("quiet", include_str!("../../../assets/scenarios/quiet.yaml")),
    ("flapping", include_str!("../../../assets/scenarios/flapping.yaml")),
    ("night", include_str!("../../../assets/scenarios/night.yaml")),
];

/// What runs if none is named.
const UNNAMED: &str = "quiet";

const LONGEST: Span = Span::seconds(366 * 86_400);
const SHORTEST_LOOP: Span = Span::seconds(1);
const MOST: f64 = 10_000.0;

/// The scenario of this name or path.
///
/// # Errors
/// Every mistake, one a line, with where it is and what is allowed.
pub fn load(scenario: Option<&str>) -> Result<Scenario, String> {
    let name = scenario.unwrap_or(UNNAMED);
    if let Some((_, text)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
        return parse(text).map_err(|mistakes| told(name, &mistakes));
    }
    let is_yaml = Path::new(name)
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("yaml") || end.eq_ignore_ascii_case("yml"));
    if !is_yaml && !name.contains('/') {
        let names = BUILT_IN.map(|(name, _)| name).join(", ");
        return Err(format!(
            "`cluster.simulated.scenario`: there is no scenario {name:?}: write one of {names}, or the path of a file"
        ));
    }
    let text = std::fs::read_to_string(name)
        .map_err(|error| format!("`cluster.simulated.scenario`: {name} cannot be read: {error}"))?;
    parse(&text).map_err(|mistakes| told(name, &mistakes))
}

fn told(name: &str, mistakes: &[String]) -> String {
    format!("the scenario {name}: {}", mistakes.join("; "))
}

/// A scenario from its text.
///
/// # Errors
/// Every mistake, with its line and field.
pub fn parse(text: &str) -> Result<Scenario, Vec<String>> {
    let documents = MarkedYaml::load_from_str(text).map_err(|error| vec![format!("this is not YAML: {error}")])?;
    let [document] = documents.as_slice() else {
        return Err(vec!["write exactly one YAML document".to_owned()]);
    };
    let Value::Object(mut fields) = to_json(document) else {
        return Err(vec!["write fields like `name: …` and `phases: [ … ]`".to_owned()]);
    };
    let mut mistakes = Vec::new();
    let phases: Vec<Phase> = list(document, &mut fields, "phases", &mut mistakes, |_| None);
    let incidents: Vec<Incident> = list(document, &mut fields, "incidents", &mut mistakes, misshapen);
    fields.insert("phases".to_owned(), Value::Array(Vec::new()));
    match serde_json::from_value::<Scenario>(Value::Object(fields)) {
        Ok(scenario) => {
            let scenario = Scenario { phases, incidents, ..scenario };
            // What the lists lack because it was wrong must not be told a second time.
            if mistakes.is_empty() {
                check(&scenario, &mut mistakes);
            }
            if mistakes.is_empty() { Ok(scenario) } else { Err(mistakes) }
        }
        Err(error) => {
            mistakes.push(error.to_string());
            Err(mistakes)
        }
    }
}

/// Takes the list `field` out of `fields`, item by item, so that a mistake can be told with its item and line.
fn list<T: serde::de::DeserializeOwned>(
    document: &MarkedYaml<'_>,
    fields: &mut Map<String, Value>,
    field: &str,
    mistakes: &mut Vec<String>,
    wrong: impl Fn(&Value) -> Option<String>,
) -> Vec<T> {
    let items = match fields.remove(field) {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(items)) => items,
        Some(_) => {
            mistakes.push(format!("`{field}`: write a list, each item beginning with `- `"));
            return Vec::new();
        }
    };
    let mut read = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let result = match wrong(&item) {
            Some(mistake) => Err(mistake),
            None => serde_json::from_value(item).map_err(|error| error.to_string()),
        };
        match result {
            Ok(item) => read.push(item),
            Err(mistake) => {
                let line = line_of(document, field, index).map(|line| format!(" (line {line})")).unwrap_or_default();
                mistakes.push(format!("`{field}[{index}]`{line}: {mistake}"));
            }
        }
    }
    read
}

/// What the types cannot say.
fn check(scenario: &Scenario, mistakes: &mut Vec<String>) {
    let mut wrong = |mistake: String| mistakes.push(mistake);
    if scenario.phases.is_empty() {
        wrong("`phases`: write at least one, like `- { at: 0s, cpu_demand: 1.0, memory_demand: 1.0 }`".to_owned());
    }
    let end = scenario.loop_after.unwrap_or(LONGEST);
    if scenario.loop_after.is_some_and(|end| !(SHORTEST_LOOP..=LONGEST).contains(&end)) {
        wrong(format!("`loop_after` is {end}: from {SHORTEST_LOOP} to {LONGEST} is allowed"));
    }
    for (field, span) in [("startup", scenario.startup), ("drain", scenario.drain)] {
        if span > LONGEST {
            wrong(format!("`{field}` is {span}: at the most {LONGEST} is allowed"));
        }
    }
    let mut before: Option<Span> = None;
    for (index, phase) in scenario.phases.iter().enumerate() {
        let at = phase.at;
        match before {
            None if at > Span::seconds(0) => {
                wrong(format!("`phases[{index}].at` is {at}: the first phase begins at 0s"));
            }
            Some(before) if at <= before => {
                wrong(format!("`phases[{index}].at` is {at}: later than the phase before ({before}) is allowed"));
            }
            _ => {}
        }
        before = Some(at);
        if at >= end {
            wrong(format!("`phases[{index}].at` is {at}: before the end of the round ({end}) is allowed"));
        }
        for (field, demand) in [("cpu_demand", phase.cpu_demand), ("memory_demand", phase.memory_demand)] {
            if !(0.0..=MOST).contains(&demand) {
                wrong(format!("`phases[{index}].{field}` is {demand}: from 0 to {MOST} workers is allowed"));
            }
        }
        if phase.pending.as_ref().is_some_and(|pending| pending.per_worker == 0) {
            wrong(format!("`phases[{index}].pending.per_worker` is 0: at least 1 is allowed"));
        }
    }
    for (index, incident) in scenario.incidents.iter().enumerate() {
        mistakes.extend(out_of_bounds(index, incident, end));
    }
}

fn to_json(node: &MarkedYaml<'_>) -> Value {
    match &node.data {
        YamlData::Value(Scalar::Boolean(value)) => Value::Bool(*value),
        YamlData::Value(Scalar::Integer(value)) => Value::from(*value),
        YamlData::Value(Scalar::FloatingPoint(value)) => {
            Number::from_f64(value.into_inner()).map_or(Value::Null, Value::Number)
        }
        YamlData::Value(Scalar::String(value)) => Value::String(value.to_string()),
        YamlData::Sequence(items) => items.iter().map(to_json).collect(),
        YamlData::Mapping(fields) => {
            let name = |key: &MarkedYaml<'_>| match to_json(key) {
                Value::String(name) => name,
                other => other.to_string(),
            };
            Value::Object(fields.iter().map(|(key, value)| (name(key), to_json(value))).collect())
        }
        YamlData::Tagged(_, inner) => to_json(inner),
        YamlData::Value(Scalar::Null) | YamlData::Representation(..) | YamlData::Alias(_) | YamlData::BadValue => {
            Value::Null
        }
    }
}

/// The line, from 1, on which an item of a list begins.
fn line_of(document: &MarkedYaml<'_>, field: &str, index: usize) -> Option<usize> {
    let fields = document.data.as_mapping()?;
    let (_, list) = fields.iter().find(|(key, _)| key.data.as_str() == Some(field))?;
    Some(list.data.as_sequence()?.get(index)?.span.start.line())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_scenario_is_right() {
        for (name, text) in BUILT_IN {
            let scenario = parse(text).unwrap_or_else(|mistakes| panic!("{name}: {mistakes:?}"));
            assert_eq!(scenario.name, name);
            assert!(!scenario.description.is_empty());
        }
        assert_eq!(load(None).unwrap().name, "quiet");
    }

    #[test]
    fn the_worlds_file_holds_a_scenario_unchanged() {
        for (name, text) in BUILT_IN {
            let scenario = parse(text).unwrap();
            let stored = serde_json::to_string(&scenario).unwrap();
            assert_eq!(serde_json::from_str::<Scenario>(&stored).unwrap(), scenario, "{name}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let told = load(Some("defualt")).unwrap_err();
        assert!(told.contains("default, quiet, flapping, night"), "{told}");
        assert!(load(Some("/no/such/file.yaml")).unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn all_mistakes_are_told_with_their_place() {
        let text = "name: bad\nphases:\n  - { at: 0s, cpu_demand: 1, memory_demand: 1 }\n  - { at: 5s, cpu: 1, memory_demand: 1 }\n\
                    incidents:\n  - { at: 3s, crash: 1, unhealthy: { count: 1, for: 5s } }\n  - { at: soon, crash: 1 }\n\
                    \x20 - { at: 3s, crash: { worker: 7 } }\n  - { at: 3s, explode: 1 }\n";
        let mistakes = parse(text).unwrap_err();
        let expect = [
            ("`phases[1]` (line 4)", "cpu_demand"),
            ("`incidents[0]` (line 6)", "one of"),
            ("`incidents[1]` (line 7)", "not a duration"),
            ("`incidents[2]` (line 8)", "youngest"),
            ("`incidents[3]` (line 9)", "explode"),
        ];
        assert_eq!(mistakes.len(), expect.len(), "{mistakes:#?}");
        for (mistake, (place, hint)) in mistakes.iter().zip(expect) {
            assert!(mistake.starts_with(place) && mistake.contains(hint), "{mistake}");
        }
    }

    #[test]
    fn what_the_types_cannot_say_is_checked() {
        let mistaken =
            |phases: &str, rest: &str| parse(&format!("name: x\nphases: {phases}\n{rest}")).unwrap_err().join("\n");
        assert!(mistaken("[]", "").contains("at least one"));
        assert!(mistaken("[{at: 3s, cpu_demand: 1, memory_demand: 1}]", "").contains("begins at 0s"));
        assert!(mistaken("[{at: 0s, cpu_demand: -1, memory_demand: 1}]", "").contains("`phases[0].cpu_demand` is -1"));
        let two = "[{at: 0s, cpu_demand: 1, memory_demand: 1}, {at: 0s, cpu_demand: 1, memory_demand: 1}]";
        assert!(mistaken(two, "").contains("later than the phase before"));
        let one = "[{at: 0s, cpu_demand: 1, memory_demand: 1}]";
        assert!(
            mistaken(one, "loop_after: 5s\nincidents: [{at: 5s, crash: 1}]").contains("before the end of the round")
        );
        assert!(mistaken(one, "loop_after: 0").contains("`loop_after` is"));
        assert!(mistaken(one, "lop_after: 5s").contains("unknown field `lop_after`"));
        assert!(parse("- 1").unwrap_err()[0].contains("write fields"));
        assert!(parse("a: [").unwrap_err()[0].contains("not YAML"));
    }
}
