//! One source's share of the configuration, before it is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value};

use super::environment::{NOT_SETTINGS, PREFIX, value_of, variable};
use super::findings::{Findings, nearest, unknown_setting};
use super::mistake::{Mistake, Origin, Source};
use super::schema::{Setting, settings};
use super::yaml::Document;
use super::{pointer, yaml};

/// What one source sets.
#[derive(Debug)]
pub(super) struct Layer {
    /// The source.
    pub source: Source,
    /// What it sets, as a document with holes.
    pub value: Value,
    /// The lines of the places in it, where it has lines.
    pub lines: BTreeMap<String, usize>,
    /// Places that could not be read and are reported already.
    pub unreadable: BTreeSet<String>,
}

impl Layer {
    /// A file's text; none where its syntax is broken. What a repeated key sets is a layer of its own.
    pub(super) fn from_file(path: &Path, text: &str, findings: &mut Findings) -> Vec<Self> {
        let source = Source::File(path.to_owned());
        let mut document = yaml::parse(text);
        let repeats = std::mem::take(&mut document.repeats);
        let documents = std::iter::once(document).chain(repeats);
        documents.filter_map(|document| Self::from_document(&source, document, findings)).collect()
    }

    fn from_document(source: &Source, document: Document, findings: &mut Findings) -> Option<Self> {
        let mut unreadable = BTreeSet::new();
        for flaw in document.flaws {
            findings.mistakes.push(Mistake {
                origin: Origin { source: source.clone(), line: Some(flaw.line) },
                column: Some(flaw.column),
                field: pointer::display(&flaw.pointer),
                found: flaw.found,
                allowed: flaw.allowed.to_owned(),
                hint: flaw.hint,
            });
            findings.wrong.insert(flaw.pointer.clone());
            // Null stands for what could not be read; of anything else there is more to check.
            let value = document.value.as_ref().and_then(|value| value.pointer(&flaw.pointer));
            if value.is_none_or(Value::is_null) {
                unreadable.insert(flaw.pointer);
            }
        }
        let value = match document.value? {
            Value::Null => Value::Object(Map::new()),
            value => value,
        };
        Some(Self { source: source.clone(), value, lines: document.lines, unreadable })
    }

    /// Every variable, of those under our prefix, that names a setting; those that name nothing are mistakes.
    pub(super) fn from_environment(variables: &BTreeMap<String, String>, findings: &mut Findings) -> Vec<Self> {
        variables
            .iter()
            .filter(|(name, _)| !NOT_SETTINGS.iter().any(|(other, _)| other == name))
            .filter_map(|(name, text)| {
                let source = Source::Environment(name.clone());
                let Some(setting) = settings().iter().find(|setting| variable(&setting.path) == *name) else {
                    findings.mistakes.push(unknown_variable(source, name));
                    return None;
                };
                Self::from_text(source, setting, text, findings)
            })
            .collect()
    }

    /// Settings that the command line overrides, by path.
    pub(super) fn from_flags(flags: &[(String, String)], findings: &mut Findings) -> Vec<Self> {
        flags
            .iter()
            .filter_map(|(path, text)| {
                let source = Source::Flag(path.clone());
                let Some(setting) = settings().iter().find(|setting| setting.path == *path) else {
                    let at = pointer::of_path(path);
                    let mistake = unknown_setting(Origin { source, line: None }, &at, findings);
                    findings.mistakes.push(mistake);
                    return None;
                };
                Self::from_text(source, setting, text, findings)
            })
            .collect()
    }

    fn from_text(source: Source, setting: &Setting, text: &str, findings: &mut Findings) -> Option<Self> {
        let Some(value) = value_of(&setting.place, text) else {
            findings.mistakes.push(Mistake {
                origin: Origin { source, line: None },
                column: None,
                field: setting.path.clone(),
                // The text may hold a secret (`workers.env`).
                found: "text that cannot be read".to_owned(),
                allowed: setting.allowed(),
                hint: Some("write a list as `a,b` or `[a, b]`, a group as `{a: b}`".to_owned()),
            });
            findings.wrong.insert(setting.pointer.clone());
            return None;
        };
        let (lines, unreadable) = (BTreeMap::new(), BTreeSet::new());
        Some(Self { source, value: pointer::nest(&setting.pointer, value), lines, unreadable })
    }

    /// Where in this source a place is set: its line, or that of what holds it.
    pub(super) fn origin(&self, at: &str) -> Origin {
        let mut up = std::iter::successors(Some(at), |at| pointer::parent(at));
        let line = up.find_map(|at| self.lines.get(at)).copied();
        Origin { source: self.source.clone(), line }
    }
}

fn unknown_variable(source: Source, name: &str) -> Mistake {
    let known = settings().iter().map(|setting| variable(&setting.path));
    let known: Vec<String> = known.chain(NOT_SETTINGS.iter().map(|(name, _)| (*name).to_owned())).collect();
    let hint = match nearest(name, known.iter().map(String::as_str)) {
        Some(known) => format!("did you mean {known}?"),
        None => "unset it, if it was not meant for windlass".to_owned(),
    };
    Mistake {
        origin: Origin { source, line: None },
        column: None,
        field: String::new(),
        found: "a variable that names no setting".to_owned(),
        allowed: format!("{PREFIX} and the path of a setting, in capitals, with `_` for the dots"),
        hint: Some(hint),
    }
}
