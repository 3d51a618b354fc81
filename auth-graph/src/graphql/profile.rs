//! What users do with their own account: `updateProfile`, `setMetadata`, `deleteAccount`.

use async_graphql::types::Json;
use async_graphql::{Context, InputObject, MaybeUndefined, Object, SimpleObject};
use subgraph::{credential, guarded, requires};

use super::account::User;
use super::caller::device;
use super::caller::{app, principal};
use super::error::Result;
use super::guard::Authenticated;
use engine::accounts::{self, ProfileChange};
use model::error::Error;

/// What to change about yourself; what is left out stays.
#[derive(InputObject)]
pub struct UpdateProfileInput {
    /// The given name, up to 150 characters.
    first_name: Option<String>,
    /// The family name, up to 150 characters.
    last_name: Option<String>,
    /// The phone number in international form, such as `+49 170 1234567`; null removes it.
    phone_number: MaybeUndefined<String>,
    /// The language of mails, such as `de` or `de-AT`; null forgets it.
    locale: MaybeUndefined<String>,
}

/// A user who was changed.
#[derive(SimpleObject)]
pub struct ProfilePayload {
    /// The user as they are now.
    user: User,
}

/// What deleting an account did.
#[derive(SimpleObject)]
pub struct DeleteAccountPayload {
    /// Always true.
    deleted: bool,
}

#[derive(Default)]
pub(super) struct ProfileMutation;

#[guarded]
#[Object]
impl ProfileMutation {
    /// Changes your names, phone number and language.
    #[graphql(requires(Authenticated))]
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateProfileInput,
    ) -> Result<ProfilePayload> {
        let name = |text: Option<String>, field| {
            text.map(|text| text.parse().map_err(|error: Error| error.about(field))).transpose()
        };
        let change = ProfileChange {
            first_name: name(input.first_name, "firstName")?,
            last_name: name(input.last_name, "lastName")?,
            phone_number: optional(input.phone_number)?,
            locale: optional(input.locale)?,
        };
        let user = accounts::update_profile(app(ctx), principal(ctx)?, change, device(ctx)).await?;
        Ok(ProfilePayload { user: User::new(app(ctx), user) })
    }

    /// Sets members of your `metadata`; null removes one, and the others stay. Keys that begin with `_`, and those that
    /// the configuration reserves, are not yours to set.
    #[graphql(requires(Authenticated))]
    async fn set_metadata(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An object; 16 KiB at most with what is there.")] metadata: Json<serde_json::Value>,
    ) -> Result<ProfilePayload> {
        let user = accounts::set_metadata(app(ctx), principal(ctx)?, metadata.0, device(ctx)).await?;
        Ok(ProfilePayload { user: User::new(app(ctx), user) })
    }

    /// Deletes your account for good and ends all sessions. Needs your password or a recent sign-in
    /// (`REAUTHENTICATION_REQUIRED`). The address is free for another account.
    #[graphql(requires(Authenticated), directive = credential::apply())]
    async fn delete_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Your password; not needed shortly after a sign-in.", secret)] password: Option<String>,
    ) -> Result<DeleteAccountPayload> {
        let password = password.map(Into::into);
        accounts::delete_own(app(ctx), principal(ctx)?, password.as_ref(), device(ctx)).await?;
        Ok(DeleteAccountPayload { deleted: true })
    }
}

/// Nothing when it was left out, and none when it was null.
fn optional<T: std::str::FromStr<Err = Error>>(text: MaybeUndefined<String>) -> Result<Option<Option<T>>> {
    Ok(match text {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(text) => Some(Some(text.parse()?)),
    })
}
