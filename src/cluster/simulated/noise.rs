//! Variation that a seed decides: the same inputs give the same numbers, on every machine. Pure.

use chrono::{DateTime, Utc};

/// A wave's points lie this far apart.
const BUCKET_MILLIS: i64 = 4_000;

/// A number that depends on nothing but its inputs, spread evenly.
pub(super) fn hash(seed: u64, name: &str, salt: u64) -> u64 {
    // FNV-1a over the name, then the finalizer of SplitMix64: standard library hashers may change between versions.
    let name = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let mut mixed = name ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xd1b5_4a32_d192_ed03);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// From -1 to 1, constant.
pub(super) fn skew(seed: u64, name: &str, salt: u64) -> f64 {
    let unit = (hash(seed, name, salt) >> 11) as f64 / (1_u64 << 53) as f64;
    unit * 2.0 - 1.0
}

/// From -1 to 1, wandering over seconds without jumps.
pub(super) fn wave(seed: u64, name: &str, salt: u64, at: DateTime<Utc>) -> f64 {
    let millis = at.timestamp_millis();
    let bucket = millis.div_euclid(BUCKET_MILLIS);
    let share = millis.rem_euclid(BUCKET_MILLIS) as f64 / BUCKET_MILLIS as f64;
    let point = |bucket: i64| skew(seed, name, salt ^ bucket.cast_unsigned());
    point(bucket) * (1.0 - share) + point(bucket.wrapping_add(1)) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_in_bounds_and_does_not_jump() {
        let at = |millis| wave(7, "w-1", 1, DateTime::from_timestamp_millis(millis).unwrap());
        let mut last = at(0);
        for millis in (0..100_000).step_by(100) {
            let now = at(millis);
            assert!((-1.0..=1.0).contains(&now));
            assert!((now - last).abs() <= 0.051, "{last} to {now}");
            last = now;
        }
    }

    #[test]
    fn seeds_and_names_matter() {
        assert_ne!(hash(1, "w-1", 0), hash(2, "w-1", 0));
        assert_ne!(hash(1, "w-1", 0), hash(1, "w-2", 0));
        assert_ne!(hash(1, "w-1", 0), hash(1, "w-1", 1));
    }
}
