//! Metrics in the Prometheus text format: what is counted from the event stream ([`fold`]), and what is read at each scrape ([`scrape`]).
//!
//! Every replica serves the same: nothing here asks who leads. What is unknown is absent, never zero. How often a handler tried again
//! is known to the leader's memory alone, so there is no such metric; what came of it is (`windlass_dead_letters`).

mod fold;
mod operations;
mod scrape;
mod sheet;

use prometheus::proto::MetricFamily;
use prometheus::{Encoder, Registry, TextEncoder};

pub(super) use fold::Fold;
pub(super) use scrape::Facts;

/// The media type of the text format.
pub(super) const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The metrics of this process.
pub(super) struct Metrics {
    counted: Registry,
}

impl Metrics {
    /// Metrics that count nothing yet, and the fold that counts.
    pub(super) fn new() -> prometheus::Result<(Self, Fold)> {
        let counted = Registry::new();
        let fold = Fold::new(&counted)?;
        Ok((Self { counted }, fold))
    }

    /// The text of one scrape.
    pub(super) fn text(&self, facts: &Facts<'_>) -> prometheus::Result<String> {
        let mut families: Vec<MetricFamily> = self.counted.gather();
        families.extend(scrape::families(facts)?);
        families.sort_by(|a, b| a.name().cmp(b.name()));
        let mut text = Vec::new();
        TextEncoder::new().encode(&families, &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}
