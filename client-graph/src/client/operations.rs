//! The operations of auth-graph, as methods of [`AuthGraph`].
//!
//! Each fails with the code of auth-graph's refusal, and with `UNAVAILABLE` when auth-graph cannot be reached, is too
//! slow or sends an answer that cannot be read.

use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use super::AuthGraph;
use crate::error::Error;
use crate::ids::{SessionId, UserId};
use crate::operations::documents::{self, Login, Logout, Me, Refresh, Users, Verify};
use crate::operations::{
    Challenge, Claims, Credentials, Ending, Profile, Repeat, Reply, SignIn, TokenPair, TokenType, User, UserPage,
    VerificationFailure, Verified,
};

/// What a person signs in with.
pub(crate) enum Account {
    Email(String),
    #[cfg(feature = "proxy")]
    Username(String),
}

impl AuthGraph {
    /// Signs a user in. The request is never repeated automatically.
    ///
    /// # Errors
    /// `INVALID_CREDENTIALS`, `RATE_LIMITED`, `UNAVAILABLE`, …
    pub async fn login(&self, credentials: Credentials) -> Result<SignIn, Error> {
        let Credentials { email, password, scope } = credentials;
        Ok(self.login_with(Account::Email(email), password, scope, &HeaderMap::new()).await?.data)
    }

    /// Gets the next token pair. The same token gets the same pair again until that pair was used.
    ///
    /// # Errors
    /// `TOKEN_INVALID`, `TOKEN_EXPIRED`, `TOKEN_REVOKED`, `TOKEN_REUSED`, `UNAVAILABLE`, …
    pub async fn refresh(&self, refresh_token: SecretString) -> Result<TokenPair, Error> {
        Ok(self.refresh_with(Some(&refresh_token), &HeaderMap::new()).await?.data)
    }

    /// Asks auth-graph whether a token is good: an access token or a refresh token.
    ///
    /// # Errors
    /// `UNAVAILABLE`, … A token that is not good is a result, not an error.
    pub async fn verify(&self, token: &SecretString) -> Result<Verified, Error> {
        self.verify_with(token, &HeaderMap::new()).await
    }

    /// Ends the session of a refresh token. Returns the number of ended sessions.
    ///
    /// # Errors
    /// `TOKEN_INVALID`, `UNAVAILABLE`, …
    pub async fn logout(&self, refresh_token: SecretString) -> Result<i64, Error> {
        Ok(self.logout_with(Some(&refresh_token), Ending::OneSession, &HeaderMap::new()).await?.data)
    }

    /// Ends all sessions of the user of a refresh token. Returns the number of ended sessions.
    ///
    /// # Errors
    /// `TOKEN_INVALID`, `UNAVAILABLE`, …
    pub async fn logout_everywhere(&self, refresh_token: SecretString) -> Result<i64, Error> {
        Ok(self.logout_with(Some(&refresh_token), Ending::AllSessions, &HeaderMap::new()).await?.data)
    }

    /// Returns the user of an access token.
    ///
    /// # Errors
    /// The code of a token that is not good, or `UNAVAILABLE`, …
    pub async fn me(&self, access_token: &SecretString) -> Result<Option<User>, Error> {
        let reply = self.run_as::<Me>(documents::me::Variables {}, access_token).await?;
        reply.me.map(User::try_from).transpose()
    }

    /// Returns the user of an access token, with the fields that only the user may see.
    ///
    /// # Errors
    /// As [`me`](Self::me).
    pub async fn profile(&self, access_token: &SecretString) -> Result<Option<Profile>, Error> {
        let reply = self.run_as::<documents::Profile>(documents::profile::Variables {}, access_token).await?;
        reply.me.map(|me| Ok(Profile { last_login: me.last_login, user: me.profile_fields.try_into()? })).transpose()
    }

    /// Returns a user whom the caller may see: the caller, or any user with the scope `users:read`.
    ///
    /// # Errors
    /// `FORBIDDEN` where auth-graph shows the caller only the public profile of this user; as [`me`](Self::me).
    pub async fn user(&self, access_token: &SecretString, id: UserId) -> Result<Option<User>, Error> {
        let variables = documents::user::Variables { id: id.to_string() };
        let reply = self.run_as::<documents::User>(variables, access_token).await?;
        reply.user.map(User::try_from).transpose()
    }

    /// Returns a user as [`user`](Self::user) does, with the time of the last sign-in.
    #[cfg(feature = "proxy")]
    pub(crate) async fn user_profile(&self, access_token: &SecretString, id: UserId) -> Result<Option<Profile>, Error> {
        let variables = documents::user_profile::Variables { id: id.to_string() };
        let reply = self.run_as::<documents::UserProfile>(variables, access_token).await?;
        reply
            .user
            .map(|user| Ok(Profile { last_login: user.last_login, user: user.user_profile_fields.try_into()? }))
            .transpose()
    }

    /// Changes the password of the user of an access token, and ends all their sessions.
    #[cfg(feature = "proxy")]
    pub(crate) async fn change_password_with(
        &self,
        access_token: &SecretString,
        current: &SecretString,
        new: &SecretString,
        headers: &HeaderMap,
    ) -> Result<(), Error> {
        use documents::change_password::{ChangePasswordInput, Variables};
        let input = ChangePasswordInput {
            current_password: Some(current.expose_secret().to_owned()),
            new_password: new.expose_secret().to_owned(),
        };
        let variables = Variables { input };
        let (token, never) = (Some(access_token), Repeat::Never);
        self.transport().run::<documents::ChangePassword>(variables, token, headers, never).await.map(drop)
    }

    /// Returns a page of at most `first` users, from the start or after an earlier page. Requires `users:read`.
    ///
    /// # Errors
    /// `FORBIDDEN`, or as [`me`](Self::me).
    pub async fn users(
        &self,
        access_token: &SecretString,
        first: u8,
        after: Option<String>,
    ) -> Result<UserPage, Error> {
        let variables =
            documents::users::Variables { filter: None, first: Some(first.into()), after, last: None, before: None };
        let page = self.run_as::<Users>(variables, access_token).await?.users;
        Ok(UserPage {
            users: page.edges.into_iter().map(|edge| edge.node.try_into()).collect::<Result<_, Error>>()?,
            next: page.page_info.end_cursor.filter(|_| page.page_info.has_next_page),
            total: page.total_count,
        })
    }

    /// Returns an access token of this service, for calls in its own name. It is kept until shortly before its end.
    ///
    /// # Errors
    /// `INVALID_CREDENTIALS` when auth-graph does not know the service client; `UNAVAILABLE` when it cannot be asked;
    /// `INTERNAL` when no service client is configured.
    pub async fn service_token(&self) -> Result<SecretString, Error> {
        self.inner.remote.service_token().await
    }

    pub(crate) async fn login_with(
        &self,
        account: Account,
        password: SecretString,
        scope: Option<Vec<String>>,
        headers: &HeaderMap,
    ) -> Result<Reply<SignIn>, Error> {
        use documents::login::{LoginInput, LoginLogin, TokenDelivery, Variables};
        let (email, username) = match account {
            Account::Email(email) => (Some(email), None),
            #[cfg(feature = "proxy")]
            Account::Username(name) => (None, Some(name)),
        };
        let input = LoginInput {
            email,
            username,
            password: password.expose_secret().to_owned(),
            scope,
            audience: None,
            delivery: TokenDelivery::BODY,
        };
        let reply = self.transport().run::<Login>(Variables { input }, None, headers, Repeat::Never).await?;
        let data = match reply.data.login {
            LoginLogin::TokenPair(pair) => SignIn::TokenPair(Box::new(TokenPair {
                access_token: pair.access_token.into(),
                refresh_token: pair.refresh_token.map(SecretString::from),
                csrf_token: pair.csrf_token,
                token_type: pair.token_type,
                expires_in: seconds(pair.expires_in),
                expires_at: pair.expires_at,
                refresh_expires_at: pair.refresh_expires_at,
                scope: pair.scope,
                user: pair.user.try_into()?,
            })),
            LoginLogin::SignInChallengeRequired(challenge) => SignIn::ChallengeRequired(Challenge {
                challenge: challenge.challenge.into(),
                methods: challenge.methods.into_iter().map(documents::challenge_method).collect(),
                expires_at: challenge.expires_at,
            }),
        };
        Ok(Reply { data, headers: reply.headers })
    }

    pub(crate) async fn refresh_with(
        &self,
        refresh_token: Option<&SecretString>,
        headers: &HeaderMap,
    ) -> Result<Reply<TokenPair>, Error> {
        let variables = documents::refresh::Variables {
            refresh_token: refresh_token.map(|token| token.expose_secret().to_owned()),
        };
        let reply = self.transport().run::<Refresh>(variables, None, headers, Repeat::Safe).await?;
        let pair = reply.data.refresh;
        let data = TokenPair {
            access_token: pair.access_token.into(),
            refresh_token: pair.refresh_token.map(SecretString::from),
            csrf_token: pair.csrf_token,
            token_type: pair.token_type,
            expires_in: seconds(pair.expires_in),
            expires_at: pair.expires_at,
            refresh_expires_at: pair.refresh_expires_at,
            scope: pair.scope,
            user: pair.user.try_into()?,
        };
        Ok(Reply { data, headers: reply.headers })
    }

    pub(crate) async fn verify_with(&self, token: &SecretString, headers: &HeaderMap) -> Result<Verified, Error> {
        use documents::verify;
        let variables = verify::Variables { token: token.expose_secret().to_owned() };
        let answer = self.transport().run::<Verify>(variables, None, headers, Repeat::Safe).await?.data.verify;
        if !answer.active {
            return Ok(Verified::Inactive(match answer.reason {
                Some(verify::TokenVerificationFailure::EXPIRED) => VerificationFailure::Expired,
                Some(verify::TokenVerificationFailure::REVOKED) => VerificationFailure::Revoked,
                _ => VerificationFailure::Invalid,
            }));
        }
        let claims = answer.claims.map(Claims::try_from).transpose()?;
        match answer.token_type {
            Some(verify::VerifiedTokenType::ACCESS) => Ok(Verified::Active(TokenType::Access, claims)),
            Some(verify::VerifiedTokenType::REFRESH) => Ok(Verified::Active(TokenType::Refresh, claims)),
            _ => Err(Error::unavailable("auth-graph named an unknown type of token")),
        }
    }

    pub(crate) async fn logout_with(
        &self,
        refresh_token: Option<&SecretString>,
        ending: Ending,
        headers: &HeaderMap,
    ) -> Result<Reply<i64>, Error> {
        let refresh_token = refresh_token.map(|token| token.expose_secret().to_owned());
        let everywhere = ending == Ending::AllSessions;
        let variables = documents::logout::Variables { refresh_token, everywhere };
        let reply = self.transport().run::<Logout>(variables, None, headers, Repeat::Never).await?;
        Ok(Reply { data: reply.data.logout.revoked_sessions, headers: reply.headers })
    }

    async fn run_as<Q: graphql_client::GraphQLQuery>(
        &self,
        variables: Q::Variables,
        access_token: &SecretString,
    ) -> Result<Q::ResponseData, Error> {
        let reply = self.transport().run::<Q>(variables, Some(access_token), &HeaderMap::new(), Repeat::Safe).await?;
        Ok(reply.data)
    }
}

fn seconds(seconds: i64) -> std::time::Duration {
    std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

impl TryFrom<documents::verify::VerifyVerifyClaims> for Claims {
    type Error = Error;

    fn try_from(claims: documents::verify::VerifyVerifyClaims) -> Result<Self, Error> {
        Ok(Self {
            issuer: claims.iss,
            subject: documents::user_id(&claims.sub)?,
            audience: claims.aud,
            expires_at: claims.exp,
            issued_at: claims.iat,
            token_id: claims.jti,
            session_id: SessionId(documents::user_id(&claims.sid)?.0),
            client_id: claims.client_id,
            scope: claims.scope,
            auth_time: claims.auth_time,
        })
    }
}
