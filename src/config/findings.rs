//! What was found wrong so far, and what a misspelled name probably meant.

use std::collections::BTreeSet;

use super::environment::{HTTP_TOKEN, REDIS_PASSWORD};
use super::mistake::{Mistake, Origin, Source};
use super::pointer;
use super::schema::{root, settings};
use super::shape::{Place, Shape};

/// What was found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The mistakes.
    pub mistakes: Vec<Mistake>,
    /// The places whose value is not known for a mistake.
    pub wrong: BTreeSet<String>,
    /// The places that a misspelled name probably meant: their value is not known either.
    pub meant: BTreeSet<String>,
}

impl Findings {
    /// Whether a mistake leaves this place's value unknown.
    pub(super) fn is_wrong(&self, at: &str) -> bool {
        self.wrong.iter().chain(&self.meant).any(|wrong| pointer::covers(wrong, at) || pointer::covers(at, wrong))
    }

    /// Sorts by source and line.
    pub(super) fn into_sorted(mut self) -> Vec<Mistake> {
        let rank = |source: &Source| match source {
            Source::File(_) => 0,
            Source::Environment(_) => 1,
            Source::Flag(_) => 2,
            Source::BuiltIn => 3,
        };
        self.mistakes.sort_by_key(|mistake| (rank(&mistake.origin.source), mistake.origin.line, mistake.column));
        self.mistakes
    }
}

/// The mistake of setting what does not exist.
pub(super) fn unknown_setting(origin: Origin, at: &str, findings: &mut Findings) -> Mistake {
    let segments: Vec<String> = pointer::segments(at).collect();
    let name = segments.last().cloned().unwrap_or_default();
    // The innermost group that does exist.
    let mut groups = std::iter::successors(pointer::parent(at), |at| pointer::parent(at));
    let names_in = |group| match Place::at(root(), group)?.shape {
        Shape::Group(names) => Some((group, names)),
        _ => None,
    };
    let (group, siblings) = groups.find_map(names_in).unwrap_or_default();
    let hint = if ["password", "secret", "token"].iter().any(|word| name.to_ascii_lowercase().contains(word)) {
        Some(if at.starts_with("/http") {
            format!("secrets are not written here: name a file in `token_file`, or set {HTTP_TOKEN}")
        } else {
            format!("secrets are not written here: name a file in `redis.password_file`, or set {REDIS_PASSWORD}")
        })
    } else {
        let sibling = nearest(&name, siblings.iter().map(String::as_str)).map(|sibling| pointer::join(group, sibling));
        let elsewhere =
            || settings().iter().map(|s| s.pointer.clone()).find(|s| s.ends_with(&pointer::join("", &name)));
        let meant = sibling.or_else(elsewhere);
        findings.meant.extend(meant.clone());
        meant.map(|meant| format!("did you mean `{}`?", pointer::display(&meant)))
    };
    Mistake {
        origin,
        column: None,
        field: pointer::display(at),
        found: format!("a setting that does not exist ({name:?})"),
        allowed: siblings.join(", "),
        hint,
    }
}

/// The candidate that is spelled nearly the same; `None` where none is near.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    // Comparing is quadratic, and a name of thousands of letters is no misspelling.
    if word.len() > 100 {
        return None;
    }
    let near = (word.chars().count() / 3).max(1);
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= near)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
