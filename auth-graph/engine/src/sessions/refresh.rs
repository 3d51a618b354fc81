//! Refresh: one compare-and-swap that is safe to repeat and still detects theft.
//!
//! A session counts the generations of its refresh token. The newest token is replaced by its successor. The token
//! before it gets the same successor again, as long as the successor is unused, so that two tabs, a retry and a lost
//! answer all work. An older token was used by another client, so the session ends.
//!
//! A token of a later generation than its session is one that we issued, which its MAC proves: the row is from a
//! backup, or lost its last refreshes in a failure. The session continues after that token, and all earlier ones are
//! outdated.
//!
//! One exception: a request can be delayed on its way, by a replica or a proxy that stands still, while the client goes
//! on elsewhere. An outdated token whose successor was replaced less than a minute ago is therefore refused without
//! ending the session. A thief gains nothing by it, as no token is issued, and is found out a minute later.

use chrono::{DateTime, Duration, Utc};
use sea_orm::DatabaseTransaction;
use secrecy::SecretString;

use super::claims::{self, Answer};
use super::{Ended, Reason, TokenPair, idle_end, issue, scope_of};
use crate::app::App;
use crate::callers::Device;
use crate::egress::claims_hook::TokenReason;
use model::error::{Error, Result};
use model::values::{EventId, SessionId, UserId};
use store::login_events::{self, Kind};
use store::{sessions, users};

/// Replaces a refresh token by its successor.
///
/// Scopes and claims are computed anew from the user as they are now.
///
/// # Errors
/// [`Error::TokenInvalid`], [`Error::TokenExpired`], [`Error::TokenRevoked`]; [`Error::TokenReused`] when the token is
/// outdated, which ends its session; [`Error::Unavailable`] when the claims hook fails, and the token stays good.
pub async fn refresh(app: &App, token: &SecretString, device: &Device) -> Result<TokenPair> {
    let result = rotate(app, token, device).await;
    match &result {
        Err(Error::TokenReused) => app.metrics.refreshes_reused.increment(1),
        Err(_) => app.metrics.refreshes_refused.increment(1),
        Ok(_) => {}
    }
    result
}

/// Longest time that a request can be delayed without its token counting as stolen.
const LONGEST_DELAY: Duration = Duration::minutes(1);

/// Number of attempts before a session that changes each time is left to the next request.
const ATTEMPTS: usize = 3;

async fn rotate(app: &App, token: &SecretString, device: &Device) -> Result<TokenPair> {
    for _ in 0..ATTEMPTS {
        let now = app.clock.now();
        let advanced = advance(app, token, device, now).await?;
        let (pair, counter) = match advanced {
            Some((session, user)) if !claims::must_ask(app) => {
                (Some(issue(app, &session, user, Answer::default(), now)?), &app.metrics.refreshes_rotated)
            }
            // The session may end while the hook is asked. Its token is the predecessor now and gets its pair as one.
            Some(_) => (repeat(app, token, device).await?, &app.metrics.refreshes_rotated),
            None => (repeat(app, token, device).await?, &app.metrics.refreshes_repeated),
        };
        if let Some(pair) = pair {
            counter.increment(1);
            return Ok(pair);
        }
    }
    Err(Error::unavailable("a session or its user changed while it was refreshed"))
}

/// Moves the session of a newest token to the next generation by one statement. Returns `None` if the token is older,
/// or the session is not live. The commit does not wait for the disk: if the machine fails and loses it, the session
/// continues from the token all the same.
async fn advance(
    app: &App,
    token: &SecretString,
    device: &Device,
    now: DateTime<Utc>,
) -> Result<Option<(sessions::Model, users::Model)>> {
    let (id, generation) = app.tokens.refresh.decode(token)?;
    let ip_address = device.address.map(|address| address.to_string());
    let used = sessions::Use { at: now, ip_address, idle_end: idle_end(app, now) };
    let advancing = async || sessions::advance(&app.relaxed_db, id, generation, used).await;
    let advanced = store::repeat_on_conflict(advancing).await?;
    if let Some((session, _)) = &advanced
        && session.previous_use_at.is_none()
    {
        tracing::info!(session = %session.id, "a session continues after refreshes that the database has lost");
    }
    Ok(advanced)
}

/// Returns the pair of the successor for a predecessor, and an error for any other outdated token. Returns `None` if
/// the token is the newest, so that the session can be moved on, or if the user changed while the hook was asked.
async fn repeat(app: &App, token: &SecretString, device: &Device) -> Result<Option<TokenPair>> {
    let asked = ask(app, token).await?;
    let repeated = store::transaction(&app.db, async |txn| {
        let (session, position) = match locate(app, txn, token, device).await? {
            Located::Live(session, position) => (session, position),
            Located::Reused(reuse) => return Ok(Err(reuse)),
        };
        let user = users::find(txn, session.user_id).await?.filter(|user| user.is_active);
        let user = user.ok_or(Error::TokenRevoked)?;
        match position {
            Position::Current => return Ok(Ok(None)),
            Position::Predecessor => {}
            Position::Delayed => return Err(delayed()),
        }
        // The token was the newest when the hook would have been asked.
        let Some(Asked { answer, about }) = asked else { return Ok(Ok(None)) };
        if about.is_some_and(|version| version != user.version) {
            return Ok(Ok(None));
        }
        // Signed while the session is locked: nothing is minted after a revocation has committed.
        issue(app, &session, user, answer, app.clock.now()).map(|pair| Ok(Some(pair)))
    });
    repeated.await?.map_err(|reuse| reuse.announce(app))
}

/// Facts that are found before the session is locked.
#[derive(Clone)]
struct Asked {
    answer: Answer,
    /// Version of the user, if the hook was asked.
    about: Option<i64>,
}

/// Asks the hook about the pair that a predecessor would get again. Returns `None` if the token is no predecessor,
/// which [`locate`] then finds too.
///
/// Nothing is locked or decided here: changes that are found once the session is locked take precedence.
async fn ask(app: &App, token: &SecretString) -> Result<Option<Asked>> {
    if !claims::must_ask(app) {
        return Ok(Some(Asked { answer: Answer::default(), about: None }));
    }
    let (id, generation) = app.tokens.refresh.decode(token)?;
    let now = app.clock.now();
    let session = sessions::find(&app.db, id).await?;
    let repeats = |session: &sessions::Model| session.is_live(now) && session.generation - generation == 1;
    let Some(session) = session.filter(repeats) else { return Ok(None) };
    let Some(user) = users::find(&app.db, session.user_id).await?.filter(|user| user.is_active) else {
        return Ok(None);
    };
    let answer = claims::ask_for_session(app, &session, &scope_of(app, &session, &user), TokenReason::Refresh).await?;
    Ok(Some(Asked { answer, about: Some(user.version) }))
}

/// The position of a token among the generations of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// It is the newest, or newer than the stored session.
    Current,
    /// Its successor is the newest, and unused.
    Predecessor,
    /// Its successor was replaced a moment ago, so the request may have been delayed. It gets no tokens.
    Delayed,
}

/// The session of a refresh token.
#[derive(Debug)]
#[must_use = "the end of a session is committed and announced"]
pub(super) enum Located {
    /// The session is live, and its row is locked.
    Live(Box<sessions::Model>, Position),
    /// The token is outdated, which has ended the session in the transaction.
    Reused(Reuse),
}

/// The end of a session whose outdated token came back.
#[derive(Debug)]
#[must_use = "announce it after the commit"]
pub(super) struct Reuse {
    session: SessionId,
    user: UserId,
    ended: Ended,
}

impl Reuse {
    /// Announces the end after the commit, and returns the error for the caller.
    pub(super) fn announce(self, app: &App) -> Error {
        self.ended.announce(app);
        tracing::warn!(session = %self.session, user = %self.user, "an outdated refresh token came back");
        Error::TokenReused
    }
}

/// Finds the live session of a refresh token and locks it in the transaction. A token that counts as stolen ends it.
///
/// # Errors
/// [`Error::TokenInvalid`], [`Error::TokenExpired`], [`Error::TokenRevoked`].
pub(super) async fn locate(
    app: &App,
    txn: &DatabaseTransaction,
    token: &SecretString,
    device: &Device,
) -> Result<Located> {
    let now = app.clock.now();
    let (id, generation) = app.tokens.refresh.decode(token)?;
    let session = sessions::find_locked(txn, id).await?.ok_or(Error::TokenInvalid)?;
    if session.revoked_at.is_some() {
        return Err(Error::TokenRevoked);
    }
    if !session.is_live(now) {
        return Err(Error::TokenExpired);
    }
    match session.generation - generation {
        ..=0 => Ok(Located::Live(Box::new(session), Position::Current)),
        1 => Ok(Located::Live(Box::new(session), Position::Predecessor)),
        2.. if session.successor_replaced_at(generation).is_some_and(|at| now < at + LONGEST_DELAY) => {
            Ok(Located::Live(Box::new(session), Position::Delayed))
        }
        2.. => {
            let ended = Ended::one(txn, session.user_id, session.id, Reason::Reused, now).await?;
            login_events::insert(txn, reuse(&session, device, now)).await?;
            Ok(Located::Reused(Reuse { session: session.id, user: session.user_id, ended }))
        }
    }
}

/// Returns the refusal of an outdated token whose request may have been delayed. The code makes clients keep the newest
/// token that they have.
pub(super) fn delayed() -> Error {
    Error::unavailable("an outdated refresh token came back within a minute of its replacement")
}

fn reuse(session: &sessions::Model, device: &Device, now: DateTime<Utc>) -> login_events::Model {
    login_events::Model {
        id: EventId::generate(now),
        occurred_at: now,
        kind: Kind::RefreshReused,
        code: Some(Error::TokenReused.code().as_str().to_owned()),
        user_id: Some(session.user_id),
        session_id: Some(session.id),
        client_id: Some(session.client_id.clone()),
        method: None,
        provider: None,
        application: None,
        ip_address: device.address.map(|address| address.to_string()),
        user_agent: device.user_agent.clone(),
    }
}
