//! A random generator with a seed (SplitMix64), so that a run can draw the same plan again.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::time::Duration;

/// The state of the generator.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Begins with a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a seed that differs from run to run, short enough to be typed.
    #[must_use]
    pub fn fresh_seed() -> u64 {
        RandomState::new().hash_one(0) % 1_000_000
    }

    /// Returns a generator of its own for one part of the plan, so that the parts do not depend on each other's pace.
    #[must_use]
    pub fn fork(&self, part: u64) -> Self {
        let mut forked = Self(self.0 ^ part.wrapping_mul(0xA076_1D64_78BD_642F));
        forked.next();
        forked
    }

    /// Returns the next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below the limit.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or_default()
    }

    /// Returns true in this many of 100 cases.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// Returns a time of some milliseconds.
    pub fn milliseconds(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(range.start + self.next() % (range.end - range.start).max(1))
    }

    /// Returns one of the items. An item with a higher weight is drawn more often.
    pub fn weighted<T: Copy>(&mut self, items: &[(T, usize)]) -> T {
        let total = items.iter().map(|(_, weight)| weight).sum();
        let mut place = self.below(total);
        for (item, weight) in items {
            match place.checked_sub(*weight) {
                Some(rest) => place = rest,
                None => return *item,
            }
        }
        items[0].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_numbers() {
        let drawn = |seed| {
            let mut random = Random::new(seed).fork(7);
            (0..20).map(|_| random.below(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }

    #[test]
    fn a_weight_of_zero_is_never_drawn() {
        let mut random = Random::new(3);
        let drawn: Vec<_> = (0..200).map(|_| random.weighted(&[("never", 0), ("often", 9), ("seldom", 1)])).collect();
        assert!(!drawn.contains(&"never") && drawn.contains(&"seldom"));
    }
}
