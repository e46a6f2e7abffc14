//! Numbers as a person reads them: short, and of a width that does not jump. Pure; used by the cockpit and the command line.

use chrono::{DateTime, TimeDelta, Utc};

/// What is printed where nothing is known.
pub const UNKNOWN: &str = "–";

/// A length of time in at most six characters: `42s`, `4m12s`, `3h07m`, `3d04h`, `120d`. A negative one is `0s`.
#[must_use]
pub fn span(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if minutes == 0 => format!("{seconds}s"),
        () if hours == 0 => format!("{minutes}m{:02}s", seconds % 60),
        () if days == 0 => format!("{hours}h{:02}m", minutes % 60),
        () if days < 100 => format!("{days}d{:02}h", hours % 24),
        () => format!("{days}d"),
    }
}

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

/// Seconds as [`span`] writes them; below ten seconds with one decimal.
#[must_use]
pub fn seconds(seconds: f64) -> String {
    if seconds.is_finite() && (0.05..9.95).contains(&seconds) && seconds.fract().abs() > 0.05 {
        format!("{seconds:.1}s")
    } else {
        span(TimeDelta::milliseconds((seconds.clamp(0.0, 1e12) * 1000.0) as i64))
    }
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

/// A count with its thousands apart: `10,000`.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 worker`, `3 workers`.
#[must_use]
pub fn plural(value: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(value), if value == 1 { "" } else { "s" })
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
