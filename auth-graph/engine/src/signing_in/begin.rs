//! Begins a session for a user who has proved their identity.

use model::error::{Error, Result};
use model::values::{Amr, Scopes, SessionId};
use store::clients::FIRST_PARTY;
use store::{sessions, users};

use super::challenge::SufficientProof;
use super::events::{self, Event};
use crate::app::App;
use crate::callers::Device;
use crate::claims;
use crate::egress::claims_hook::TokenReason;
use crate::limits;
use crate::sessions::{Ended, TokenPair, idle_end, issue, scope_of};

/// The requested properties of a session.
#[derive(Debug)]
pub(super) struct SessionRequest {
    /// Maximum scopes of the tokens; `None` for all scopes of the user.
    pub(super) scope: Option<Scopes>,
    /// Audience; `None` for the services of this graph.
    pub(super) audience: Option<String>,
}

impl SessionRequest {
    /// Checks that people may sign in for the audience.
    ///
    /// # Errors
    /// [`Error::ValidationFailed`] when they may not.
    pub(super) fn check(self, app: &App) -> Result<Self> {
        match &self.audience {
            Some(audience) if !app.config.serves_audience(audience) => {
                Err(Error::invalid("audience", "is not an audience that users can sign in for"))
            }
            _ => Ok(self),
        }
    }
}

/// Writes the session and its login event, and returns its tokens.
///
/// # Errors
/// [`Error::InvalidCredentials`] when the user was disabled, or their credential changed, meanwhile;
/// [`Error::Unavailable`] when the claims hook fails.
pub(super) async fn begin(
    app: &App,
    sufficient: SufficientProof,
    request: SessionRequest,
    device: &Device,
) -> Result<TokenPair> {
    let session = session(app, &sufficient, request, device)?;
    let proof = sufficient.into_proof();
    let scope = scope_of(app, &session, &proof.user);
    // The hook is asked before any row is locked, because this may be a network call.
    let answer = claims::ask_for_session(app, &session, &scope, TokenReason::Login).await?;
    let now = session.created_at;
    let beginning = store::transaction(&app.db, async |txn| {
        // This locks the row of the user. A request that disables the user or changes a credential waits, and then
        // finds the session.
        let user = users::record_login(txn, proof.user.id, now).await?.ok_or(Error::InvalidCredentials)?;
        if let Some(compared) = &proof.compared
            && !compared.confirm(txn).await?
        {
            return Err(Error::InvalidCredentials);
        }
        let others = app.config.tokens.sessions_per_user - 1;
        let displaced = Ended::beyond(txn, user.id, others, now).await?;
        sessions::insert(txn, &session).await?;
        limits::remember_network(txn, user.id, device, now).await?;
        let event = Event { user: user.id, session: session.id, method: proof.methods.first().copied() };
        events::granted(txn, event, device, now).await?;
        if let Some(attempt) = &proof.attempt {
            attempt.give_back(txn).await?;
        }
        Ok((user, displaced))
    });
    let (user, displaced) = beginning.await?;
    if displaced.count() > 0 {
        displaced.announce(app);
    }
    issue(app, &session, user, answer, now)
}

fn session(
    app: &App,
    sufficient: &SufficientProof,
    request: SessionRequest,
    device: &Device,
) -> Result<sessions::Model> {
    let (proof, now) = (sufficient.proof(), app.clock.now());
    let absolute_expires_at = now + app.config.tokens.session_lifetime;
    let amr: Amr = proof.methods.iter().copied().collect();
    Ok(sessions::Model {
        id: SessionId::generate(now),
        user_id: proof.user.id,
        client_id: FIRST_PARTY.to_owned(),
        audience: request.audience.filter(|audience| *audience != app.config.tokens.audience),
        scope: request.scope,
        acr: amr.level(),
        amr,
        auth_time: now,
        generation: 0,
        user_agent: device.user_agent.clone(),
        ip_address: device.address.map(|address| address.to_string()),
        created_at: now,
        last_used_at: now,
        previous_use_at: None,
        expires_at: idle_end(app, now).min(absolute_expires_at),
        absolute_expires_at,
        revoked_at: None,
        revoked_reason: None,
    })
}
