//! Sessions: `login`, `refresh`, `logout`, `revokeSession`, `myLoginSessions`.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject, Union};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use subgraph::{access, credential, guarded};

use super::account::User;
use super::caller::{app, caller, device, principal};
use super::delivery::{self, TokenDelivery};
use super::error::Result;
use super::guard::Authenticated;
use engine::sessions::{self, LogoutTarget};
use engine::signing_in::{self, Identifier, Login};
use model::error::Error;
use model::values::{Scope, Scopes, SessionId};
use store::sessions::Model;

/// Credentials of a user, and properties of the tokens to issue.
#[derive(InputObject)]
pub struct LoginInput {
    /// E-mail address of the account. Upper and lower case do not matter. Either it or `username` is required.
    email: Option<String>,
    /// User name of the account in place of the e-mail address, if the service accepts user names. Upper and lower case
    /// are different.
    username: Option<String>,
    /// Password of the account.
    #[graphql(secret)]
    password: String,
    /// Scopes to request. By default, the tokens get every scope that the user has. Scopes that the user does not have
    /// are ignored: `TokenPair.scope` lists the scopes that were granted.
    scope: Option<Vec<String>>,
    /// Audience of the access tokens: one of the audiences in the configuration of the service. By default, the tokens
    /// are for the services of this graph.
    audience: Option<String>,
    /// Way in which the refresh token is delivered.
    #[graphql(default)]
    delivery: TokenDelivery,
}

/// Result of a sign-in. Failures are errors with a code.
#[derive(Union)]
#[expect(clippy::large_enum_variant, reason = "it lives for one answer, and nearly always holds the larger one")]
pub enum LoginResult {
    /// The user is signed in.
    TokenPair(TokenPair),
    /// A further proof of identity is required.
    SignInChallengeRequired(SignInChallengeRequired),
}

/// An access token, and a refresh token to obtain the next pair with.
#[derive(SimpleObject)]
pub struct TokenPair {
    /// Access token, a JWT (RFC 9068). Send it in the header `Authorization: Bearer …`.
    access_token: String,
    /// Refresh token. Pass it to `refresh` once. Null when it was delivered in a cookie.
    refresh_token: Option<String>,
    /// Token to send in the header `X-CSRF-Token` with every request that uses the cookie. Null unless the refresh
    /// token was delivered in a cookie. It stays the same for the whole session, and has no use without the cookie.
    csrf_token: Option<String>,
    /// Type of the access token, always `Bearer` (RFC 6750).
    token_type: &'static str,
    /// Lifetime of the access token in seconds, counted from now.
    expires_in: i64,
    /// Time at which the access token expires (UTC).
    expires_at: DateTime<Utc>,
    /// Time at which the session ends unless it is refreshed before (UTC).
    refresh_expires_at: DateTime<Utc>,
    /// Scopes that the access token grants.
    scope: Vec<String>,
    /// The user who signed in.
    user: User,
}

/// A further proof of identity that is required before tokens are issued. No account requires one yet.
#[derive(SimpleObject)]
pub struct SignInChallengeRequired {
    /// Identifier of the challenge, to send back with the proof.
    challenge: String,
    /// Accepted methods of proof. Any single one is enough.
    methods: Vec<SignInChallengeMethod>,
    /// Time at which the challenge expires (UTC).
    expires_at: DateTime<Utc>,
}

/// Method of a further proof of identity.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum SignInChallengeMethod {
    /// A time-based one-time code from an authenticator app (RFC 6238).
    Totp,
}

/// A sign-in of a user on one device. It lasts as long as it is refreshed in time.
#[derive(SimpleObject)]
pub struct LoginSession {
    /// Identifier of the session.
    id: ID,
    /// Time of the sign-in (UTC).
    created_at: DateTime<Utc>,
    /// Time of the last refresh (UTC).
    last_used_at: DateTime<Utc>,
    /// Time at which the session ends unless it is refreshed before (UTC).
    expires_at: DateTime<Utc>,
    /// Identifier of the client that the user signed in with.
    client_id: String,
    /// Audience of the access tokens. Null for the services of this graph.
    audience: Option<String>,
    /// Scopes that were requested at the sign-in. Null for every scope that the user has.
    scope: Option<Vec<String>>,
    /// User agent of the sign-in, as the program names itself in the header `User-Agent`.
    user_agent: Option<String>,
    /// IP address that the session was last used from.
    ip_address: Option<String>,
    /// True when this request belongs to the session.
    current: bool,
}

/// Result of `logout`.
#[derive(SimpleObject)]
pub struct LogoutPayload {
    /// Number of sessions that were ended. 0 when they had ended before.
    revoked_sessions: usize,
}

/// Result of `revokeSession`.
#[derive(SimpleObject)]
pub struct RevokeSessionPayload {
    /// The session that was ended.
    session: LoginSession,
}

#[derive(Default)]
pub(super) struct SessionQuery;

#[guarded]
#[Object]
impl SessionQuery {
    /// Lists your own active sessions, latest first. Requires a signed-in user.
    #[graphql(access(Authenticated))]
    async fn my_login_sessions(&self, ctx: &Context<'_>) -> Result<Vec<LoginSession>> {
        own_sessions(ctx).await
    }
}

/// The former name of `myLoginSessions`, which other subgraphs of a graph have too: it belongs to the part `full` only.
#[derive(Default)]
pub(super) struct FormerSessionQuery;

#[guarded]
#[Object]
impl FormerSessionQuery {
    /// Lists your own active sessions, latest first. Requires a signed-in user.
    #[graphql(access(Authenticated), deprecation = "Use `myLoginSessions`.")]
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Vec<LoginSession>> {
        own_sessions(ctx).await
    }
}

#[derive(Default)]
pub(super) struct SessionMutation;

#[guarded]
#[Object]
impl SessionMutation {
    /// Signs in with an e-mail address or a user name, and a password. Fails with `INVALID_CREDENTIALS` when the
    /// address or name is unknown, the password is wrong or the user is disabled: the cases cannot be told apart.
    #[graphql(directive = credential::apply())]
    async fn login(&self, ctx: &Context<'_>, input: LoginInput) -> Result<LoginResult> {
        if input.delivery == TokenDelivery::Cookie {
            delivery::check_page(ctx)?;
        }
        let identifier = match (input.email, input.username) {
            (Some(email), None) => Identifier::Email(email.parse()?),
            (None, Some(name)) => Identifier::Username(name.parse()?),
            _ => return Err(Error::invalid("email", "or username is required, but not both").into()),
        };
        let login = Login {
            identifier,
            password: input.password.into(),
            scope: input.scope.map(parse_scope).transpose()?,
            audience: input.audience,
        };
        let pair = signing_in::login(app(ctx), login, device(ctx)).await?;
        Ok(LoginResult::TokenPair(TokenPair::deliver(ctx, pair, input.delivery)))
    }

    /// Exchanges a refresh token for the next pair of tokens. The call can be repeated with the same token, for example
    /// from another tab or after a lost response, until the new refresh token is used. After that, using the old one
    /// fails with `TOKEN_REUSED` and ends the session.
    #[graphql(directive = credential::apply())]
    async fn refresh(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Refresh token. By default, the one in the cookie is used, which requires the header `X-CSRF-Token`.",
            secret
        )]
        refresh_token: Option<String>,
    ) -> Result<TokenPair> {
        let (token, delivery) = match (refresh_token, delivery::cookie(ctx)) {
            (Some(token), _) => (SecretString::from(token), TokenDelivery::Body),
            (None, Some(cookie)) => (cookie?.clone(), TokenDelivery::Cookie),
            (None, None) => return Err(Error::Unauthenticated.into()),
        };
        let pair = sessions::refresh(app(ctx), &token, device(ctx)).await?;
        Ok(TokenPair::deliver(ctx, pair, delivery))
    }

    /// Signs out. Ends the session of the refresh token in the argument, else of the one in the cookie (together with
    /// the header `X-CSRF-Token`), else of the access token. A caller who acts as another user cannot end all sessions.
    async fn logout(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Refresh token of the session to end.", secret)] refresh_token: Option<String>,
        #[graphql(desc = "True to end all sessions of the user.", default_with = "Some(false)")] everywhere: Option<
            bool,
        >,
    ) -> Result<LogoutPayload> {
        let target = if everywhere.unwrap_or_default() { LogoutTarget::AllSessions } else { LogoutTarget::ThisSession };
        let given = refresh_token.map(SecretString::from);
        let cookie = if given.is_none() { delivery::cookie(ctx) } else { None };
        let (token, caller) = match (&given, &cookie) {
            (Some(token), _) => (Some(token), None),
            (None, Some(Ok(token))) => (Some(*token), None),
            (None, Some(Err(_))) => (None, caller(ctx)?),
            (None, None) => match caller(ctx) {
                // A page with two tabs signs out twice.
                Err(_) | Ok(None) if target == LogoutTarget::ThisSession && delivery::is_signed_out(ctx)? => {
                    return Ok(LogoutPayload { revoked_sessions: 0 });
                }
                caller => (None, caller?),
            },
        };
        if let (Some(Err(refusal)), None) = (cookie, caller) {
            return Err(refusal.into());
        }
        let revoked_sessions = sessions::logout(app(ctx), token, caller, target, device(ctx)).await?;
        if given.is_none() && token.is_some() {
            delivery::clear(ctx);
        }
        Ok(LogoutPayload { revoked_sessions })
    }

    /// Ends one of your own sessions. Its tokens are rejected from now on. A caller who acts as another user can only
    /// end the session of their own token. Requires a signed-in user.
    #[graphql(access(Authenticated))]
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the session.")] id: ID,
    ) -> Result<RevokeSessionPayload> {
        let caller = principal(ctx)?;
        let id = id.parse().map_err(|_| Error::NotFound)?;
        let session = sessions::revoke(app(ctx), caller, id).await?;
        Ok(RevokeSessionPayload { session: LoginSession::new(session, caller.holder().session()) })
    }
}

impl TokenPair {
    fn deliver(ctx: &Context<'_>, pair: sessions::TokenPair, delivery: TokenDelivery) -> Self {
        let (refresh_token, csrf_token) = match delivery {
            TokenDelivery::Body => (Some(pair.refresh_token.expose_secret().to_owned()), None),
            TokenDelivery::Cookie => {
                delivery::set(ctx, &pair.refresh_token, pair.refresh_expires_in);
                (None, Some(app(ctx).tokens.csrf.encode(pair.session)))
            }
        };
        Self {
            access_token: pair.access_token.expose_secret().to_owned(),
            refresh_token,
            csrf_token,
            token_type: "Bearer",
            expires_in: pair.expires_in.num_seconds(),
            expires_at: pair.expires_at,
            refresh_expires_at: pair.refresh_expires_at,
            scope: pair.scope.to_strings(),
            user: User::new(app(ctx), pair.user),
        }
    }
}

impl LoginSession {
    pub(super) fn new(session: Model, current: Option<SessionId>) -> Self {
        Self {
            id: session.id.0.into(),
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            client_id: session.client_id,
            audience: session.audience,
            scope: session.scope.map(|scope| scope.to_strings()),
            user_agent: session.user_agent,
            ip_address: session.ip_address,
            current: Some(session.id) == current,
        }
    }
}

async fn own_sessions(ctx: &Context<'_>) -> Result<Vec<LoginSession>> {
    let caller = principal(ctx)?;
    let sessions = sessions::list(app(ctx), caller).await?;
    Ok(sessions.into_iter().map(|session| LoginSession::new(session, caller.holder().session())).collect())
}

fn parse_scope(scope: Vec<String>) -> Result<Scopes> {
    Ok(scope.into_iter().map(|scope| scope.parse::<Scope>()).collect::<std::result::Result<_, _>>()?)
}
