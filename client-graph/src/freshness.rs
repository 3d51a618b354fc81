//! The age of what this process knows about auth-graph. Any request reads it, so that it consists of a few atomic
//! numbers without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock::Clock;

/// The age of this process's knowledge of auth-graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeedStatus {
    /// Time passed since this process last knew every change at auth-graph; absent before the first time, and in a
    /// service that does not follow the feed. It is about a second in normal operation.
    pub age: Option<Duration>,
    /// Time between the recording of the last change at auth-graph and its arrival in this process. Clocks that differ
    /// make it wrong by their difference.
    pub lag: Option<Duration>,
    /// Time passed since the mirror last held every user as auth-graph did; absent before the first time, and in a
    /// process whose mirror is written by another replica.
    pub mirror_age: Option<Duration>,
}

/// The numbers behind a [`FeedStatus`]: written by the feed, read by every request.
#[derive(Debug)]
pub(crate) struct Freshness {
    clock: Clock,
    current_at: AtomicTime,
    lag: AtomicTime,
    mirror_current_at: AtomicTime,
}

/// A time in microseconds, plus one; 0 stands for no time.
#[derive(Debug, Default)]
struct AtomicTime(AtomicU64);

impl Freshness {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            current_at: AtomicTime::default(),
            lag: AtomicTime::default(),
            mirror_current_at: AtomicTime::default(),
        }
    }

    pub(crate) fn status(&self) -> FeedStatus {
        FeedStatus { age: self.age(), lag: self.lag.get(), mirror_age: self.since(&self.mirror_current_at) }
    }

    pub(crate) fn age(&self) -> Option<Duration> {
        self.since(&self.current_at)
    }

    /// Records that every change up to this time is known.
    pub(crate) fn was_current(&self, recorded_at: DateTime<Utc>, leeway: Duration) {
        self.current_at.advance_to(self.local_time(recorded_at, leeway));
    }

    /// Records that every change up to this time is in the mirror.
    pub(crate) fn mirror_was_current(&self, recorded_at: DateTime<Utc>, leeway: Duration) {
        self.mirror_current_at.advance_to(self.local_time(recorded_at, leeway));
    }

    /// Records that another replica writes the mirror, which knows its age.
    pub(crate) fn mirror_is_elsewhere(&self) {
        self.mirror_current_at.0.store(0, Ordering::Release);
    }

    /// Records the arrival of a change.
    pub(crate) fn arrived(&self, recorded_at: DateTime<Utc>) {
        let lag = (self.clock.now() - recorded_at).to_std().unwrap_or_default();
        self.lag.0.store(micros(lag) + 1, Ordering::Release);
    }

    /// Converts a time of auth-graph's clock. A difference below the leeway counts as clocks that differ; a greater one
    /// as a change that was on its way for so long.
    fn local_time(&self, recorded_at: DateTime<Utc>, leeway: Duration) -> Duration {
        let late = (self.clock.now() - recorded_at).to_std().unwrap_or_default();
        self.clock.elapsed().saturating_sub(if late > leeway { late } else { Duration::ZERO })
    }

    fn since(&self, time: &AtomicTime) -> Option<Duration> {
        time.get().map(|then| self.clock.elapsed().saturating_sub(then))
    }
}

impl AtomicTime {
    fn get(&self) -> Option<Duration> {
        self.0.load(Ordering::Acquire).checked_sub(1).map(Duration::from_micros)
    }

    /// Sets a later time, never an earlier one.
    fn advance_to(&self, time: Duration) {
        self.0.fetch_max(micros(time) + 1, Ordering::AcqRel);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX - 1)
}
