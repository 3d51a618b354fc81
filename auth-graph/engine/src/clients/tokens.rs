//! Token introspection and revocation by clients.

use secrecy::SecretString;

use super::CallingClient;
use crate::app::App;
use crate::callers::Device;
use crate::callers::{Refusal, authentication};
use crate::sessions::{LogoutTarget, logout};
use crate::verification::{self, Verified};
use credentials::RefreshTokens;
use model::error::{Error, Reason, Result};
use model::values::{ClientId, Revoked, TokenId};
use store::{changes, clients, revoked_tokens, sessions};

/// Returns the claims of a token, if it is valid and this client may see them: the client serves the audience of the
/// access token, or the token was issued to it. Otherwise returns `None`, without revealing the reason.
///
/// # Errors
/// When the state of the token is unknown because the database fails.
pub async fn introspect(app: &App, client: &clients::Model, token: &SecretString) -> Result<Option<Verified>> {
    let own = client.id.to_string();
    let found = verification::inspect(app, token).await?.ok();
    Ok(found.filter(|verified| match verified {
        Verified::Access(principal) => {
            let claims = principal.claims();
            claims.client_id == own || client.audiences().contains(&claims.aud)
        }
        Verified::Refresh(session) => session.client_id == own,
    }))
}

/// Revokes a token of the client that presents it. A user's token ends its session; a service client's token ends
/// alone. A token that is not valid has ended already.
///
/// # Errors
/// [`Error::Denied`] when the token belongs to another client, in which case it stays valid.
pub async fn revoke(app: &App, client: &CallingClient, token: &SecretString, device: &Device) -> Result<()> {
    if RefreshTokens::recognises(token) {
        return revoke_refresh(app, client, token, device).await;
    }
    let principal = match authentication::inspect(app, token).await {
        Ok(principal) => principal,
        Err(Refusal::Unknown) => return Err(Refusal::Unknown.into()),
        Err(_) => return Ok(()),
    };
    if principal.claims().client_id != client.client_id() {
        return Err(Error::Denied(Reason::OtherClient));
    }
    if let Some(client) = principal.subject().client() {
        return revoke_single(app, client, principal.claims().jti).await;
    }
    logout(app, None, Some(&principal), LogoutTarget::ThisSession, device).await.map(drop)
}

async fn revoke_refresh(app: &App, client: &CallingClient, token: &SecretString, device: &Device) -> Result<()> {
    let Ok((id, _)) = app.tokens.refresh.decode(token) else { return Ok(()) };
    let Some(session) = sessions::find(&app.db, id).await? else { return Ok(()) };
    if session.client_id != client.client_id() {
        return Err(Error::Denied(Reason::OtherClient));
    }
    match logout(app, Some(token), None, LogoutTarget::ThisSession, device).await {
        // An outdated token has ended its session in the process.
        Ok(_) | Err(Error::TokenInvalid | Error::TokenReused) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Revokes a single token of a service client.
async fn revoke_single(app: &App, client: ClientId, token: TokenId) -> Result<()> {
    let now = app.clock.now();
    let revoking = store::transaction(&app.db, async |txn| {
        if revoked_tokens::insert(txn, token, now).await? {
            changes::append_token_revoked(txn, client, token, now).await?;
        }
        Ok(())
    });
    revoking.await?;
    app.tokens.revocations.insert(Revoked::Token(token), now);
    app.feed.written.notify_one();
    Ok(())
}
