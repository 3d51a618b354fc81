//! Sessions: `login`, `refresh`, `logout`, `revokeSession`, `sessions`.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject, Union};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use subgraph::{credential, guarded, requires};

use super::account::User;
use super::caller::{app, caller, device, principal};
use super::delivery::{self, Delivery};
use super::error::Result;
use super::guard::Authenticated;
use engine::sessions::{self, Reach};
use engine::signing_in::{self, Login};
use model::error::Error;
use model::values::{Scope, Scopes, SessionId};
use store::sessions::Model;

/// What a person signs in with.
#[derive(InputObject)]
pub struct LoginInput {
    /// The e-mail address of the account, in any case.
    email: String,
    /// The password.
    #[graphql(secret)]
    password: String,
    /// What the tokens shall allow at most; everything that the user has when left out. What the user does not have
    /// is left out of the answer.
    scope: Option<Vec<String>>,
    /// Who the access tokens shall be for: one of the audiences that are configured. Left out: the services of this
    /// graph.
    audience: Option<String>,
    /// How the refresh token is delivered.
    #[graphql(default)]
    delivery: Delivery,
}

/// How a sign-in goes on. Refusals are errors with a code.
#[derive(Union)]
#[expect(clippy::large_enum_variant, reason = "it lives for one answer, and nearly always holds the larger one")]
pub enum LoginResult {
    /// Signed in.
    TokenPair(TokenPair),
    /// Something else must be proved first.
    ChallengeRequired(ChallengeRequired),
}

/// An access token, and the refresh token that gets the next one.
#[derive(SimpleObject)]
pub struct TokenPair {
    /// The access token, a JWT (RFC 9068): send it as `Authorization: Bearer …`.
    access_token: String,
    /// The refresh token, to be presented to `refresh` once; null when it was delivered in a cookie.
    refresh_token: Option<String>,
    /// To be sent as the header `X-CSRF-Token` whenever the cookie is used; null unless it was delivered in a cookie.
    /// It stays the same for the whole session, and is of no use without the cookie.
    csrf_token: Option<String>,
    /// Always `Bearer` (RFC 6750).
    token_type: &'static str,
    /// For how many seconds the access token is good.
    expires_in: i64,
    /// When the access token expires.
    expires_at: DateTime<Utc>,
    /// When the session ends unless it is refreshed before.
    refresh_expires_at: DateTime<Utc>,
    /// What the access token allows.
    scope: Vec<String>,
    /// Who signed in.
    user: User,
}

/// A further proof that is needed before tokens are given. No account asks for one yet.
#[derive(SimpleObject)]
pub struct ChallengeRequired {
    /// To be sent back with the proof.
    challenge: String,
    /// What can be proved, one of them is enough.
    methods: Vec<ChallengeMethod>,
    /// Until when.
    expires_at: DateTime<Utc>,
}

/// A further proof of who somebody is.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeMethod {
    /// A code from an authenticator (RFC 6238).
    Totp,
}

/// One sign-in on one device.
#[derive(SimpleObject)]
pub struct Session {
    /// Names the session.
    id: ID,
    /// When it began.
    created_at: DateTime<Utc>,
    /// When it was last refreshed.
    last_used_at: DateTime<Utc>,
    /// When it ends unless it is refreshed before.
    expires_at: DateTime<Utc>,
    /// The client that the user signed in with.
    client_id: String,
    /// Who its access tokens are for; null: the services of this graph.
    audience: Option<String>,
    /// What was asked for at sign-in; null: everything that the user has.
    scope: Option<Vec<String>>,
    /// The program that signed in, as it calls itself.
    user_agent: Option<String>,
    /// The address that it was last used from.
    ip_address: Option<String>,
    /// Whether it is the one that this request belongs to.
    current: bool,
}

/// What a sign-out did.
#[derive(SimpleObject)]
pub struct LogoutPayload {
    /// How many sessions have ended; 0, if they had ended before.
    revoked_sessions: usize,
}

/// What ending a session did.
#[derive(SimpleObject)]
pub struct RevokeSessionPayload {
    /// The session that has ended.
    session: Session,
}

#[derive(Default)]
pub(super) struct SessionQuery;

#[guarded]
#[Object]
impl SessionQuery {
    /// Your own sessions that have not ended, the latest first.
    #[graphql(requires(Authenticated))]
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Vec<Session>> {
        let caller = principal(ctx)?;
        let sessions = sessions::list(app(ctx), caller).await?;
        Ok(sessions.into_iter().map(|session| Session::new(session, caller.session())).collect())
    }
}

#[derive(Default)]
pub(super) struct SessionMutation;

#[guarded]
#[Object]
impl SessionMutation {
    /// Signs in with an e-mail address and a password. An unknown address, a wrong password and a disabled user are
    /// all `INVALID_CREDENTIALS`.
    #[graphql(directive = credential::apply())]
    async fn login(&self, ctx: &Context<'_>, input: LoginInput) -> Result<LoginResult> {
        if input.delivery == Delivery::Cookie {
            delivery::check_page(ctx)?;
        }
        let login = Login {
            email: input.email.parse()?,
            password: input.password.into(),
            scope: input.scope.map(parse_scope).transpose()?,
            audience: input.audience,
        };
        let pair = signing_in::login(app(ctx), login, device(ctx)).await?;
        Ok(LoginResult::TokenPair(TokenPair::deliver(ctx, pair, input.delivery)))
    }

    /// Gets the next pair of tokens. It may be repeated with the same token, by another tab or after a lost answer, as
    /// long as the successor was not used; anything older ends the session with `TOKEN_REUSED`.
    #[graphql(directive = credential::apply())]
    async fn refresh(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The refresh token; the one in the cookie when left out, which takes the header `X-CSRF-Token`.",
            secret
        )]
        refresh_token: Option<String>,
    ) -> Result<TokenPair> {
        let (token, delivery) = match (refresh_token, delivery::cookie(ctx)) {
            (Some(token), _) => (SecretString::from(token), Delivery::Body),
            (None, Some(cookie)) => (cookie?.clone(), Delivery::Cookie),
            (None, None) => return Err(Error::Unauthenticated.into()),
        };
        let pair = sessions::refresh(app(ctx), &token, device(ctx)).await?;
        Ok(TokenPair::deliver(ctx, pair, delivery))
    }

    /// Signs out: ends the session of the refresh token given, of the one in the cookie (with the header
    /// `X-CSRF-Token`), or of the access token.
    async fn logout(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token of the session to end.", secret)] refresh_token: Option<String>,
        #[graphql(desc = "Whether all sessions of the user end.", default_with = "Some(false)")] everywhere: Option<
            bool,
        >,
    ) -> Result<LogoutPayload> {
        let reach = if everywhere.unwrap_or_default() { Reach::Everywhere } else { Reach::This };
        let given = refresh_token.map(SecretString::from);
        let cookie = if given.is_none() { delivery::cookie(ctx) } else { None };
        let (token, caller) = match (&given, &cookie) {
            (Some(token), _) => (Some(token), None),
            (None, Some(Ok(token))) => (Some(*token), None),
            (None, Some(Err(_)) | None) => (None, caller(ctx)?),
        };
        if let (Some(Err(refusal)), None) = (cookie, caller) {
            return Err(refusal.into());
        }
        let revoked_sessions = sessions::logout(app(ctx), token, caller, reach, device(ctx)).await?;
        if given.is_none() && token.is_some() {
            delivery::clear(ctx);
        }
        Ok(LogoutPayload { revoked_sessions })
    }

    /// Ends one of your own sessions: its tokens are refused from now on.
    #[graphql(requires(Authenticated))]
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session's `id`.")] id: ID,
    ) -> Result<RevokeSessionPayload> {
        let caller = principal(ctx)?;
        let id = id.parse().map_err(|_| Error::NotFound)?;
        let session = sessions::revoke(app(ctx), caller, id).await?;
        Ok(RevokeSessionPayload { session: Session::new(session, caller.session()) })
    }
}

impl TokenPair {
    fn deliver(ctx: &Context<'_>, pair: sessions::TokenPair, delivery: Delivery) -> Self {
        let (refresh_token, csrf_token) = match delivery {
            Delivery::Body => (Some(pair.refresh_token.expose_secret().to_owned()), None),
            Delivery::Cookie => {
                delivery::set(ctx, &pair.refresh_token, pair.refresh_expires_in);
                (None, Some(app(ctx).csrf_tokens.encode(pair.session)))
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

impl Session {
    pub(super) fn new(session: Model, current: SessionId) -> Self {
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
            current: session.id == current,
        }
    }
}

fn parse_scope(scope: Vec<String>) -> Result<Scopes> {
    Ok(scope.into_iter().map(|scope| scope.parse::<Scope>()).collect::<std::result::Result<_, _>>()?)
}
