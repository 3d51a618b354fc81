//! What a link in a mail is for: `inspectOneTimeToken`.

use async_graphql::{Context, Enum, Object, SimpleObject};
use chrono::{DateTime, Utc};
use subgraph::{credential, guarded};

use super::caller::{app, device};
use super::error::Result;
use engine::accounts;
use store::one_time_tokens::{Model, Purpose};

/// The token in the link of a mail, which was not used yet.
#[derive(SimpleObject)]
pub struct OneTimeToken {
    /// What the token can be used for.
    purpose: OneTimeTokenPurpose,
    /// The e-mail address that the token was sent to.
    email: String,
    /// Time of expiry.
    expires_at: DateTime<Utc>,
}

/// Purpose of a one-time token.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Purpose")]
pub enum OneTimeTokenPurpose {
    /// `verifyEmail` completes a registration.
    ConfirmRegistration,
    /// `verifyEmail` verifies the address of a user.
    VerifyEmail,
    /// `verifyEmail` changes the address of a user.
    ChangeEmail,
    /// `resetPassword` sets a new password.
    ResetPassword,
    /// `register` creates an account without a further mail.
    Invitation,
}

impl From<Model> for OneTimeToken {
    fn from(token: Model) -> Self {
        Self { purpose: token.purpose.into(), email: token.email.to_string(), expires_at: token.expires_at }
    }
}

#[derive(Default)]
pub(super) struct OneTimeTokenMutation;

#[guarded]
#[Object]
impl OneTimeTokenMutation {
    /// Returns what the token of a mail is for, so that a page can show it before its reader confirms. Null when the
    /// token is invalid, has expired or was used. The token is not used up. It is a mutation, as a query could be sent
    /// in a URL.
    #[graphql(directive = credential::apply())]
    async fn inspect_one_time_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Token of the mail: the part of the link after `#token=`.", secret)] token: String,
    ) -> Result<Option<OneTimeToken>> {
        let found = accounts::inspect_one_time_token(app(ctx), &token.into(), device(ctx)).await?;
        Ok(found.map(OneTimeToken::from))
    }
}
