//! Users: `me` and `user`, which every part of the subgraph has.

use async_graphql::types::Json;
use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use subgraph::{access, guarded, key};

use super::caller::{app, caller, principal};
use super::error::Result;
use super::guard::Authenticated;
use super::shown::Shown;
use engine::accounts;
use engine::app::App;
use engine::callers::scopes_of;
use engine::callers::view::{UserView, VisibleUser};
use model::values::UserField;
use store::users::Model;

/// A user account. A field that you may not see is null, with the error `FORBIDDEN` at the field. Others see the fields
/// of the public profile, which the service configures (`users.public_fields`).
#[derive(SimpleObject, Clone, Debug)]
#[graphql(directive = key::apply("id"))]
pub struct User {
    /// Permanent identifier of the user. It is never given to another user, whereas an e-mail address can be.
    id: ID,
    /// Name under which the user is shown to others: given name and family name. Null when the user has neither. It is
    /// never an e-mail address.
    #[graphql(shareable)]
    display_name: Shown<Option<String>>,
    /// Address of the user's picture (`https://`), from the key `picture` of the metadata. Null when there is none.
    #[graphql(shareable)]
    picture_url: Shown<Option<String>>,
    /// E-mail address, in lower case. Empty when the user has none and signs in with a user name.
    email: Shown<String>,
    /// Name that the user can sign in with, if the service accepts user names. Upper and lower case are different.
    username: Shown<Option<String>>,
    /// Given name. Can be empty.
    first_name: Shown<String>,
    /// Family name. Can be empty.
    last_name: Shown<String>,
    /// Phone number. It is in international form when the user set it through this API.
    phone_number: Shown<Option<String>>,
    /// Preferred language of the user, such as `de` or `de-AT`.
    locale: Shown<Option<String>>,
    /// Time at which the account was created (UTC).
    date_joined: Shown<DateTime<Utc>>,
    /// Time of the last sign-in (UTC). A sign-in does not change `version` or `updatedAt`.
    last_login: Shown<Option<DateTime<Utc>>>,
    /// True when the user can sign in, false when the account is disabled.
    is_active: Shown<bool>,
    /// True when the user has the role `staff`.
    is_staff: Shown<bool>,
    /// True when the user has the role `superuser`.
    is_superuser: Shown<bool>,
    /// True when the user has confirmed that the e-mail address is theirs.
    email_verified: Shown<bool>,
    /// Roles of the user. A role is a named set of scopes.
    roles: Shown<Vec<String>>,
    /// Every scope that the user can request, including those of the roles.
    scopes: Shown<Vec<String>>,
    /// Object with custom data that services and the user store with the account.
    metadata: Shown<Json<serde_json::Value>>,
    /// Time of the last change (UTC).
    updated_at: Shown<DateTime<Utc>>,
    /// Version number, which grows with every change. Of two copies of a user, the one with the higher version is
    /// newer.
    version: Shown<i64>,
}

impl User {
    /// Builds a user for a caller who may see every field.
    pub(super) fn new(app: &App, user: Model) -> Self {
        Self::from_visible(app, VisibleUser { user, view: UserView::everything() })
    }

    /// Builds a user with only those fields that the caller may see.
    pub(super) fn from_visible(app: &App, VisibleUser { user, view }: VisibleUser) -> Self {
        let hides = |field| view.hides(field);
        let state = view.hides_state();
        Self {
            id: user.id.0.into(),
            display_name: Shown::unless(hides(UserField::DisplayName), || {
                profile::display_name(&user.first_name, &user.last_name)
            }),
            picture_url: Shown::unless(hides(UserField::PictureUrl), || profile::picture_url(&user.metadata)),
            version: Shown::unless(state, || view.version(&user)),
            roles: Shown::unless(hides(UserField::Roles), || user.roles()),
            scopes: Shown::unless(hides(UserField::Scopes), || scopes_of(app, &user).to_strings()),
            email: Shown::unless(hides(UserField::Email), || user.email.shown().to_owned()),
            username: Shown::unless(hides(UserField::Username), || user.username.map(|name| name.to_string())),
            first_name: Shown::unless(hides(UserField::FirstName), || user.first_name),
            last_name: Shown::unless(hides(UserField::LastName), || user.last_name),
            phone_number: Shown::unless(hides(UserField::PhoneNumber), || user.phone_number),
            locale: Shown::unless(hides(UserField::Locale), || user.locale.map(|locale| locale.to_string())),
            date_joined: Shown::unless(hides(UserField::DateJoined), || user.date_joined),
            last_login: Shown::unless(hides(UserField::LastLogin), || user.last_login),
            is_active: Shown::unless(state, || user.is_active),
            is_staff: Shown::unless(hides(UserField::IsStaff), || user.is_staff),
            is_superuser: Shown::unless(hides(UserField::IsSuperuser), || user.is_superuser),
            email_verified: Shown::unless(hides(UserField::EmailVerified), || user.email_verified),
            metadata: Shown::unless(hides(UserField::Metadata), || {
                Json(view.metadata(&user.metadata).unwrap_or_default())
            }),
            updated_at: Shown::unless(state, || user.updated_at),
        }
    }
}

#[derive(Default)]
pub(super) struct AccountQuery;

#[guarded]
#[Object]
impl AccountQuery {
    /// The user of the access token. Null when the request has no access token.
    async fn me(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(principal) = caller(ctx)? else { return Ok(None) };
        let Some(id) = principal.user() else { return Ok(None) };
        let user = accounts::visible(app(ctx), Some(principal), id).await?;
        Ok(user.map(|user| User::from_visible(app(ctx), user)))
    }

    /// A user by identifier. You see every field of yourself, and of any user with the scope `users:read`; of others
    /// you see the public profile, and any other field fails with `FORBIDDEN`. Null when there is no such user, and
    /// when you may see nothing of the user: these cases cannot be told apart. For an account that was merged into
    /// another one, the other one is returned. Requires a signed-in caller.
    #[graphql(access(Authenticated))]
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the user.")] id: ID,
    ) -> Result<Option<User>> {
        let Ok(id) = id.parse() else { return Ok(None) };
        let user = accounts::profile(app(ctx), principal(ctx)?, id).await?;
        Ok(user.map(|user| User::from_visible(app(ctx), user)))
    }
}
