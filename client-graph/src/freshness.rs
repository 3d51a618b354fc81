//! The age of what this process knows about auth-graph. Any request reads it, so that it consists of a few atomic
//! numbers without a lock.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock::Clock;

/// Failed attempts in a row after which a process that starts no longer waits for the feed: about two seconds while
/// auth-graph refuses connections, about 20 while it does not answer.
const ATTEMPTS: u32 = 5;
const NOT_FOLLOWED: u32 = u32::MAX;
const PRIMED: u32 = u32::MAX - 1;

/// The age of this process's knowledge of auth-graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeedStatus {
    /// State of the feed in this process.
    pub state: FeedState,
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

/// The state of the feed in a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FeedState {
    /// This process does not follow the feed.
    #[default]
    NotFollowed,
    /// The sessions that ended before the start are not known yet. The process should not get requests yet; those that
    /// it gets make it ask auth-graph about their tokens.
    Starting,
    /// As `Starting`, but five attempts in a row have failed. The process should serve, as it would during an outage.
    Failing,
    /// The sessions that ended before the start are known, and the feed is followed.
    Primed,
}

/// The numbers behind a [`FeedStatus`]: written by the feed, read by every request.
#[derive(Debug)]
pub(crate) struct Freshness {
    clock: Clock,
    /// [`NOT_FOLLOWED`], [`PRIMED`], or the number of failed attempts to read which sessions have ended.
    priming: AtomicU32,
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
            priming: AtomicU32::new(NOT_FOLLOWED),
            current_at: AtomicTime::default(),
            lag: AtomicTime::default(),
            mirror_current_at: AtomicTime::default(),
        }
    }

    pub(crate) fn status(&self) -> FeedStatus {
        let (age, lag) = (self.age(), self.lag.get());
        FeedStatus { state: self.state(), age, lag, mirror_age: self.since(&self.mirror_current_at) }
    }

    fn state(&self) -> FeedState {
        match self.priming.load(Ordering::Acquire) {
            NOT_FOLLOWED => FeedState::NotFollowed,
            PRIMED => FeedState::Primed,
            ..ATTEMPTS => FeedState::Starting,
            _ => FeedState::Failing,
        }
    }

    /// Returns whether the feed is followed and the sessions that ended before the start are not known yet.
    pub(crate) fn is_unprimed(&self) -> bool {
        matches!(self.state(), FeedState::Starting | FeedState::Failing)
    }

    /// Records that the feed is followed from now on. What was known from following it before counts as before.
    pub(crate) fn starts(&self) {
        let _ = self.priming.compare_exchange(NOT_FOLLOWED, 0, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Records that the sessions that ended before the start are known.
    pub(crate) fn primed(&self) {
        self.priming.store(PRIMED, Ordering::Release);
    }

    /// Records a failed attempt to read which sessions have ended, if they are not known yet.
    pub(crate) fn failed_to_prime(&self) {
        let more = |failures: u32| (failures < ATTEMPTS).then_some(failures + 1);
        let _ = self.priming.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
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
