//! The mutations of django-auth-service: `tokenAuth`, `verifyToken`, `refreshToken`. The schema has them only where
//! `rest.old_names` turns them on. They call the same functions as `login`, `verify` and `refresh`.

use async_graphql::types::Json;
use async_graphql::{Context, Object, SimpleObject};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use subgraph::credential;

use super::caller::{app, device};
use super::error::Result;
use engine::callers::Principal;
use engine::sessions::{self, TokenPair};
use engine::signing_in::{self, Identifier, Login};
use engine::verification::{self, Verified};
use model::error::Error;

/// Tokens of a user, with the fields of django-graphql-jwt.
#[derive(SimpleObject)]
#[graphql(name = "ObtainJSONWebToken")]
pub struct ObtainJsonWebToken {
    /// Access token. Send it in the header `Authorization: Bearer …` or `Authorization: JWT …`.
    token: String,
    /// Refresh token. Pass it to `refreshToken` once.
    refresh_token: String,
    /// Object with the e-mail address of the user (`email`), the time at which the access token expires (`exp`) and the
    /// time of the sign-in (`origIat`), in seconds since 1970.
    payload: Json<Value>,
    /// Time at which the session ends unless it is refreshed before, in seconds since 1970.
    refresh_expires_in: i64,
}

/// A valid access token.
#[derive(SimpleObject)]
pub struct Verify {
    /// Object with `email`, `exp` and `origIat`, as `tokenAuth` returns it.
    payload: Json<Value>,
}

#[derive(Default)]
pub(super) struct OldNameMutation;

#[Object]
impl OldNameMutation {
    /// Signs in with an e-mail address and a password, as `login` does.
    #[graphql(directive = credential::apply())]
    async fn token_auth(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "E-mail address of the account.")] email: String,
        #[graphql(desc = "Password of the account.", secret)] password: String,
    ) -> Result<ObtainJsonWebToken> {
        let identifier = Identifier::Email(email.parse()?);
        let login = Login { identifier, password: password.into(), scope: None, audience: None };
        let pair = signing_in::login(app(ctx), login, device(ctx)).await?;
        ObtainJsonWebToken::new(ctx, &pair).await
    }

    /// Checks an access token. Fails with its code when it is not valid.
    async fn verify_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Access token.", secret)] token: Option<String>,
    ) -> Result<Verify> {
        Ok(Verify { payload: payload(ctx, &required(token)?).await? })
    }

    /// Exchanges a refresh token for the next tokens, as `refresh` does. It does not accept an access token.
    #[graphql(directive = credential::apply())]
    async fn refresh_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Refresh token: the field `refreshToken` of the last answer.", secret)] token: Option<String>,
    ) -> Result<ObtainJsonWebToken> {
        let token = required(token)?;
        if !sessions::is_refresh_token(&token) {
            return Err(Error::invalid("token", "must be the refreshToken of the last answer, not its token").into());
        }
        let pair = sessions::refresh(app(ctx), &token, device(ctx)).await?;
        ObtainJsonWebToken::new(ctx, &pair).await
    }
}

impl ObtainJsonWebToken {
    async fn new(ctx: &Context<'_>, pair: &TokenPair) -> Result<Self> {
        Ok(Self {
            token: pair.access_token.expose_secret().to_owned(),
            refresh_token: pair.refresh_token.expose_secret().to_owned(),
            payload: payload(ctx, &pair.access_token).await?,
            refresh_expires_in: pair.refresh_expires_at.timestamp(),
        })
    }
}

async fn payload(ctx: &Context<'_>, token: &SecretString) -> Result<Json<Value>> {
    let verified = verification::verify(app(ctx), token).await?.map_err(Error::from)?;
    let user = verification::user_of(app(ctx), &verified).await?;
    match verified {
        Verified::Access(principal) => Ok(Json(payload_of(&principal, user.as_ref().map(|user| user.email.shown())))),
        Verified::Refresh(_) => Err(Error::TokenInvalid.into()),
    }
}

fn payload_of(principal: &Principal, email: Option<&str>) -> Value {
    let claims = principal.claims();
    json!({ "email": email, "exp": claims.exp, "origIat": claims.auth_time })
}

fn required(token: Option<String>) -> Result<SecretString> {
    Ok(token.map(SecretString::from).ok_or_else(|| Error::invalid("token", "is required"))?)
}
