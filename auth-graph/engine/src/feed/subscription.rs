//! Subscriptions to the feed. A subscriber reads the outbox to its end and then receives the changes that this process
//! reads for all. A subscriber that falls behind reads the outbox again.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

use super::cursor::decode;
use super::{Change, FEED_READ, read, with_users};
use crate::announcements::{Announcement, RecvError};
use crate::app::App;
use crate::callers::view::UserView;
use crate::callers::{LiveCaller, authentication};
use model::error::{Error, Result};
use store::outbox;

const BATCH: u64 = 500;
/// Interval of the checks of the token while there are no changes.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Returns a stream of the changes after a cursor, or from now on. It ends when the token of the reader is no longer
/// valid, with an error.
///
/// # Errors
/// [`model::error::Error::CursorExpired`] when what follows the cursor is not kept any more, or the reader is shown
/// something else of users since;
/// [`model::error::Error::ValidationFailed`] for a cursor that is not ours.
pub async fn follow(
    app: &App,
    reader: LiveCaller,
    after: Option<&str>,
) -> Result<impl Stream<Item = Result<Change>> + Send + use<>> {
    // Subscribed before the outbox is read, so that a change in between is received twice and not missed.
    let announcements = app.feed.announcements.subscribe();
    let position = match after {
        Some(cursor) => decode(app, cursor)?,
        None => outbox::last(&app.db).await?,
    };
    // The view is read after the position, so that a later change to it is found in the outbox.
    let view = UserView::of(app, &reader.current()).await?;
    let mut subscriber =
        Subscriber { app: app.clone(), reader, view, announcements, position, is_behind: true, read: VecDeque::new() };
    subscriber.read_on().await?;
    Ok(stream::unfold(Some(subscriber), async |subscriber| {
        let mut subscriber = subscriber?;
        match subscriber.next().await {
            Ok(change) => Some((Ok(change), Some(subscriber))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

struct Subscriber {
    app: App,
    reader: LiveCaller,
    view: UserView,
    announcements: Receiver<Announcement>,
    /// Position up to which changes were read or wait in `read`.
    position: i64,
    is_behind: bool,
    read: VecDeque<Change>,
}

impl Subscriber {
    async fn next(&mut self) -> Result<Change> {
        loop {
            let reader = self.reader.current();
            authentication::recheck(&self.app, &reader, self.app.clock.now())?;
            if !reader.has_scope(FEED_READ) {
                return Err(Error::MissingScope(FEED_READ));
            }
            if let Some(change) = self.read.pop_front() {
                return Ok(change);
            }
            if self.is_behind {
                self.read_on().await?;
                continue;
            }
            let Ok(heard) = timeout(CHECK_EVERY, self.announcements.recv()).await else { continue };
            match heard {
                Ok(Announcement::Change(announced)) => {
                    let position = announced.change.position;
                    if position == self.position + 1 {
                        self.position = position;
                        self.read.extend(Change::new(&self.app, &self.view, &announced)?);
                    } else {
                        self.is_behind = position > self.position;
                    }
                }
                Ok(Announcement::Current(position, at)) => {
                    if position == self.position {
                        self.read.push_back(Change::current(&self.app, position, at));
                    } else {
                        self.is_behind = position > self.position;
                    }
                }
                Err(RecvError::Lagged(_)) => self.is_behind = true,
                Err(RecvError::Closed) => return Err(Error::internal("the announcements have ended")),
            }
        }
    }

    /// Reads the outbox from here. At its end the reader gets a message about that.
    async fn read_on(&mut self) -> Result<()> {
        let now = self.app.clock.now();
        let found = read(&self.app, Some(self.position), BATCH).await?;
        for announced in with_users(&self.app.db, &found).await? {
            self.position = announced.change.position;
            self.read.extend(Change::new(&self.app, &self.view, &announced)?);
        }
        self.is_behind = found.len() as u64 == BATCH;
        if !self.is_behind {
            self.read.push_back(Change::current(&self.app, self.position, now));
        }
        Ok(())
    }
}
