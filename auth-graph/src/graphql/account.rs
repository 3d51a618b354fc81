//! Users: `me`, `user`, `users`.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::types::Json;
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use subgraph::{guarded, key, requires};

use super::caller::{app, caller};
use super::error::Result;
use super::guard::HasScopeForAll;
use super::shown::Shown;
use engine::accounts::{self, USERS_READ};
use engine::app::App;
use engine::callers::scopes_of;
use engine::callers::view::{Seen, View};
use engine::pagination::Page;
use model::values::UserField;
use store::users::{Filter, Model};

/// Somebody who can sign in.
#[derive(SimpleObject, Clone, Debug)]
#[graphql(directive = key::apply("id"))]
pub struct User {
    /// Names the user for ever: it is never given to anybody else, whereas an e-mail address may be.
    id: ID,
    /// The e-mail address, in lower case.
    email: Shown<String>,
    /// The given name, may be empty.
    first_name: Shown<String>,
    /// The family name, may be empty.
    last_name: Shown<String>,
    /// The phone number, in international form when the user set it here.
    phone_number: Shown<Option<String>>,
    /// The language that the user reads, such as `de` or `de-AT`.
    locale: Shown<Option<String>>,
    /// When the account was made.
    date_joined: Shown<DateTime<Utc>>,
    /// The last sign-in. It does not count as a change: `version` and `updatedAt` stay.
    last_login: Shown<Option<DateTime<Utc>>>,
    /// Whether the user may sign in.
    is_active: bool,
    /// Whether the user is staff, that is, holds the role `staff`.
    is_staff: Shown<bool>,
    /// Whether the user holds the role `superuser`.
    is_superuser: Shown<bool>,
    /// Whether the e-mail address was shown to be the user's.
    email_verified: Shown<bool>,
    /// The roles: named sets of scopes.
    roles: Shown<Vec<String>>,
    /// Every scope that the user may ask for, those of the roles among them.
    scopes: Shown<Vec<String>>,
    /// What services keep with the user.
    metadata: Shown<Json<serde_json::Value>>,
    /// The last change.
    updated_at: DateTime<Utc>,
    /// Counts the changes. Of two copies of a user, the one with the higher version is the newer.
    version: i64,
}

impl User {
    /// Shows a user to somebody who may see everything of them.
    pub(super) fn new(app: &App, user: Model) -> Self {
        Self::seen(app, Seen { user, view: View::everything() })
    }

    /// Shows of a user what the caller may see.
    pub(super) fn seen(app: &App, Seen { user, view }: Seen) -> Self {
        let shows = |field| view.shows(field);
        Self {
            id: user.id.0.into(),
            version: view.version(&user),
            roles: Shown::when(shows(UserField::Roles), || user.roles()),
            scopes: Shown::when(shows(UserField::Scopes), || scopes_of(app, &user).to_strings()),
            email: Shown::when(shows(UserField::Email), || user.email.to_string()),
            first_name: Shown::when(shows(UserField::FirstName), || user.first_name),
            last_name: Shown::when(shows(UserField::LastName), || user.last_name),
            phone_number: Shown::when(shows(UserField::PhoneNumber), || user.phone_number),
            locale: Shown::when(shows(UserField::Locale), || user.locale.map(|locale| locale.to_string())),
            date_joined: Shown::when(shows(UserField::DateJoined), || user.date_joined),
            last_login: Shown::when(shows(UserField::LastLogin), || user.last_login),
            is_active: user.is_active,
            is_staff: Shown::when(shows(UserField::IsStaff), || user.is_staff),
            is_superuser: Shown::when(shows(UserField::IsSuperuser), || user.is_superuser),
            email_verified: Shown::when(shows(UserField::EmailVerified), || user.email_verified),
            metadata: Shown::of(view.metadata(&user.metadata).map(Json)),
            updated_at: user.updated_at,
        }
    }
}

/// Which users a list shows; every condition must hold.
#[derive(InputObject, Debug, Default)]
pub struct UserFilter {
    /// The very e-mail address, in any case.
    email: Option<String>,
    /// A part of the e-mail address or of a name, in any case.
    search: Option<String>,
    /// Whether they may sign in.
    is_active: Option<bool>,
    /// Whether they are staff.
    is_staff: Option<bool>,
}

impl UserFilter {
    fn parse(self) -> Result<Filter> {
        let email = self.email.map(|email| email.parse()).transpose()?;
        let search = self.search.map(|search| search.parse()).transpose()?;
        Ok(Filter { email, search, is_active: self.is_active, is_staff: self.is_staff })
    }
}

/// Counts on demand.
pub struct Total(Filter);

#[Object]
impl Total {
    /// How many users the filter lets through, on all pages.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64> {
        Ok(accounts::count(app(ctx), &self.0).await?)
    }
}

#[derive(Default)]
pub(super) struct AccountQuery;

#[guarded]
#[Object]
impl AccountQuery {
    /// The user that the token is about; null when nobody is signed in.
    async fn me(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(principal) = caller(ctx)? else { return Ok(None) };
        let user = accounts::visible(app(ctx), Some(principal), principal.subject()).await?;
        Ok(user.map(|user| User::seen(app(ctx), user)))
    }

    /// A user: yourself, or anyone with the scope `users:read`. Null otherwise, whether there is such a user or not.
    /// For an account that was merged into another one, that other one. A field that your client is not shown is
    /// `FORBIDDEN`.
    async fn user(&self, ctx: &Context<'_>, #[graphql(desc = "The user's `id`.")] id: ID) -> Result<Option<User>> {
        let principal = caller(ctx)?;
        let Ok(id) = id.parse() else { return Ok(None) };
        let user = accounts::visible(app(ctx), principal, id).await?;
        Ok(user.map(|user| User::seen(app(ctx), user)))
    }

    /// The users in the order in which they were made, 20 at a time unless asked otherwise. Needs the scope
    /// `users:read`, and no client that is shown some users or fields only.
    #[graphql(requires(HasScopeForAll(USERS_READ)), tag = "admin")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which users; all when left out.")] filter: Option<UserFilter>,
        #[graphql(desc = "So many from the start, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, at most 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<String, User, Total, EmptyFields>> {
        let filter = filter.unwrap_or_default().parse()?;
        let page = Page { first, after, last, before };
        let listing = accounts::list(app(ctx), &filter, &page).await?;
        let mut connection =
            Connection::with_additional_fields(listing.has_previous_page, listing.has_next_page, Total(filter));
        connection
            .edges
            .extend(listing.rows.into_iter().map(|(cursor, user)| Edge::new(cursor, User::new(app(ctx), user))));
        Ok(connection)
    }
}
