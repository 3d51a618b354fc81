//! How the mirror follows the feed: all users once, then what changed since page by page, then the stream. One replica
//! does it; another goes on where it was when it is gone.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::documents::Change;
use crate::client::AuthGraph;
use crate::error::{Code, Error};
use crate::mirror::{Lease, Mirror, Place, of_snapshot};

/// How long a replica may be silent before another takes over.
const LEASE: TimeDelta = TimeDelta::seconds(15);
/// How often the lease is prolonged, and tried for by the others.
const RENEWAL: Duration = Duration::from_secs(4);

/// One replica's part in following.
struct Applier {
    auth: AuthGraph,
    mirror: Mirror,
    holder: String,
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
    let applier = Applier { auth, mirror, holder };
    let mut backoff = Backoff::default();
    loop {
        match applier.work().await {
            Ok(Pause::Standby) => tokio::time::sleep(RENEWAL).await,
            Ok(Pause::Behind) => backoff.reset(),
            Err(error) => {
                tracing::error!(error = ?error, "the mirror can not follow the feed");
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
        let outcome = self.follow(&mut place).await;
        match outcome {
            // Too much happened since: everything is read anew.
            Err(error) if error.code() == Code::CursorExpired => {
                let _ = self.mirror.write_and_advance(Vec::new(), self.lease(), &Place::default()).await?;
                Ok(Pause::Behind)
            }
            outcome => outcome,
        }
    }

    async fn follow(&self, place: &mut Place) -> Result<Pause, Error> {
        if (place.cursor.is_none() || place.snapshot.is_some()) && !self.take_snapshots(place).await? {
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
                place.cursor = changes.into_iter().last().map(|change| change.cursor).or(place.cursor.take());
                continue;
            }
            written_at = Instant::now();
            if !self.write(changes, place).await? {
                return Ok(Pause::Standby);
            }
        }
    }

    /// Takes all users over. False when the lease was lost.
    async fn take_snapshots(&self, place: &mut Place) -> Result<bool, Error> {
        loop {
            let page = self.auth.user_snapshots(place.snapshot.as_deref()).await?;
            let next = page.next();
            if place.snapshot.is_none() {
                // What changes while the pages are read comes after this.
                let start = page.feed_cursor.ok_or_else(|| Error::unavailable("the feed does not say where it is"))?;
                place.cursor = Some(start);
            }
            place.snapshot = next;
            let now = self.auth.clock().now();
            let rows = page.nodes.into_iter().map(|user| of_snapshot(user, now)).collect();
            if !self.mirror.write_and_advance(rows, self.lease(), place).await? {
                return Ok(false);
            }
            self.auth.feed().moved();
            if place.snapshot.is_none() {
                return Ok(true);
            }
        }
    }

    /// Writes changes and how far they reach. False when the lease was lost.
    async fn write(&self, changes: Vec<Change>, place: &mut Place) -> Result<bool, Error> {
        let now = self.auth.clock().now();
        let mut rows = Vec::with_capacity(changes.len());
        for change in changes {
            rows.extend(change.user.map(|user| of_snapshot(user, now)));
            place.cursor = Some(change.cursor);
        }
        let written = self.mirror.write_and_advance(rows, self.lease(), place).await?;
        self.auth.feed().moved();
        Ok(written)
    }

    fn lease(&self) -> Lease<'_> {
        let now = self.auth.clock().now();
        Lease { holder: &self.holder, now, until: now + LEASE }
    }
}
