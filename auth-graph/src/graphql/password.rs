//! Passwords: `requestPasswordReset`, `resetPassword`, `changePassword`.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use subgraph::{access, credential, guarded};

use super::caller::device;
use super::caller::{app, principal};
use super::error::Result;
use super::guard::Authenticated;
use super::registration::MailRequestedPayload;
use engine::accounts;
use model::error::Error;
use model::values::NewPassword;

/// Token of a mail, and a new password.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// Token of the mail: the part of the link after `#token=`.
    #[graphql(secret)]
    token: String,
    /// New password: 8 to 256 characters that are hard to guess.
    #[graphql(secret)]
    new_password: String,
}

/// Current and new password.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// Current password. It can be left out only by a user who has no password, and only shortly after a sign-in.
    #[graphql(secret)]
    current_password: Option<String>,
    /// New password: 8 to 256 characters that are hard to guess.
    #[graphql(secret)]
    new_password: String,
}

/// Result of an operation that sets a password.
#[derive(SimpleObject)]
pub struct PasswordChangedPayload {
    /// Number of sessions that were ended. Sign in again with the new password.
    revoked_sessions: usize,
}

#[derive(Default)]
pub(super) struct PasswordMutation;

#[guarded]
#[Object]
impl PasswordMutation {
    /// Sends a mail with a link to set a new password, if the address has an account. The result is the same when it
    /// has none.
    #[graphql(directive = credential::apply())]
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "E-mail address of the account.")] email: String,
    ) -> Result<MailRequestedPayload> {
        accounts::request_password_reset(app(ctx), &email.parse()?, device(ctx)).await?;
        Ok(MailRequestedPayload::new())
    }

    /// Sets a new password with the token of a mail, and ends all sessions of the user. A token works once: fails with
    /// `ONE_TIME_TOKEN_INVALID` when it has expired or was used.
    #[graphql(directive = credential::apply())]
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Token of the mail, and the new password.")] input: ResetPasswordInput,
    ) -> Result<PasswordChangedPayload> {
        let password = NewPassword::parse(input.new_password.into()).map_err(about_new)?;
        let ended = accounts::reset_password(app(ctx), &input.token.into(), &password, device(ctx)).await;
        let ended = ended.map_err(about_new)?;
        Ok(PasswordChangedPayload { revoked_sessions: ended })
    }

    /// Changes your password and ends all your sessions, including this one. Fails with `INVALID_CREDENTIALS` when the
    /// current password is wrong.
    #[graphql(access(Authenticated), directive = credential::apply())]
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Current and new password.")] input: ChangePasswordInput,
    ) -> Result<PasswordChangedPayload> {
        let password = NewPassword::parse(input.new_password.into()).map_err(about_new)?;
        let current = input.current_password.map(Into::into);
        let caller = principal(ctx)?;
        let ended = accounts::change_password(app(ctx), caller, current.as_ref(), &password, device(ctx)).await;
        let ended = ended.map_err(about_new)?;
        Ok(PasswordChangedPayload { revoked_sessions: ended })
    }
}

/// Replaces the name of the argument in an error. The parser of passwords uses another name than this mutation.
fn about_new(error: Error) -> Error {
    error.about("newPassword")
}
