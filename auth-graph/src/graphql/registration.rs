//! Registering, and e-mail addresses: `register`, `verifyEmail`, `requestEmailVerification`, `changeEmail`.

use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use subgraph::{credential, guarded, requires};

use super::caller::device;
use super::caller::{app, principal};
use super::error::Result;
use super::guard::Authenticated;
use engine::accounts::{self, NewRegistration, Registered};
use model::error::Error;
use model::values::NewPassword;

/// An account to be made.
#[derive(InputObject)]
pub struct RegisterInput {
    /// The e-mail address, in any case.
    email: String,
    /// The password: 8 to 256 characters that are hard to guess.
    #[graphql(secret)]
    password: String,
    /// The given name.
    #[graphql(default)]
    first_name: String,
    /// The family name.
    #[graphql(default)]
    last_name: String,
    /// The language of mails, such as `de` or `de-AT`.
    locale: Option<String>,
    /// The token of an invitation to this address.
    #[graphql(secret)]
    invitation: Option<String>,
}

/// How a registration went on.
#[derive(SimpleObject)]
pub struct RegisterPayload {
    /// What comes next.
    status: RegistrationStatus,
}

/// How a registration goes on.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationStatus {
    /// A mail was sent to the address. It says how to go on, and is another one when the address has an account.
    ConfirmationSent,
    /// The account was made: sign in.
    Completed,
}

/// What the token of a mail has confirmed.
#[derive(SimpleObject)]
pub struct VerifyEmailPayload {
    /// The address that was confirmed.
    email: String,
}

/// That a mail is on its way, if there is somebody to get it.
#[derive(SimpleObject)]
pub struct MailRequestedPayload {
    /// Always true: whether an address is known is told to nobody.
    requested: bool,
}

/// An e-mail address to be changed.
#[derive(InputObject)]
pub struct ChangeEmailInput {
    /// The new address.
    email: String,
    /// Your password; not needed shortly after a sign-in.
    #[graphql(secret)]
    password: Option<String>,
}

#[derive(Default)]
pub(super) struct RegistrationMutation;

#[guarded]
#[Object]
impl RegistrationMutation {
    /// Registers. The account is made when the address has been confirmed; the answer is the same whether the address
    /// has an account or not. `FORBIDDEN` when registration is closed, or needs an invitation.
    #[graphql(directive = credential::apply())]
    async fn register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] input: RegisterInput,
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
            Registered::ConfirmationSent => RegistrationStatus::ConfirmationSent,
            Registered::Completed => RegistrationStatus::Completed,
        };
        Ok(RegisterPayload { status })
    }

    /// Takes the token of a mail, once: completes a registration, shows that an address is yours, or changes it.
    /// `ONE_TIME_TOKEN_INVALID` when it has expired or was used.
    #[graphql(directive = credential::apply())]
    async fn verify_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token behind the `#token=` of the link.", secret)] token: String,
    ) -> Result<VerifyEmailPayload> {
        let email = accounts::confirm_address(app(ctx), &token.into(), device(ctx)).await?;
        Ok(VerifyEmailPayload { email: email.to_string() })
    }

    /// Sends a mail that shows that your address is yours; none, when that was shown before.
    #[graphql(requires(Authenticated), directive = credential::apply())]
    async fn request_email_verification(&self, ctx: &Context<'_>) -> Result<MailRequestedPayload> {
        accounts::request_verification(app(ctx), principal(ctx)?, device(ctx)).await?;
        Ok(MailRequestedPayload::new())
    }

    /// Changes your address, once the mail to the new one was answered; the old one is told. Needs your password or a
    /// recent sign-in (`REAUTHENTICATION_REQUIRED`).
    #[graphql(requires(Authenticated), directive = credential::apply())]
    async fn change_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new address.")] input: ChangeEmailInput,
    ) -> Result<MailRequestedPayload> {
        let (email, password) = (input.email.parse()?, input.password.map(Into::into));
        accounts::request_address_change(app(ctx), principal(ctx)?, &email, password.as_ref(), device(ctx)).await?;
        Ok(MailRequestedPayload::new())
    }
}

impl MailRequestedPayload {
    /// The one answer.
    pub(super) const fn new() -> Self {
        Self { requested: true }
    }
}
