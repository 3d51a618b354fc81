//! How old what is known of auth-graph is: asked on any request, so it is a few numbers and no lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock::Clock;

/// How well this process knows what happened at auth-graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeedStatus {
    /// Time passed since this process last knew of everything that had happened; absent before the first time, and
    /// where the feed is not followed. It is a second or so while all is well.
    pub age: Option<Duration>,
    /// How long the last change was on its way: from auth-graph, which recorded it, to this process. Where the clocks
    /// are apart it is off by as much.
    pub lag: Option<Duration>,
    /// Time passed since the mirror last held every user as they were at auth-graph; absent before the first time, and
    /// where another replica writes the mirror.
    pub mirror_age: Option<Duration>,
}

/// The numbers, which the feed moves and everybody reads.
#[derive(Debug)]
pub(crate) struct Freshness {
    clock: Clock,
    current_at: Moment,
    lag: Moment,
    mirror_level_at: Moment,
}

/// A time in microseconds, plus one; 0: none.
#[derive(Debug, Default)]
struct Moment(AtomicU64);

impl Freshness {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, current_at: Moment::default(), lag: Moment::default(), mirror_level_at: Moment::default() }
    }

    pub(crate) fn status(&self) -> FeedStatus {
        FeedStatus { age: self.age(), lag: self.lag.get(), mirror_age: self.since(&self.mirror_level_at) }
    }

    pub(crate) fn age(&self) -> Option<Duration> {
        self.since(&self.current_at)
    }

    /// Everything that was recorded until then is known.
    pub(super) fn was_current(&self, recorded_at: DateTime<Utc>, leeway: Duration) {
        self.current_at.reach(self.when(recorded_at, leeway));
    }

    /// Everything that was recorded until then is in the mirror.
    pub(super) fn mirror_was_level(&self, recorded_at: DateTime<Utc>, leeway: Duration) {
        self.mirror_level_at.reach(self.when(recorded_at, leeway));
    }

    /// Another replica writes the mirror: how level it is, is known there.
    pub(super) fn mirror_is_elsewhere(&self) {
        self.mirror_level_at.0.store(0, Ordering::Release);
    }

    /// A change has arrived.
    pub(super) fn arrived(&self, recorded_at: DateTime<Utc>) {
        let lag = (self.clock.now() - recorded_at).to_std().unwrap_or_default();
        self.lag.0.store(micros(lag) + 1, Ordering::Release);
    }

    /// What was long on its way is as old as that; clocks that are apart by less than the leeway do not count.
    fn when(&self, recorded_at: DateTime<Utc>, leeway: Duration) -> Duration {
        let late = (self.clock.now() - recorded_at).to_std().unwrap_or_default();
        self.clock.elapsed().saturating_sub(if late > leeway { late } else { Duration::ZERO })
    }

    fn since(&self, moment: &Moment) -> Option<Duration> {
        moment.get().map(|then| self.clock.elapsed().saturating_sub(then))
    }
}

impl Moment {
    fn get(&self) -> Option<Duration> {
        self.0.load(Ordering::Acquire).checked_sub(1).map(Duration::from_micros)
    }

    /// It never goes back.
    fn reach(&self, time: Duration) {
        self.0.fetch_max(micros(time) + 1, Ordering::AcqRel);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX - 1)
}
