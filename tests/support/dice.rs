//! Random moments and choices that can be had again: a seed that is printed, and that `WINDLASS_SEED` sets.

use windlass::clock;

/// A generator (`SplitMix64`): small, and good enough to choose moments.
pub struct Dice(u64);

impl Dice {
    /// From `WINDLASS_SEED`, or from the clock; the seed is printed, so that a failure can be had again.
    #[allow(dead_code, reason = "each test uses its part of this")]
    pub fn seeded(test: &str) -> Self {
        let given = std::env::var("WINDLASS_SEED").ok().map(|text| text.parse().expect("WINDLASS_SEED is a number"));
        let seed = given.unwrap_or_else(|| clock::fresh_id(clock::now()).as_u64_pair().1);
        println!("{test}: WINDLASS_SEED={seed}");
        Self(seed)
    }

    /// From a seed that somebody else has chosen and printed.
    #[allow(dead_code, reason = "each test uses its part of this")]
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Another one that goes its own way.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One of several.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}
