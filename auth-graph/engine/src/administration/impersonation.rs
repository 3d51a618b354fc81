//! Impersonation: acting as another user with one access token, which names the actor (RFC 8693 section 4.1), and no
//! refresh token.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::json;

use crate::app::App;
use crate::audit::{self, Entry};
use crate::callers::Actor;
use crate::claims;
use crate::egress::claims_hook::TokenReason;
use crate::sessions::scope_of;
use credentials::access_tokens::{Act, Grant};
use model::error::{Error, Reason, Result};
use model::values::{Amr, EventId, Holder, Scopes, SessionId, UserId};
use store::clients::IMPERSONATION;
use store::login_events::{self, Kind};
use store::{sessions, users};

/// Scope that allows acting as another user who may do no more than the actor.
pub const IMPERSONATE: &str = "users:impersonate";

/// An access token of another user.
#[derive(Debug)]
pub struct Impersonation {
    /// The token. It names the subject, and in `act` the user who acts as them.
    pub access_token: SecretString,
    /// Time of expiry; the token cannot be refreshed.
    pub expires_at: DateTime<Utc>,
    /// Scopes that the token allows.
    pub scope: Scopes,
    /// User whom the token is about.
    pub user: users::Model,
}

/// The user who acts with a token of another user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impersonator {
    /// The actor.
    Themself,
    /// The user for whom the operator creates the token.
    Named(UserId),
}

/// Creates a token of another user, and records it in the audit log and among the user's own sign-ins. The user sees
/// the session and can end it.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user who may sign in; [`Error::Forbidden`] when they hold a role or
/// scope that the actor does not hold; [`Error::Denied`] when the bearer is no user.
pub async fn impersonate(
    app: &App,
    actor: &Actor,
    impersonator: Impersonator,
    id: UserId,
    reason: String,
) -> Result<Impersonation> {
    let by = match (impersonator, actor.principal()) {
        (Impersonator::Themself, Some(principal)) => principal.user().ok_or(Error::Denied(Reason::UserRequired))?,
        (Impersonator::Named(by), None) => users::find(&app.db, by).await?.ok_or(Error::NotFound)?.id,
        _ => return Err(Error::Forbidden),
    };
    let lifetime = app.config.tokens.access_lifetime;
    let known = users::find(&app.db, id).await?.ok_or(Error::NotFound)?;
    let session = session_of(app, actor, &known);
    // The hook is asked before any row is locked, as this may be a call over the network.
    let answer = claims::ask_for_session(app, &session, &scope_of(app, &session, &known), TokenReason::Login).await?;
    let impersonating = store::transaction(&app.db, async |txn| {
        let user = users::find_locked(txn, id).await?.filter(|user| user.is_active).ok_or(Error::NotFound)?;
        let powers = actor.powers(app, txn).await?;
        powers.require_all_of(app, &user)?;
        let scope = scope_of(app, &session, &user);
        // The time is read while the user is locked: a request that disables the user finds this session.
        let now = app.clock.now();
        let expires_at = now + lifetime;
        let session = sessions::Model {
            scope: Some(scope.clone()),
            created_at: now,
            last_used_at: now,
            expires_at,
            absolute_expires_at: expires_at,
            ..session
        };
        sessions::insert(txn, &session).await?;
        login_events::insert(txn, event_of(&session, now)).await?;
        let after = json!({ "session": session.id.to_string(), "scope": scope.to_strings(), "by": by.to_string() });
        let (action, target_id, reason) = ("user.impersonate", id.to_string(), Some(reason));
        let entry = Entry { action, target_kind: "user", target_id, before: json!(null), after, reason };
        audit::record(app, txn, actor, entry).await?;
        let grant = Grant {
            holder: Holder::User(id, session.id),
            client_id: session.client_id.clone(),
            scope: scope.clone(),
            auth_time: session.auth_time,
            amr: session.amr.to_strings(),
            additional: claims::of_user(app, &user, &app.config.tokens.audience, answer),
            act: Some(Act { sub: by }),
            issued_at: now,
            expires_at,
        };
        let access_token = app.tokens.access.mint(&app.tokens.keyring, grant)?;
        Ok(Impersonation { access_token, expires_at, scope, user })
    });
    impersonating.await
}

fn event_of(session: &sessions::Model, now: DateTime<Utc>) -> login_events::Model {
    login_events::Model {
        id: EventId::generate(now),
        occurred_at: now,
        kind: Kind::Impersonation,
        code: None,
        user_id: Some(session.user_id),
        session_id: Some(session.id),
        client_id: Some(session.client_id.clone()),
        method: None,
        provider: None,
        application: None,
        ip_address: session.ip_address.clone(),
        user_agent: session.user_agent.clone(),
    }
}

/// Builds a session that has not begun yet.
fn session_of(app: &App, actor: &Actor, user: &users::Model) -> sessions::Model {
    let now = app.clock.now();
    sessions::Model {
        id: SessionId::generate(now),
        user_id: user.id,
        client_id: IMPERSONATION.to_owned(),
        scope: None,
        audience: None,
        amr: Amr::default(),
        acr: None,
        // The user has given no proof of identity: checks for a recent one fail.
        auth_time: DateTime::UNIX_EPOCH,
        generation: 0,
        user_agent: actor.device().user_agent.clone(),
        ip_address: actor.device().address.map(|address| address.to_string()),
        created_at: now,
        last_used_at: now,
        previous_use_at: None,
        expires_at: now,
        absolute_expires_at: now,
        revoked_at: None,
        revoked_reason: None,
    }
}
