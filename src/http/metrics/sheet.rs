//! What is written down at one scrape and forgotten after it.

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, GaugeVec, Opts, Result};

/// The families of one scrape.
#[derive(Default)]
pub(super) struct Sheet(Vec<MetricFamily>);

impl Sheet {
    /// A gauge with labels. A value that is unknown leaves no trace.
    pub(super) fn gauges<'a, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&str; N],
        values: impl IntoIterator<Item = ([&'a str; N], Option<f64>)>,
    ) -> Result<()> {
        let gauges = GaugeVec::new(Opts::new(name, help), &labels)?;
        for (labels, value) in values {
            if let Some(value) = value {
                gauges.with_label_values(&labels).set(value);
            }
        }
        self.take(&gauges);
        Ok(())
    }

    /// A gauge without labels.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: impl Into<Option<f64>>) -> Result<()> {
        self.gauges(name, help, [], [([], value.into())])
    }

    /// A counter that somebody else keeps; with labels.
    pub(super) fn counters<'a, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&str; N],
        values: impl IntoIterator<Item = ([&'a str; N], u64)>,
    ) -> Result<()> {
        let counters = CounterVec::new(Opts::new(name, help), &labels)?;
        for (labels, value) in values {
            counters.with_label_values(&labels).inc_by(value as f64);
        }
        self.take(&counters);
        Ok(())
    }

    /// What was written down.
    pub(super) fn into_families(self) -> Vec<MetricFamily> {
        self.0
    }

    fn take(&mut self, collector: &impl Collector) {
        self.0.extend(collector.collect().into_iter().filter(|family| !family.get_metric().is_empty()));
    }
}
