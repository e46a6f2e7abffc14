//! Events of a time without Redis that lie in files: what becomes of them.

use std::fmt::Display;

use windlass::engine::{Leftover, LeftoverKind, leftovers};
use windlass_ui::format;

use super::check::Check;
use crate::cli::settings::Settings;

const NAME: &str = "outbox";

/// One check for every file; one that all is well where there is none.
pub fn checks(settings: &Settings) -> Vec<Check> {
    match leftovers(settings.data_dir(), &settings.config.cluster.id) {
        Ok(files) if files.is_empty() => vec![Check::ok(NAME, "nothing waits to be recorded")],
        Ok(files) => files.iter().map(check).collect(),
        Err(error) => {
            let found =
                format!("what waits to be recorded in {} cannot be read: {error}", settings.data_dir().display());
            vec![Check::problem(NAME, found, "correct the owner of this directory and of those in it (chown)")]
        }
    }
}

fn check(file: &Leftover) -> Check {
    let path = file.path.display();
    let what = || {
        let events = file.events.map(|count| format::plural(count as u64, "event")).unwrap_or_default();
        let since = file.since.map(|since| format!(" since {} UTC", since.format("%Y-%m-%d %H:%M:%S")));
        format!("{events} of a time without Redis{}", since.unwrap_or_default())
    };
    let told = |found: &dyn Display, remedy: &str| Check::warning(NAME, format_args!("{path}: {found}"), remedy);
    match &file.kind {
        LeftoverKind::Waiting => told(
            &format!("{}, and whoever kept them is gone", what()),
            "start windlass with its Redis: it records them",
        ),
        LeftoverKind::InUse => told(
            &"a windlass that runs keeps events of a time without Redis there",
            "get Redis to work again: they are recorded then",
        ),
        LeftoverKind::Abandoned => told(
            &format!("{}, not recorded since another replica led meanwhile", what()),
            "look at it, then remove it; it was another Redis's? take .abandoned off its name, and start windlass with that one",
        ),
        LeftoverKind::Unreadable(why) => {
            told(why, "start the windlass that wrote it with its Redis, or move the file away")
        }
    }
}
