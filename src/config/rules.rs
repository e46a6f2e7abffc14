//! Rules that hold between settings, or that need more than a schema to say. A setting that is wrong already is not
//! held against them.

mod alerts;
mod http;
mod pools;
mod redis;
pub(super) mod spans;
mod workers;

use std::fmt::Display;

use super::findings::Findings;
use super::merged::Merged;
use super::mistake::{Mistake, Origin, Source};
use super::{Config, pointer};

/// Checks them all.
pub(super) fn check(config: &Config, merged: &Merged, has_http_token: bool, findings: &mut Findings) {
    let mut rules = Rules { config, merged, has_http_token, findings };
    rules.limits();
    rules.spans();
    rules.workers();
    rules.pools();
    rules.redis();
    rules.handlers();
    rules.http();
    rules.alerts();
}

struct Rules<'a> {
    config: &'a Config,
    merged: &'a Merged,
    /// Whether the environment brings a token for HTTP.
    has_http_token: bool,
    findings: &'a mut Findings,
}

impl Rules<'_> {
    /// Notes a mistake at a place.
    fn report(&mut self, at: &str, found: impl Into<String>, allowed: impl Into<String>, hint: Option<&str>) {
        let origin = self.merged.origin(at);
        self.report_from(origin, at, found, allowed, hint);
    }

    fn report_from(
        &mut self,
        origin: Origin,
        at: &str,
        found: impl Into<String>,
        allowed: impl Into<String>,
        hint: Option<&str>,
    ) {
        self.findings.mistakes.push(Mistake {
            origin,
            column: None,
            field: pointer::display(at),
            found: found.into(),
            allowed: allowed.into(),
            hint: hint.map(str::to_owned),
        });
    }

    /// Whether all these settings are known: only then they may be compared.
    fn known(&self, paths: &[&str]) -> bool {
        !paths.iter().any(|path| self.findings.is_wrong(&pointer::of_path(path)))
    }

    /// The first is to be less than the second (or equal, where `or_equal`). The one that somebody set is to blame.
    fn ordered<T: PartialOrd + Display>(&mut self, low: &(&str, T), high: &(&str, T), relation: Relation) {
        let right = match relation {
            Relation::Less => low.1 < high.1,
            Relation::LessOrEqual => low.1 <= high.1,
        };
        if right || !self.known(&[low.0, high.0]) {
            return;
        }
        let (below, above) = match relation {
            Relation::Less => ("less than", "more than"),
            Relation::LessOrEqual => ("not more than", "not less than"),
        };
        let at = pointer::of_path(low.0);
        if self.merged.origin(&at).source == Source::BuiltIn {
            let at = pointer::of_path(high.0);
            self.report(&at, high.1.to_string(), format!("{above} {} ({})", low.0, low.1), None);
        } else {
            self.report(&at, low.1.to_string(), format!("{below} {} ({})", high.0, high.1), None);
        }
    }

    fn limits(&mut self) {
        let limits = self.config.autoscaler.limits;
        let thresholds = self.config.autoscaler.thresholds;
        self.ordered(
            &("autoscaler.limits.min_nodes", limits.min_nodes),
            &("autoscaler.limits.max_nodes", limits.max_nodes),
            Relation::LessOrEqual,
        );
        self.ordered(
            &("autoscaler.thresholds.cpu_low", thresholds.cpu_low),
            &("autoscaler.thresholds.cpu_high", thresholds.cpu_high),
            Relation::Less,
        );
        self.ordered(
            &("autoscaler.thresholds.memory_low", thresholds.memory_low),
            &("autoscaler.thresholds.memory_high", thresholds.memory_high),
            Relation::Less,
        );
    }

    fn handlers(&mut self) {
        let handlers = &self.config.autoscaler.events.handlers;
        for at in repeated(handlers) {
            let name = handlers.get(at).map(|handler| handler.name()).unwrap_or_default();
            let at = format!("/autoscaler/events/handlers/{at}");
            self.report(&at, format!("{name} a second time"), "every handler once", None);
        }
    }
}

#[derive(Clone, Copy)]
enum Relation {
    Less,
    LessOrEqual,
}

/// Where a list repeats an item that it has already.
fn repeated<T: PartialEq>(items: &[T]) -> Vec<usize> {
    let seen = |at: usize, item: &T| items.iter().take(at).any(|earlier| earlier == item);
    items.iter().enumerate().filter(|(at, item)| seen(*at, item)).map(|(at, _)| at).collect()
}
