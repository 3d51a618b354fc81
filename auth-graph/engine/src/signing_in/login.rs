//! Signing in with a password.

use secrecy::SecretString;

use crate::app::App;
use crate::callers::Device;
use crate::claims;
use crate::egress::claims_hook::Occasion;
use crate::limits::Attempt;
use crate::sessions::{FIRST_PARTY, TokenPair, idle_end, issue, scope_of};
use crate::signing_in::compare::compare;
use chrono::{DateTime, Duration, Utc};
use model::config::Profile;
use model::error::{Error, Result};
use model::values::{Email, Scopes, SessionId, TokenId, is_sample_password};
use store::login_events::{self, Kind};
use store::{sessions, users};

/// What a person signs in with.
#[derive(Debug)]
pub struct Login {
    /// The address of the account.
    pub email: Email,
    /// Its password.
    pub password: SecretString,
    /// What the tokens shall allow at most; none: everything that the user has.
    pub scope: Option<Scopes>,
    /// Who the tokens shall be for; none: the whole graph.
    pub audience: Option<String>,
}

/// Begins a session.
///
/// An unknown address, a wrong password and a disabled user get one answer, at one cost in time.
///
/// # Errors
/// [`Error::ValidationFailed`] when there is no such audience; [`Error::InvalidCredentials`]; [`Error::RateLimited`]
/// before any work is done; [`Error::Unavailable`] when too many others are signing in, or the claims hook fails.
pub async fn login(app: &App, login: Login, device: &Device) -> Result<TokenPair> {
    if login.audience.as_ref().is_some_and(|audience| !app.config.serves_audience(audience)) {
        return Err(Error::invalid("audience", "is not one that can be signed in for"));
    }
    let now = app.clock.now();
    let attempt = Attempt::take(&app.hasty_db, &app.config.limits, &login.email, device.address, now)
        .await
        .inspect_err(|error| count(app, error))?;
    let candidate = users::candidate(&app.db, &login.email).await?;
    let (right, attempt) = compare(app, attempt, &login.password, candidate.hash(), candidate.decoy.as_deref())
        .await
        .inspect_err(|error| count(app, error))?;
    let allowed = right && (app.config.profile == Profile::Demo || !is_sample_password(&login.password));
    let admitted = match &candidate.user {
        Some(user) if allowed && user.is_active => begin(app, user, login, attempt, device).await?,
        _ => None,
    };
    match admitted {
        Some(pair) => {
            app.metrics.logins_granted.increment(1);
            Ok(pair)
        }
        None => {
            app.metrics.logins_refused.increment(1);
            login_events::insert(&app.hasty_db, refused(candidate.user.as_ref(), device, app.clock.now())).await?;
            Err(Error::InvalidCredentials)
        }
    }
}

/// Writes the session and everything that goes with it. None: the user was disabled or changed meanwhile.
async fn begin(
    app: &App,
    user: &users::Model,
    login: Login,
    attempt: Attempt,
    device: &Device,
) -> Result<Option<TokenPair>> {
    let now = app.clock.now();
    let lifetime = Duration::from_std(app.config.tokens.session_lifetime).map_err(Error::internal)?;
    let absolute_expires_at = now + lifetime;
    let session = sessions::Model {
        id: SessionId::generate(now),
        user_id: user.id,
        client_id: FIRST_PARTY.to_owned(),
        audience: login.audience.filter(|audience| *audience != app.config.tokens.audience),
        scope: login.scope,
        amr: serde_json::json!(["pwd"]),
        generation: 0,
        user_agent: device.user_agent.clone(),
        ip_address: device.address.map(|address| address.to_string()),
        created_at: now,
        last_used_at: now,
        expires_at: idle_end(app, now).min(absolute_expires_at),
        absolute_expires_at,
        revoked_at: None,
        revoked_reason: None,
    };
    let answer = claims::ask_for_session(app, &session, &scope_of(app, &session, user), Occasion::Login).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            // The password was right: nobody is slowed down for a failure of ours.
            attempt.give_back(&app.hasty_db).await?;
            return Err(error);
        }
    };
    let renewed = renewed_hash(app, user, &login.password).await;
    let txn = store::begin(&app.db).await?;
    // This also locks the user's row: whoever disables the user waits, and then finds the new session.
    let Some(user) = users::record_login(&txn, user, renewed, now).await? else {
        txn.rollback().await?;
        return Ok(None);
    };
    sessions::insert(&txn, &session).await?;
    let event = login_events::Model { session_id: Some(session.id), code: None, ..refused(Some(&user), device, now) };
    login_events::insert(&txn, event).await?;
    attempt.give_back(&txn).await?;
    txn.commit().await?;
    issue(app, &session, user, answer, now).map(Some)
}

/// A hash of ours in the place of an imported one, or of one at another cost. None: it is good, or the threads that
/// hash have no time now, and the next sign-in will do it.
async fn renewed_hash(app: &App, user: &users::Model, password: &SecretString) -> Option<String> {
    let current = user.password_hash.as_deref().is_none_or(|hash| app.passwords.is_current(hash));
    if current { None } else { app.passwords.hash(password).await.ok() }
}

fn refused(user: Option<&users::Model>, device: &Device, now: DateTime<Utc>) -> login_events::Model {
    login_events::Model {
        id: TokenId::generate(now),
        occurred_at: now,
        kind: Kind::Login,
        code: Some(Error::InvalidCredentials.code().as_str().to_owned()),
        user_id: user.map(|user| user.id),
        session_id: None,
        client_id: Some(FIRST_PARTY.to_owned()),
        ip_address: device.address.map(|address| address.to_string()),
        user_agent: device.user_agent.clone(),
    }
}

fn count(app: &App, error: &Error) {
    match error {
        Error::RateLimited { .. } => app.metrics.logins_limited.increment(1),
        Error::Unavailable { .. } => app.metrics.logins_shed.increment(1),
        _ => {}
    }
}
