//! Sign-in events: lists of them, and counts by kind.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::RECENT;
use crate::app::App;
use crate::callers::{Device, Principal};
use crate::pagination::{Listing, Page};
use model::error::{Error, Result};
use model::values::EventId;
use store::clients::FIRST_PARTY;
use store::login_events;

pub use store::login_events::{Filter, Kind, Model, Piece};

/// Name of the list in its cursors.
const LIST: &str = "login_events";
/// Maximum ranges that can be counted by the hour and by the day.
const MOST_HOURS: Duration = Duration::days(32);
const MOST_DAYS: Duration = Duration::days(366);

/// The number of events of one kind, result and client in one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Start of the period (UTC).
    pub start: DateTime<Utc>,
    /// Kind of the request.
    pub kind: Kind,
    /// Error code of the rejection; `None` when the request was granted.
    pub code: Option<String>,
    /// Client that made the request.
    pub client_id: Option<String>,
    /// Number of events.
    pub count: i64,
}

/// Returns one page of events, the latest first: without a user, those of the last 30 days unless the filter gives a
/// start.
///
/// # Errors
/// [`Error::ValidationFailed`] for a bad page.
pub async fn list(app: &App, filter: &Filter, page: &Page) -> Result<Listing<Model>> {
    let bounds = page.bounds(app, LIST)?;
    let from = filter.from.or_else(|| filter.user_id.is_none().then(|| app.clock.now() - RECENT));
    let filter = Filter { from, ..filter.clone() };
    let found = login_events::page(&app.db, &filter, bounds.window()).await?;
    Ok(bounds.listing(app, LIST, found, |event| event.id.0))
}

/// Returns one page of the caller's own events, the latest first.
///
/// # Errors
/// As [`list`].
pub async fn own(app: &App, principal: &Principal, page: &Page) -> Result<Listing<Model>> {
    match principal.user() {
        Some(user) => list(app, &Filter { user_id: Some(user), ..Filter::default() }, page).await,
        // A service client has none.
        None => Ok(page.bounds(app, LIST)?.listing(app, LIST, Vec::new(), |event: &Model| event.id.0)),
    }
}

/// Counts the events of a filter, which must give a start and an end, by hour or day. Periods without events are left
/// out.
///
/// # Errors
/// [`Error::ValidationFailed`] when the range is longer than 32 days by the hour, or 366 days by the day.
pub async fn count(app: &App, filter: &Filter, piece: Piece) -> Result<Vec<Count>> {
    let most = match piece {
        Piece::Hour => MOST_HOURS,
        Piece::Day => MOST_DAYS,
    };
    let bounded = match (filter.from, filter.until) {
        (Some(from), Some(until)) => from <= until && until.signed_duration_since(from) <= most,
        _ => false,
    };
    if !bounded {
        let message = format!("must be at most {} days after from", most.num_days());
        return Err(Error::invalid("until", message));
    }
    login_events::count(&app.db, filter, piece).await?.into_iter().map(read).collect()
}

/// Returns the sums of counts by kind and result, for the command line.
#[must_use]
pub fn sums(counts: &[Count]) -> BTreeMap<(DateTime<Utc>, String), i64> {
    let mut sums = BTreeMap::new();
    for count in counts {
        let result = count.code.clone().unwrap_or_else(|| "GRANTED".to_owned());
        *sums.entry((count.start, result)).or_default() += count.count;
    }
    sums
}

/// Builds the event of a sign-in or a proof with the client of this service: a granted one, without user, session and
/// method yet.
pub(crate) fn first_party(device: &Device, now: DateTime<Utc>) -> Model {
    Model {
        id: EventId::generate(now),
        occurred_at: now,
        kind: Kind::Login,
        code: None,
        user_id: None,
        session_id: None,
        client_id: Some(FIRST_PARTY.to_owned()),
        method: None,
        provider: None,
        application: None,
        ip_address: device.address.map(|address| address.to_string()),
        user_agent: device.user_agent.clone(),
    }
}

/// Deletes the events whose retention time is over.
pub(crate) async fn purge(app: &App) -> Result<()> {
    let keep = app.config.audit.login_event_retention;
    login_events::purge(&app.db, app.clock.now() - keep).await?;
    Ok(())
}

fn read(count: login_events::Count) -> Result<Count> {
    let start = match count.start.len() {
        10 => count.start.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN)),
        _ => NaiveDateTime::parse_from_str(&format!("{}:00", count.start), "%Y-%m-%dT%H:%M").ok(),
    };
    let start = start.ok_or_else(|| Error::internal("a truncated time of the database cannot be parsed"))?;
    let login_events::Count { kind, code, client_id, count, .. } = count;
    Ok(Count { start: start.and_utc(), kind, code, client_id, count })
}
