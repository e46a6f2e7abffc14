//! Medians and tails.

use std::time::Duration;

/// Measured times, sorted.
pub struct Times(Vec<Duration>);

impl Times {
    /// Sorts them.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self(times)
    }

    /// The time that `percent` of them do not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        let index = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(index).copied().unwrap_or_default()
    }

    /// One line: p50, p99, the most, and p50 and p99 as ratios of another's.
    pub fn print(&self, name: &str, raw: &Self) {
        let ratio = |percent| self.percentile(percent).as_secs_f64() / raw.percentile(percent).as_secs_f64();
        println!(
            "  {name:<44} p50 {:>8.3} ms ({:>5.2}x)   p99 {:>8.3} ms ({:>5.2}x)   max {:>8.3} ms   n {}",
            ms(self.percentile(50)),
            ratio(50),
            ms(self.percentile(99)),
            ratio(99),
            ms(self.percentile(100)),
            self.0.len(),
        );
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
