//! Passwords: `requestPasswordReset`, `resetPassword`, `changePassword`.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use subgraph::{credential, guarded, requires};

use super::caller::device;
use super::caller::{app, principal};
use super::error::Result;
use super::guard::Authenticated;
use super::registration::MailRequestedPayload;
use engine::accounts;
use model::error::Error;
use model::values::NewPassword;

/// A new password for one that was forgotten.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// The token behind the `#token=` of the link.
    #[graphql(secret)]
    token: String,
    /// The new password: 8 to 256 characters that are hard to guess.
    #[graphql(secret)]
    new_password: String,
}

/// A new password for a known one.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The password so far; only a user without one may leave it out, shortly after a sign-in.
    #[graphql(secret)]
    current_password: Option<String>,
    /// The new password: 8 to 256 characters that are hard to guess.
    #[graphql(secret)]
    new_password: String,
}

/// What a new password did.
#[derive(SimpleObject)]
pub struct PasswordChangedPayload {
    /// How many sessions have ended: sign in again with the new password.
    revoked_sessions: usize,
}

#[derive(Default)]
pub(super) struct PasswordMutation;

#[guarded]
#[Object]
impl PasswordMutation {
    /// Sends a link that sets a new password, if the address has an account. The answer is the same when it has none.
    #[graphql(directive = credential::apply())]
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address of the account.")] email: String,
    ) -> Result<MailRequestedPayload> {
        accounts::request_password_reset(app(ctx), &email.parse()?, device(ctx)).await?;
        Ok(MailRequestedPayload::new())
    }

    /// Sets a new password with the token of a mail, once, and ends all sessions. `ONE_TIME_TOKEN_INVALID` when the
    /// token has expired or was used.
    #[graphql(directive = credential::apply())]
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token and the password.")] input: ResetPasswordInput,
    ) -> Result<PasswordChangedPayload> {
        let password = NewPassword::parse(input.new_password.into()).map_err(about_new)?;
        let ended = accounts::reset_password(app(ctx), &input.token.into(), &password, device(ctx)).await;
        let ended = ended.map_err(about_new)?;
        Ok(PasswordChangedPayload { revoked_sessions: ended })
    }

    /// Changes your password and ends all your sessions, this one too.
    #[graphql(requires(Authenticated), directive = credential::apply())]
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Both passwords.")] input: ChangePasswordInput,
    ) -> Result<PasswordChangedPayload> {
        let password = NewPassword::parse(input.new_password.into()).map_err(about_new)?;
        let current = input.current_password.map(Into::into);
        let caller = principal(ctx)?;
        let ended = accounts::change_password(app(ctx), caller, current.as_ref(), &password, device(ctx)).await;
        let ended = ended.map_err(about_new)?;
        Ok(PasswordChangedPayload { revoked_sessions: ended })
    }
}

/// The argument has another name here than where passwords are read.
fn about_new(error: Error) -> Error {
    error.about("newPassword")
}
