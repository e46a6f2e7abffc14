//! Numbers as a person reads them, in the sentences of events and on every screen: short, and of a width that does not jump.

use chrono::TimeDelta;

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

/// Seconds as [`span`] writes them; below ten seconds with one decimal.
#[must_use]
pub fn seconds(seconds: f64) -> String {
    if seconds.is_finite() && (0.05..9.95).contains(&seconds) && seconds.fract().abs() > 0.05 {
        format!("{seconds:.1}s")
    } else {
        span(TimeDelta::milliseconds((seconds.clamp(0.0, 1e12) * 1000.0) as i64))
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
