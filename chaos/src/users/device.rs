//! A device of a user: the tokens of its session, with the outdated ones that a thief may have.

use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};

use crate::calls::Pair;

/// Number of generations after which a token was certainly stolen, however soon it comes back.
pub const THEFT: u32 = 4;

/// A refresh that was given up can be executed for this long. Until then the session must not be four generations
/// further, or that would be a theft.
const LATE: Duration = Duration::from_secs(25);

/// A device that is signed in.
pub struct Device {
    /// The session.
    pub session: usize,
    /// The newest access token.
    pub access: SecretString,
    generations: Vec<SecretString>,
    given_up: Vec<(u32, Instant)>,
    advanced_at: Instant,
}

impl Device {
    /// Begins with the pair of a log-in.
    #[must_use]
    pub fn new(session: usize, pair: Pair) -> Self {
        let generations = vec![pair.refresh];
        Self { session, access: pair.access, generations, given_up: Vec::new(), advanced_at: Instant::now() }
    }

    /// Returns the newest refresh token and its generation.
    #[must_use]
    pub fn newest(&self) -> (&str, u32) {
        let newest = self.generations.len() - 1;
        (self.generations[newest].expose_secret(), number(newest))
    }

    /// Returns the refresh token of some generations ago. The one of two generations ago is lent only for a moment,
    /// while its use can be a delayed request.
    #[must_use]
    pub fn outdated(&self, age: u32) -> Option<(&str, u32)> {
        let is_prompt = self.advanced_at.elapsed() < Duration::from_secs(30);
        let age = age as usize;
        let generation = self.generations.len().checked_sub(1 + age).filter(|_| age >= THEFT as usize || is_prompt)?;
        Some((self.generations[generation].expose_secret(), number(generation)))
    }

    /// Takes the next pair, and notes whether a request of this generation may still be under way.
    pub fn advance(&mut self, pair: Pair, under_way: Option<u32>) {
        self.generations.push(pair.refresh);
        self.access = pair.access;
        self.advanced_at = Instant::now();
        under_way.into_iter().for_each(|generation| self.lost(generation));
    }

    /// Notes that a refresh of this generation may still be under way.
    pub fn lost(&mut self, generation: u32) {
        self.given_up.push((generation, Instant::now()));
    }

    /// Returns whether a refresh cannot turn an earlier one that is still under way into a theft.
    #[must_use]
    pub fn may_refresh(&self) -> bool {
        let newest = number(self.generations.len() - 1);
        let under_way = self.given_up.iter().filter(|(_, since)| since.elapsed() < LATE);
        under_way.map(|(generation, _)| newest - generation).max().is_none_or(|age| age <= 2)
    }
}

fn number(generation: usize) -> u32 {
    u32::try_from(generation).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> Pair {
        Pair { access: "access".into(), refresh: "refresh".into(), session: None }
    }

    #[test]
    fn a_device_waits_rather_than_let_its_own_request_count_as_a_theft() {
        let mut device = Device::new(0, pair());
        device.lost(0);
        for _ in 0..3 {
            assert!(device.may_refresh());
            device.advance(pair(), None);
        }
        assert!(!device.may_refresh(), "generation 0 may come after generation 4 is out");
        assert_eq!(device.outdated(4).map(|(_, generation)| generation), None);
        device.advance(pair(), None);
        assert_eq!(device.outdated(4).map(|(_, generation)| generation), Some(0));
    }
}
