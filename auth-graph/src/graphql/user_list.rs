//! The list of users: `users`.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, InputObject, Object};
use subgraph::{access, guarded};

use super::account::User;
use super::caller::app;
use super::error::Result;
use super::guard::HasScopeForAll;
use engine::accounts::{self, USERS_READ};
use engine::pagination::Page;
use store::users::Filter;

/// Filter for users. A user must meet every condition that is given.
#[derive(InputObject, Debug, Default)]
pub struct UserFilter {
    /// Complete e-mail address. Upper and lower case do not matter.
    email: Option<String>,
    /// Complete user name. Upper and lower case are different.
    username: Option<String>,
    /// Words that are parts of the e-mail address, of the user name or of the names, in any order. Upper and lower case
    /// and accents do not matter.
    search: Option<String>,
    /// True for users who can sign in, false for disabled users.
    is_active: Option<bool>,
    /// True for users who have the role `staff`, false for all others.
    is_staff: Option<bool>,
}

impl UserFilter {
    fn parse(self) -> Result<Filter> {
        let email = self.email.map(|email| email.parse()).transpose()?;
        let search = self.search.map(|search| search.parse()).transpose()?;
        let username = self.username.map(|name| name.parse()).transpose()?;
        let (is_active, is_staff) = (self.is_active, self.is_staff);
        Ok(Filter { email, username, search, is_active, is_staff, role: None })
    }
}

/// Number of users that match a filter, counted only when the field is selected.
pub struct TotalCount(Filter);

#[Object]
impl TotalCount {
    /// Number of users that match the filter, on all pages.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64> {
        Ok(accounts::count(app(ctx), &self.0).await?)
    }
}

#[derive(Default)]
pub(super) struct UserListQuery;

#[guarded]
#[Object]
impl UserListQuery {
    /// Lists users, 20 by default, oldest account first. Requires the scope `users:read`. Service clients that see only
    /// some users or fields are rejected with `FORBIDDEN`.
    #[graphql(access(HasScopeForAll(USERS_READ)), tag = "admin")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Filter for the users. All users are listed by default.")] filter: Option<UserFilter>,
        #[graphql(desc = "Number of items to return from the start of the list, up to 100.")] first: Option<i32>,
        #[graphql(desc = "Cursor to continue from: only items after it are returned.")] after: Option<String>,
        #[graphql(
            desc = "Number of items to return from the end of the list, up to 100. Cannot be combined with `first`."
        )]
        last: Option<i32>,
        #[graphql(desc = "Cursor to stop at: only items before it are returned.")] before: Option<String>,
    ) -> Result<Connection<String, User, TotalCount, EmptyFields>> {
        let filter = filter.unwrap_or_default().parse()?;
        let page = Page { first, after, last, before };
        let listing = accounts::list(app(ctx), &filter, &page).await?;
        let mut connection =
            Connection::with_additional_fields(listing.has_previous_page, listing.has_next_page, TotalCount(filter));
        connection
            .edges
            .extend(listing.rows.into_iter().map(|(cursor, user)| Edge::new(cursor, User::new(app(ctx), user))));
        Ok(connection)
    }
}
