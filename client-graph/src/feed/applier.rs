//! How the mirror follows the feed: all users once, then what changed since page by page, then the stream. One replica
//! does it; another goes on where it was when it is gone.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::documents::{Change, Kind};
use crate::client::AuthGraph;
use crate::error::{Code, Error};
use crate::mirror::{Batch, Lease, Mirror, Place, Row, Snapshots, Stretch};
use crate::outage::Outage;

/// How long a replica may be silent before another takes over.
const LEASE: TimeDelta = TimeDelta::seconds(15);
/// How often the lease is prolonged, and tried for by the others.
const RENEWAL: Duration = Duration::from_secs(4);

/// One replica's part in following.
struct Applier {
    auth: AuthGraph,
    mirror: Mirror,
    holder: String,
    outage: Outage,
}

/// Why the work was put down, when nothing failed.
enum Pause {
    /// Another replica does it.
    Standby,
    /// The stream went on without us: there are pages to read.
    Behind,
}

/// Follows for ever, or waits for ever when there is no mirror.
pub(super) async fn apply(auth: AuthGraph, holder: String) {
    let Some(mirror) = auth.mirror().cloned() else {
        return std::future::pending().await;
    };
    let outage = Outage::new("the mirror can not follow the feed", "the mirror follows the feed again");
    let applier = Applier { auth, mirror, holder, outage };
    let mut backoff = Backoff::default();
    loop {
        match applier.work().await {
            Ok(Pause::Standby) => {
                applier.auth.feed().freshness.mirror_is_elsewhere();
                tokio::time::sleep(RENEWAL).await;
            }
            Ok(Pause::Behind) => backoff.reset(),
            Err(error) => {
                let is_streaming = applier.auth.feed().is_streaming.load(Ordering::Relaxed);
                // The listener says that auth-graph is away.
                if error.code() == Code::Unavailable && !is_streaming {
                    tracing::debug!(error = ?error, "the mirror waits for auth-graph");
                } else {
                    applier.outage.goes_on(&error);
                }
                backoff.pause().await;
            }
        }
    }
}

impl Applier {
    async fn work(&self) -> Result<Pause, Error> {
        let Some(mut place) = self.mirror.take_lease(self.lease()).await? else {
            return Ok(Pause::Standby);
        };
        let had_place = place != Place::default();
        let outcome = self.follow(&mut place).await;
        match outcome {
            // Too much happened since, or auth-graph has another master secret and does not know its cursors any more:
            // everything is read anew.
            Err(error) if had_place && matches!(error.code(), Code::CursorExpired | Code::ValidationFailed) => {
                tracing::warn!(error = ?error, "the feed can not be followed from here: all users are read anew");
                let nothing = Batch { rows: Vec::new(), complete: None };
                let _ = self.mirror.write_and_advance(nothing, self.lease(), &Place::default()).await?;
                Ok(Pause::Behind)
            }
            outcome => outcome,
        }
    }

    async fn follow(&self, place: &mut Place) -> Result<Pause, Error> {
        if (place.cursor.is_none() || place.snapshots.is_some()) && !self.take_snapshots(place).await? {
            return Ok(Pause::Standby);
        }
        // In this order: what the stream brings from now on is kept, what came before is read.
        self.auth.feed().queue.start();
        loop {
            let page = self.auth.user_changes(place.cursor.as_deref()).await?;
            let more = page.next().is_some();
            if !page.nodes.is_empty() && !self.write(page.nodes, place).await? {
                return Ok(Pause::Standby);
            }
            if !more {
                break;
            }
        }
        let mut written_at = Instant::now();
        loop {
            let changes = match tokio::time::timeout(RENEWAL, self.auth.feed().queue.take()).await {
                Ok(Some(changes)) => changes,
                Ok(None) => {
                    // The stream is not back yet: its absence is not worth a query each moment.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    return Ok(Pause::Behind);
                }
                Err(_) => Vec::new(),
            };
            // That nothing happened is worth a write only as often as the lease needs one.
            if changes.iter().all(|change| change.user.is_none()) && written_at.elapsed() < RENEWAL {
                if let Some(last) = changes.into_iter().last() {
                    self.was_level(&last);
                    place.cursor = Some(last.cursor);
                }
                continue;
            }
            written_at = Instant::now();
            if !self.write(changes, place).await? {
                return Ok(Pause::Standby);
            }
        }
    }

    /// Takes all users over, and learns who is gone: whoever is not among them. False when the lease was lost.
    async fn take_snapshots(&self, place: &mut Place) -> Result<bool, Error> {
        let begun = Snapshots { since: self.auth.clock().now(), after: None, last: None };
        let mut snapshots = place.snapshots.clone().unwrap_or(begun);
        loop {
            let page = self.auth.user_snapshots(snapshots.after.as_deref()).await?;
            if snapshots.after.is_none() {
                // What changes while the pages are read comes after this.
                let missing = "the feed does not say where it is";
                place.cursor = Some(page.feed_cursor.clone().ok_or_else(|| Error::unavailable(missing))?);
            }
            let next = page.next();
            // The last page tells of everybody behind the one before; an empty one between others of nobody.
            let through = page.nodes.last().map(|user| user.id).filter(|_| next.is_some());
            let says_something = through.is_some() || next.is_none();
            let stretch = Stretch { after: snapshots.last, through, since: snapshots.since };
            let complete = Some(stretch).filter(|_| says_something);
            let last = through.or(snapshots.last);
            let now = self.auth.clock().now();
            let rows = page.nodes.into_iter().map(|user| Row::of_snapshot(user, now)).collect();
            snapshots = Snapshots { after: next, last, ..snapshots };
            place.snapshots = Some(snapshots.clone()).filter(|snapshots| snapshots.after.is_some());
            let batch = Batch { rows, complete };
            if !self.advance(batch, place).await? {
                return Ok(false);
            }
            self.auth.feed().moved();
            if place.snapshots.is_none() {
                return Ok(true);
            }
        }
    }

    /// Writes changes and how far they reach. False when the lease was lost.
    async fn write(&self, changes: Vec<Change>, place: &mut Place) -> Result<bool, Error> {
        let now = self.auth.clock().now();
        let mut rows = Vec::with_capacity(changes.len());
        let mut last = None;
        for mut change in changes {
            rows.extend(change.user.take().map(|user| Row::of_snapshot(user, now)));
            place.cursor = Some(change.cursor.clone());
            last = Some(change);
        }
        let batch = Batch { rows, complete: None };
        let written = self.advance(batch, place).await?;
        if let (true, Some(last)) = (written, last) {
            self.was_level(&last);
        }
        self.auth.feed().moved();
        Ok(written)
    }

    /// Gives the mirror a batch, and says that it works. False when the lease was lost.
    async fn advance(&self, batch: Batch, place: &Place) -> Result<bool, Error> {
        let written = self.mirror.write_and_advance(batch, self.lease(), place).await?;
        if written {
            self.outage.ends();
        }
        Ok(written)
    }

    /// After a marker the mirror holds everything that there was.
    fn was_level(&self, last: &Change) {
        if last.kind == Kind::Current {
            self.auth.feed().freshness.mirror_was_level(last.recorded_at, self.auth.leeway());
        }
    }

    fn lease(&self) -> Lease<'_> {
        let now = self.auth.clock().now();
        Lease { holder: &self.holder, now, until: now + LEASE }
    }
}
