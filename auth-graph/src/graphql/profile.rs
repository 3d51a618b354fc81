//! Changes of users to their own account: `updateProfile`, `setMetadata`, `deleteAccount`.

use async_graphql::types::Json;
use async_graphql::{Context, InputObject, MaybeUndefined, Object, SimpleObject};
use subgraph::{access, credential, guarded};

use super::account::User;
use super::caller::device;
use super::caller::{app, principal};
use super::error::Result;
use super::guard::Authenticated;
use engine::accounts::{self, ProfileChange};
use model::error::Error;

/// Changes to your own profile. Fields that are left out stay unchanged.
#[derive(InputObject)]
pub struct UpdateProfileInput {
    /// Given name, up to 150 characters.
    first_name: Option<String>,
    /// Family name, up to 150 characters.
    last_name: Option<String>,
    /// Phone number in international form, such as `+49 170 1234567`. Null removes it.
    phone_number: MaybeUndefined<String>,
    /// Language of mails to you, such as `de` or `de-AT`. Null removes it.
    locale: MaybeUndefined<String>,
    /// Address of your picture: `https://`, up to 2048 characters. It is stored as the key `picture` of your
    /// `metadata`. Null removes it.
    picture_url: MaybeUndefined<String>,
}

/// Result of a change to your own profile.
#[derive(SimpleObject)]
pub struct ProfilePayload {
    /// The user after the change.
    user: User,
}

/// Result of `deleteAccount`.
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
    /// Changes your names, phone number, language and picture. Fails with `RATE_LIMITED` after many changes. Requires a
    /// signed-in user.
    #[graphql(access(Authenticated))]
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Changes to the profile.")] input: UpdateProfileInput,
    ) -> Result<ProfilePayload> {
        let name = |text: Option<String>, field| {
            text.map(|text| text.parse().map_err(|error: Error| error.about(field))).transpose()
        };
        let change = ProfileChange {
            first_name: name(input.first_name, "firstName")?,
            last_name: name(input.last_name, "lastName")?,
            phone_number: optional(input.phone_number)?,
            locale: optional(input.locale)?,
            picture_url: optional(input.picture_url)?,
        };
        let user = accounts::update_profile(app(ctx), principal(ctx)?, change, device(ctx)).await?;
        Ok(ProfilePayload { user: User::new(app(ctx), user) })
    }

    /// Sets keys of your `metadata`. A value of null removes a key, and keys that are not given stay unchanged. You
    /// cannot set keys that begin with `_`, nor keys that the configuration of the service reserves. Fails with
    /// `RATE_LIMITED` after many changes. Requires a signed-in user.
    #[graphql(access(Authenticated))]
    async fn set_metadata(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Object with the keys to set. The whole `metadata`, together with existing keys, can have up to 16 KiB."
        )]
        metadata: Json<serde_json::Value>,
    ) -> Result<ProfilePayload> {
        let user = accounts::set_metadata(app(ctx), principal(ctx)?, metadata.0, device(ctx)).await?;
        Ok(ProfilePayload { user: User::new(app(ctx), user) })
    }

    /// Deletes your account permanently and ends all your sessions. The e-mail address can then be used for another
    /// account. Requires your password or a recent sign-in, else fails with `REAUTHENTICATION_REQUIRED`.
    #[graphql(access(Authenticated), directive = credential::apply())]
    async fn delete_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Your password. It can be left out shortly after a sign-in.", secret)] password: Option<
            String,
        >,
    ) -> Result<DeleteAccountPayload> {
        let password = password.map(Into::into);
        accounts::delete_own(app(ctx), principal(ctx)?, password.as_ref(), device(ctx)).await?;
        Ok(DeleteAccountPayload { deleted: true })
    }
}

/// Distinguishes an argument that is left out (the outer option) from one that is null (the inner option).
fn optional<T: std::str::FromStr<Err = Error>>(text: MaybeUndefined<String>) -> Result<Option<Option<T>>> {
    Ok(match text {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(text) => Some(Some(text.parse()?)),
    })
}
