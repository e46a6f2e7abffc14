//! Numbers as a person reads them: short, and of a width that does not jump. Pure; used by the cockpit and the command line.

use chrono::{DateTime, TimeDelta, Utc};
pub use windlass::model::words::{count, plural, seconds, span};

/// What is printed where nothing is known.
pub const UNKNOWN: &str = "–";

/// How long ago `then` was, as [`span`] writes it.
#[must_use]
pub fn age(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    span(now - then)
}

/// How long it still takes until `then`; rounded up, so that a countdown never shows `0s` before its end.
#[must_use]
pub fn left(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    span(then - now + TimeDelta::milliseconds(999))
}

/// A whole percentage, `61%`; [`UNKNOWN`] where it is not known.
#[must_use]
pub fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| format!("{value:.0}%"))
}

/// Bytes in at most five characters: `512B`, `12.4M`, `256M`, `1.5G`. Units are powers of 1024.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "K", "M", "G", "T"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 99.95 || (value.fract() < 0.05 && value >= 1.0) {
        format!("{value:.0}{}", UNITS[unit])
    } else {
        format!("{value:.1}{}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_stay_within_six_characters() {
        let cases = [
            (-5, "0s"),
            (0, "0s"),
            (59, "59s"),
            (252, "4m12s"),
            (3599, "59m59s"),
            (11_220, "3h07m"),
            (86_399, "23h59m"),
            (273_600, "3d04h"),
            (8_639_999, "99d23h"),
            (10_368_000, "120d"),
        ];
        for (seconds, text) in cases {
            assert_eq!(span(TimeDelta::seconds(seconds)), text);
            assert!(text.len() <= 6);
        }
    }

    #[test]
    fn a_countdown_is_not_zero_before_its_end() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        assert_eq!(left(now + TimeDelta::milliseconds(1), now), "1s");
        assert_eq!(left(now + TimeDelta::seconds(60), now), "1m00s");
        assert_eq!(left(now, now), "0s");
    }

    #[test]
    fn short_lengths_have_a_decimal() {
        assert_eq!(seconds(4.23), "4.2s");
        assert_eq!(seconds(300.0), "5m00s");
        assert_eq!(seconds(0.0), "0s");
        assert_eq!(seconds(f64::NAN), "0s");
    }

    #[test]
    fn bytes_are_short() {
        let cases = [
            (0, "0B"),
            (999, "999B"),
            (1000, "1.0K"),
            (13_002_342, "12.4M"),
            (256 << 20, "256M"),
            (1_610_612_736, "1.5G"),
            (u64::MAX, "16777216T"),
        ];
        for (value, text) in cases {
            assert_eq!(bytes(value), text, "{value}");
        }
    }

    #[test]
    fn unknown_is_never_zero() {
        assert_eq!(percent(None), UNKNOWN);
        assert_eq!(percent(Some(0.0)), "0%");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(plural(1, "worker"), "1 worker");
        assert_eq!(plural(2, "worker"), "2 workers");
    }
}
