//! The feed page by page, for readers that poll, and for the first fill of a copy.

use super::cursor::{decode, encode};
use super::{Change, FEED_READ, Revocation, Snapshot, history, read, with_users};
use crate::accounts;
use crate::app::App;
use crate::callers::principal::Principal;
use crate::callers::view::{UserView, VisibleUser};
use model::error::{Error, Result};
use model::values::UserId;
use store::changes::{self, Kind};
use store::{outbox, users};

const SNAPSHOTS: &str = "snapshots";
const DEFAULT: i32 = 100;
const MOST: i32 = 1000;

/// A page of the feed.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Each with its cursor.
    pub items: Vec<(String, T)>,
    /// True if there are rows before the page.
    pub has_previous_page: bool,
    /// True if there are rows after the page.
    pub has_next_page: bool,
    /// The position of the feed before this page was read.
    pub feed_cursor: String,
}

/// Returns the changes after a cursor, or from the oldest one.
///
/// # Errors
/// [`Error::CursorExpired`] when what follows the cursor is not kept any more; [`Error::ValidationFailed`] for a cursor
/// that is not ours and a length outside 0 to 1000.
pub async fn changes_after(
    app: &App,
    principal: &Principal,
    after: Option<&str>,
    first: Option<i32>,
) -> Result<Page<Change>> {
    let length = length(first)?;
    let head = outbox::last(&app.db).await?;
    let view = UserView::of(app, principal).await?;
    let mut position = after.map(|cursor| decode(app, cursor)).transpose()?;
    // Without a cursor none can have expired by a change of the projection before this point.
    let seen_until = if position.is_none() { head } else { 0 };
    let at_once = at_once(&view, length);
    let mut items = Vec::new();
    let has_next_page = loop {
        let mut found = read(app, position, at_once as u64).await?;
        let last = found.len() < at_once;
        position = found.last().map(|change| change.position).or(position);
        found.retain(|change| change.kind != Kind::ClientChanged || change.position > seen_until);
        for announced in with_users(&app.db, &found).await? {
            items.extend(Change::new(app, &view, &announced)?.map(|change| (change.cursor.clone(), change)));
        }
        if items.len() > length || last {
            break items.len() > length;
        }
    };
    items.truncate(length);
    Ok(Page { items, has_previous_page: after.is_some(), has_next_page, feed_cursor: encode(app, head) })
}

/// Returns the users that the reader sees, in the order of their identifiers. Readers that see all users see deleted
/// ones too.
///
/// # Errors
/// [`Error::ValidationFailed`] for a cursor that is not ours and a length outside 0 to 1000.
pub async fn snapshots(
    app: &App,
    principal: &Principal,
    after: Option<&str>,
    first: Option<i32>,
) -> Result<Page<Snapshot>> {
    let length = length(first)?;
    let feed_cursor = head(app).await?;
    // The view is read after the position. If it changes in between, following from the position reports that.
    let view = UserView::of(app, principal).await?;
    let mut start = after.map(|cursor| app.cursors.decode(SNAPSHOTS, "after", cursor).map(UserId)).transpose()?;
    let read = at_once(&view, length);
    let mut items = Vec::new();
    let has_next_page = loop {
        let found = users::page_with_deleted(&app.db, start, read as u64).await?;
        start = found.last().map(|user| user.id).or(start);
        items.extend(found.iter().filter_map(|user| {
            let snapshot = Snapshot::new(app, &view, user, None)?;
            let is_told = !view.is_limited() || snapshot.deleted_at.is_none();
            is_told.then(|| (app.cursors.encode(SNAPSHOTS, user.id.0), snapshot))
        }));
        if items.len() > length || found.len() < read {
            break items.len() > length;
        }
    };
    items.truncate(length);
    Ok(Page { items, has_previous_page: after.is_some(), has_next_page, feed_cursor })
}

/// Returns one user as the reader sees them, or `None` if the reader does not see them. Readers of the feed may ask for
/// every user in it, other callers by the rule of [`accounts::visible`].
pub async fn snapshot(app: &App, principal: Option<&Principal>, id: UserId) -> Result<Option<Snapshot>> {
    let seen = match principal {
        Some(principal) if principal.has_scope(FEED_READ) => accounts::shown(app, principal, id).await?,
        _ => accounts::visible(app, principal, id).await?,
    };
    Ok(seen.and_then(|VisibleUser { user, view }| Snapshot::new(app, &view, &user, None)))
}

/// Returns the revocations within the lifetime of an access token, the oldest first.
///
/// # Errors
/// [`Error::CursorExpired`] for a cursor that the database does not know any more; [`Error::ValidationFailed`] for one
/// that is not ours and a length outside 0 to 1000.
pub async fn revocations(
    app: &App,
    principal: &Principal,
    after: Option<&str>,
    first: Option<i32>,
) -> Result<Page<Revocation>> {
    let length = length(first)?;
    let view = UserView::of(app, principal).await?;
    let head = outbox::last(&app.db).await?;
    let feed_cursor = encode(app, head);
    let position = after.map(|cursor| decode(app, cursor)).transpose()?.unwrap_or(0);
    if position > head {
        history::check(app, "a reader of the revocations", position, head);
        return Err(Error::CursorExpired);
    }
    let since = app.tokens.revocations.horizon(app.clock.now());
    let mut found = changes::ended_since(&app.db, since, position, length as u64 + 1).await?;
    let has_next_page = found.len() > length;
    found.truncate(length);
    let mut items = Vec::new();
    for change in &found {
        items.extend(Revocation::new(app, &view, change).map(|revocation| (encode(app, change.position), revocation)));
    }
    Ok(Page { items, has_previous_page: after.is_some(), has_next_page, feed_cursor })
}

/// Returns the position, before anything else is read: a reader that follows from it may see a change twice and misses
/// none.
async fn head(app: &App) -> Result<String> {
    Ok(encode(app, outbox::last(&app.db).await?))
}

/// Returns the number of rows to read at once: one more than shown, to find out whether there are more. For a limited
/// reader many rows are needed to find one that is shown.
fn at_once(view: &UserView, length: usize) -> usize {
    if view.is_limited() { MOST as usize + 1 } else { length + 1 }
}

fn length(first: Option<i32>) -> Result<usize> {
    let asked = first.unwrap_or(DEFAULT);
    match usize::try_from(asked) {
        Ok(length) if asked <= MOST => Ok(length),
        _ => Err(Error::invalid("first", format!("must be from 0 to {MOST}"))),
    }
}
