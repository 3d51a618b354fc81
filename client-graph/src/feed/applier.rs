//! The mirror follows the feed: it reads all users once, then the changes since page by page, then the stream. One
//! replica does this at a time; another continues from the same position when that replica stops.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::try_join_all;
use tokio::time::Instant;
use uuid::Uuid;

use super::documents::{Change, Kind};
use super::follower::Follower;
use crate::error::{Code, Error};
use crate::ids::UserId;
use crate::mirror::{Batch, FeedProgress, IdRange, Lease, Mirror, Row, SnapshotProgress};
use crate::outage::Outage;
use crate::retry::Backoff;

/// Time after which another replica takes over from a silent one.
const LEASE: TimeDelta = TimeDelta::seconds(15);
/// Interval in which the holder renews the lease, and the others try to take it.
const RENEWAL: Duration = Duration::from_secs(4);

/// Number of users about whom auth-graph is asked at once.
const AT_ONCE: usize = 16;

/// The part of one replica.
struct Applier {
    follower: Follower,
    mirror: Mirror,
    holder: String,
    outage: Outage,
}

/// The reason why the work paused although nothing failed.
enum Pause {
    /// Another replica holds the lease.
    Standby,
    /// The queue dropped changes: they are read as pages.
    Behind,
}

/// Follows without end. Without a mirror it only waits.
pub(super) async fn apply(follower: Follower, holder: String) {
    let Some(mirror) = follower.mirror.clone() else {
        return std::future::pending().await;
    };
    let outage = Outage::new("the mirror cannot follow the feed", "the mirror follows the feed again");
    let applier = Applier { follower, mirror, holder, outage };
    let mut backoff = Backoff::default();
    loop {
        match applier.work().await {
            Ok(Pause::Standby) => {
                applier.follower.feed.freshness.mirror_is_elsewhere();
                tokio::time::sleep(RENEWAL).await;
            }
            Ok(Pause::Behind) => backoff.reset(),
            Err(error) => {
                let is_streaming = applier.follower.feed.is_streaming.load(Ordering::Relaxed);
                // The listener logs the outage of auth-graph.
                if error.code() == Code::Unavailable && !is_streaming {
                    tracing::debug!(error = ?error, "the mirror waits for auth-graph");
                } else {
                    applier.outage.failed(&error);
                }
                backoff.pause().await;
            }
        }
    }
}

impl Applier {
    async fn work(&self) -> Result<Pause, Error> {
        let Some(mut progress) = self.mirror.take_lease(self.lease()).await? else {
            return Ok(Pause::Standby);
        };
        let had_progress = progress != FeedProgress::default();
        let outcome = self.follow(&mut progress).await;
        match outcome {
            // Too many changes have passed, or auth-graph has another master secret and does not know its cursors any
            // more: all users are read again.
            Err(error) if had_progress && matches!(error.code(), Code::CursorExpired | Code::ValidationFailed) => {
                tracing::warn!(error = ?error, "the feed cannot be followed from the last position: reading all users");
                let _ = self
                    .mirror
                    .write_and_advance(Batch::of(Vec::new()), self.lease(), &FeedProgress::default())
                    .await?;
                Ok(Pause::Behind)
            }
            outcome => outcome,
        }
    }

    async fn follow(&self, progress: &mut FeedProgress) -> Result<Pause, Error> {
        if (progress.cursor.is_none() || progress.snapshots.is_some()) && !self.take_snapshots(progress).await? {
            return Ok(Pause::Standby);
        }
        // The order matters: the queue keeps what the stream brings from now on, then earlier changes are read.
        self.follower.feed.queue.start();
        loop {
            let page = self.follower.remote.user_changes(progress.cursor.as_deref()).await?;
            let more = page.next().is_some();
            if !page.nodes.is_empty() && !self.write(page.nodes, progress).await? {
                return Ok(Pause::Standby);
            }
            if !more {
                break;
            }
        }
        let mut written_at = Instant::now();
        loop {
            let changes = match tokio::time::timeout(RENEWAL, self.follower.feed.queue.take()).await {
                Ok(Some(changes)) => changes,
                Ok(None) => {
                    // The stream is not back yet. Without this pause each moment would cost a query.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    return Ok(Pause::Behind);
                }
                Err(_) => Vec::new(),
            };
            // Markers alone are written only as often as the lease must be renewed.
            if changes.iter().all(|change| change.user.is_none()) && written_at.elapsed() < RENEWAL {
                if let Some(last) = changes.into_iter().last() {
                    self.record_marker(&last);
                    progress.cursor = Some(last.cursor);
                }
                continue;
            }
            written_at = Instant::now();
            if !self.write(changes, progress).await? {
                return Ok(Pause::Standby);
            }
        }
    }

    /// Copies all users, and marks those who are missing as deleted. Returns false when the lease was lost.
    async fn take_snapshots(&self, progress: &mut FeedProgress) -> Result<bool, Error> {
        let begun = SnapshotProgress { since: self.follower.clock.now(), after: None, last: None };
        let mut snapshots = progress.snapshots.clone().unwrap_or(begun);
        loop {
            let page = self.follower.remote.user_snapshots(snapshots.after.as_deref()).await?;
            if snapshots.after.is_none() {
                // Changes during the reading come after this cursor.
                let missing = "the feed does not name its position";
                progress.cursor = Some(page.feed_cursor.clone().ok_or_else(|| Error::unavailable(missing))?);
            }
            let next = page.next();
            // The last page covers all ids after the page before. An empty page before the last covers no ids.
            let through = page.nodes.last().map(|user| user.id).filter(|_| next.is_some());
            let covers_ids = through.is_some() || next.is_none();
            let range = IdRange { after: snapshots.last, through, since: snapshots.since };
            let present: Vec<Uuid> = page.nodes.iter().map(|user| user.id).collect();
            let last = through.or(snapshots.last);
            let now = self.follower.clock.now();
            let mut batch = Batch::of(page.nodes.into_iter().map(|user| Row::of_snapshot(user, now)).collect());
            if covers_ids {
                batch.complete = Some(range);
                self.ask_about_new_rows(&mut batch, &range, &present).await?;
            }
            snapshots = SnapshotProgress { after: next, last, ..snapshots };
            progress.snapshots = Some(snapshots.clone()).filter(|snapshots| snapshots.after.is_some());
            if !self.advance(batch, progress).await? {
                return Ok(false);
            }
            self.follower.feed.moved();
            if progress.snapshots.is_none() {
                return Ok(true);
            }
        }
    }

    /// Asks auth-graph about each user who is not in a page although a row of theirs was written a moment ago: the user
    /// is newer than the page, or does not exist any more.
    async fn ask_about_new_rows(&self, batch: &mut Batch, range: &IdRange, present: &[Uuid]) -> Result<(), Error> {
        for ids in self.mirror.unsettled(range, present).await?.chunks(AT_ONCE) {
            let asked = ids.iter().map(|id| self.follower.remote.user_snapshot(UserId(*id)));
            for (id, snapshot) in ids.iter().zip(try_join_all(asked).await?) {
                // For an account that was merged, the answer is the other account.
                match snapshot.filter(|user| user.id == *id) {
                    Some(user) => batch.rows.push(Row::of_snapshot(user, self.follower.clock.now())),
                    None => batch.gone.push(*id),
                }
            }
        }
        Ok(())
    }

    /// Writes changes, and the progress with them. Returns false when the lease was lost.
    async fn write(&self, changes: Vec<Change>, progress: &mut FeedProgress) -> Result<bool, Error> {
        let now = self.follower.clock.now();
        let mut rows = Vec::with_capacity(changes.len());
        let mut last = None;
        for mut change in changes {
            rows.extend(change.user.take().map(|user| Row::of_snapshot(user, now)));
            progress.cursor = Some(change.cursor.clone());
            last = Some(change);
        }
        let written = self.advance(Batch::of(rows), progress).await?;
        if let (true, Some(last)) = (written, last) {
            self.record_marker(&last);
        }
        self.follower.feed.moved();
        Ok(written)
    }

    /// Writes a batch to the mirror. Returns false when the lease was lost.
    async fn advance(&self, batch: Batch, progress: &FeedProgress) -> Result<bool, Error> {
        let written = self.mirror.write_and_advance(batch, self.lease(), progress).await?;
        if written {
            self.outage.recovered();
        }
        Ok(written)
    }

    /// Records that the mirror is current, if this change is a marker.
    fn record_marker(&self, last: &Change) {
        if last.kind == Kind::Current {
            self.follower.feed.freshness.mirror_was_current(last.recorded_at, self.follower.leeway);
        }
    }

    fn lease(&self) -> Lease<'_> {
        let now = self.follower.clock.now();
        Lease { holder: &self.holder, now, until: now + LEASE }
    }
}
