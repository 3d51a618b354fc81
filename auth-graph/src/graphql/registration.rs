//! Registering, and e-mail addresses: `register`, `verifyEmail`, `requestEmailVerification`, `changeEmail`.

use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use subgraph::{access, credential, guarded};

use super::caller::device;
use super::caller::{app, caller, principal};
use super::error::Result;
use super::guard::Authenticated;
use engine::accounts::{self, NewRegistration, Registered};
use model::error::Error;
use model::values::NewPassword;

/// Details of the account to create.
#[derive(InputObject)]
pub struct RegisterInput {
    /// E-mail address. Upper and lower case do not matter.
    email: String,
    /// Password: 8 to 256 characters that are hard to guess.
    #[graphql(secret)]
    password: String,
    /// Given name, up to 150 characters.
    #[graphql(default)]
    first_name: String,
    /// Family name, up to 150 characters.
    #[graphql(default)]
    last_name: String,
    /// Language of mails to the user, such as `de` or `de-AT`.
    locale: Option<String>,
    /// Token of an invitation to this address.
    #[graphql(secret)]
    invitation: Option<String>,
}

/// Result of `register`.
#[derive(SimpleObject)]
pub struct RegisterPayload {
    /// State of the registration.
    status: RegisterStatus,
}

/// State of a registration.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum RegisterStatus {
    /// A mail was sent to the address. It explains the next step. If the address already has an account, the mail says
    /// so.
    ConfirmationSent,
    /// The account was created. The user can sign in.
    Completed,
}

/// Result of `verifyEmail`.
#[derive(SimpleObject)]
pub struct VerifyEmailPayload {
    /// The e-mail address that was confirmed.
    email: String,
}

/// Result of an operation that sends a mail.
#[derive(SimpleObject)]
pub struct MailRequestedPayload {
    /// Always true. The result does not reveal whether the address has an account.
    requested: bool,
}

/// New e-mail address, and a proof of identity.
#[derive(InputObject)]
pub struct ChangeEmailInput {
    /// New e-mail address.
    email: String,
    /// Your password. It can be left out shortly after a sign-in.
    #[graphql(secret)]
    password: Option<String>,
}

#[derive(Default)]
pub(super) struct RegistrationMutation;

#[guarded]
#[Object]
impl RegistrationMutation {
    /// Registers a user. The account is created when the user opens the link that is sent to the address, and gives the
    /// password again. The result is the same whether or not the address already has an account. Fails with `FORBIDDEN`
    /// when registration is closed, or when it requires an invitation and none is given.
    #[graphql(directive = credential::apply())]
    async fn register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Details of the account.")] input: RegisterInput,
    ) -> Result<RegisterPayload> {
        let name = |text: String, field| text.parse().map_err(|error: Error| error.about(field));
        let new = NewRegistration {
            email: input.email.parse()?,
            password: NewPassword::parse(input.password.into())?,
            first_name: name(input.first_name, "firstName")?,
            last_name: name(input.last_name, "lastName")?,
            locale: input.locale.map(|locale| locale.parse()).transpose()?,
            invitation: input.invitation.map(Into::into),
        };
        let status = match accounts::register(app(ctx), new, device(ctx)).await? {
            Registered::ConfirmationSent => RegisterStatus::ConfirmationSent,
            Registered::Completed => RegisterStatus::Completed,
        };
        Ok(RegisterPayload { status })
    }

    /// Confirms an e-mail address with the token of a mail. Depending on the mail, it completes a registration,
    /// verifies the address of an account or changes it. The token proves that the mailbox is yours. Prove that the
    /// account is yours too: with its password, or by being signed in as its user. An account that has no
    /// password yet needs no such proof when its address is verified. Fails with `REAUTHENTICATION_REQUIRED` without a
    /// proof, and with `INVALID_CREDENTIALS` when the password is wrong. A token works once: fails with
    /// `ONE_TIME_TOKEN_INVALID` when it has expired or was used.
    #[graphql(directive = credential::apply())]
    async fn verify_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Token of the mail: the part of the link after `#token=`.", secret)] token: String,
        #[graphql(desc = "Password of the account: for a registration, the one that was given to `register`.", secret)]
        password: Option<String>,
    ) -> Result<VerifyEmailPayload> {
        let password = password.map(Into::into);
        // With a password, an old token that is sent along does not matter.
        let principal = if password.is_some() { None } else { caller(ctx)? };
        let confirmed =
            accounts::confirm_address(app(ctx), &token.into(), password.as_ref(), principal, device(ctx)).await;
        let email = confirmed?;
        Ok(VerifyEmailPayload { email: email.to_string() })
    }

    /// Sends you a mail with a link that verifies your e-mail address. No mail is sent when the address is verified
    /// already. Requires a signed-in user.
    #[graphql(access(Authenticated), directive = credential::apply())]
    async fn request_email_verification(&self, ctx: &Context<'_>) -> Result<MailRequestedPayload> {
        accounts::request_verification(app(ctx), principal(ctx)?, device(ctx)).await?;
        Ok(MailRequestedPayload::new())
    }

    /// Requests a change of your e-mail address. The address changes when you open the link that is sent to the new
    /// one, and the old address is notified. Requires your password or a recent sign-in, else fails with
    /// `REAUTHENTICATION_REQUIRED`.
    #[graphql(access(Authenticated), directive = credential::apply())]
    async fn change_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "New e-mail address, and a proof of identity.")] input: ChangeEmailInput,
    ) -> Result<MailRequestedPayload> {
        let (email, password) = (input.email.parse()?, input.password.map(Into::into));
        accounts::request_address_change(app(ctx), principal(ctx)?, &email, password.as_ref(), device(ctx)).await?;
        Ok(MailRequestedPayload::new())
    }
}

impl MailRequestedPayload {
    pub(super) const fn new() -> Self {
        Self { requested: true }
    }
}
