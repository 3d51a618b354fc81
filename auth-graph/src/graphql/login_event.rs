//! Login events: `loginEvents`, `myLoginEvents`, `loginStats`.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use subgraph::{access, guarded};

use super::caller::{app, principal};
use super::error::Result;
use super::guard::{Authenticated, HasScope};
use engine::audit::AUDIT_READ;
use engine::audit::login_events::{self, Count, Filter, Kind, Model, Piece};
use engine::pagination::{Listing, Page, narrowed};

/// A sign-in, or a failed attempt to sign in.
#[derive(SimpleObject)]
pub struct LoginEvent {
    /// Identifier of the event.
    id: ID,
    /// Time of the event (UTC).
    occurred_at: DateTime<Utc>,
    /// Kind of the event.
    kind: LoginEventKind,
    /// True when tokens were issued, false when the attempt was rejected.
    granted: bool,
    /// Error code of a rejected attempt, a value of `ErrorCode`. Null when tokens were issued.
    code: Option<String>,
    /// Identifier of the user. Null when the user is not known.
    user_id: Option<ID>,
    /// Identifier of the session that the event began or ended, or that a rejected request was sent in.
    session_id: Option<ID>,
    /// Identifier of the client that the attempt was made with.
    client_id: Option<String>,
    /// IP address that the request came from.
    ip_address: Option<String>,
    /// User agent, as the program names itself in the header `User-Agent`.
    user_agent: Option<String>,
}

/// Kind of a login event.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "Kind")]
pub enum LoginEventKind {
    /// A sign-in with a password. A rejected event can also be another request with a wrong password, such as a change
    /// of the password.
    Login,
    /// An outdated refresh token was used again, and its session was ended.
    RefreshReused,
    /// An administrator obtained an access token of the user.
    Impersonation,
}

/// Length of the intervals that login events are counted in.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginStatsPiece {
    /// Hours. The time range can have up to 32 days.
    Hour,
    /// Days in UTC. The time range can have up to 366 days.
    Day,
}

/// Number of login events in one interval that have the same kind, result and client.
#[derive(SimpleObject)]
pub struct LoginCount {
    /// Start of the interval (UTC).
    start: DateTime<Utc>,
    /// Kind of the events.
    kind: LoginEventKind,
    /// True when tokens were issued, false when the attempts were rejected.
    granted: bool,
    /// Error code of the rejected attempts, a value of `ErrorCode`. Null when tokens were issued.
    code: Option<String>,
    /// Identifier of the client that the attempts were made with.
    client_id: Option<String>,
    /// Number of events.
    count: i64,
}

/// Filter for login events. An event must meet every condition that is given.
#[derive(InputObject, Debug, Default)]
pub struct LoginEventFilter {
    /// Identifier of the user.
    user_id: Option<ID>,
    /// Kind of the event.
    kind: Option<LoginEventKind>,
    /// True for attempts that tokens were issued for, false for rejected attempts.
    granted: Option<bool>,
    /// Identifier of the client that the attempt was made with.
    client_id: Option<String>,
    /// IP address that the request came from.
    ip_address: Option<String>,
    /// Earliest time of the event (inclusive). Without it and without `userId`, the last 30 days are searched.
    from: Option<DateTime<Utc>>,
    /// Latest time of the event (exclusive).
    until: Option<DateTime<Utc>>,
}

impl From<Model> for LoginEvent {
    fn from(event: Model) -> Self {
        Self {
            id: event.id.0.into(),
            occurred_at: event.occurred_at,
            kind: event.kind.into(),
            granted: event.code.is_none(),
            code: event.code,
            user_id: event.user_id.map(|id| id.0.into()),
            session_id: event.session_id.map(|id| id.0.into()),
            client_id: event.client_id,
            ip_address: event.ip_address,
            user_agent: event.user_agent,
        }
    }
}

impl From<Count> for LoginCount {
    fn from(count: Count) -> Self {
        Self {
            start: count.start,
            kind: count.kind.into(),
            granted: count.code.is_none(),
            code: count.code,
            client_id: count.client_id,
            count: count.count,
        }
    }
}

impl LoginEventFilter {
    fn parse(self) -> Result<Filter> {
        Ok(Filter {
            user_id: self.user_id.map(|id| id.parse()).transpose()?,
            kind: self.kind.map(Kind::from),
            granted: self.granted,
            client_id: self.client_id.map(|id| narrowed("clientId", id)).transpose()?,
            ip_address: self.ip_address.map(|address| narrowed("ipAddress", address)).transpose()?,
            from: self.from,
            until: self.until,
        })
    }
}

type Events = Connection<String, LoginEvent, EmptyFields, EmptyFields>;

fn connection(listing: Listing<Model>) -> Events {
    let mut connection = Connection::new(listing.has_previous_page, listing.has_next_page);
    connection.edges.extend(listing.rows.into_iter().map(|(cursor, event)| Edge::new(cursor, event.into())));
    connection
}

#[derive(Default)]
pub(super) struct LoginEventQuery;

#[guarded]
#[Object]
impl LoginEventQuery {
    /// Lists sign-ins and failed attempts of all users, latest first. Requires the scope `audit:read`.
    #[graphql(access(HasScope(AUDIT_READ)), tag = "admin")]
    async fn login_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Filter for the events. All events are listed by default.")] filter: Option<LoginEventFilter>,
        #[graphql(desc = "Number of items to return from the start of the list, up to 100.")] first: Option<i32>,
        #[graphql(desc = "Cursor to continue from: only items after it are returned.")] after: Option<String>,
        #[graphql(
            desc = "Number of items to return from the end of the list, up to 100. Cannot be combined with `first`."
        )]
        last: Option<i32>,
        #[graphql(desc = "Cursor to stop at: only items before it are returned.")] before: Option<String>,
    ) -> Result<Events> {
        let filter = filter.unwrap_or_default().parse()?;
        Ok(connection(login_events::list(app(ctx), &filter, &Page { first, after, last, before }).await?))
    }

    /// Lists your own sign-ins and the failed attempts with your e-mail address or in your name, latest first. Requires
    /// a signed-in user.
    #[graphql(access(Authenticated))]
    async fn my_login_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items to return from the start of the list, up to 100.")] first: Option<i32>,
        #[graphql(desc = "Cursor to continue from: only items after it are returned.")] after: Option<String>,
        #[graphql(
            desc = "Number of items to return from the end of the list, up to 100. Cannot be combined with `first`."
        )]
        last: Option<i32>,
        #[graphql(desc = "Cursor to stop at: only items before it are returned.")] before: Option<String>,
    ) -> Result<Events> {
        let page = Page { first, after, last, before };
        Ok(connection(login_events::own(app(ctx), principal(ctx)?, &page).await?))
    }

    /// Counts login events by interval, kind, result and client, earliest interval first. Combinations without events
    /// are left out. Requires the scope `audit:read`.
    #[graphql(access(HasScope(AUDIT_READ)), tag = "admin")]
    async fn login_stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Start of the time range (inclusive).")] from: DateTime<Utc>,
        #[graphql(desc = "End of the time range (exclusive).")] until: DateTime<Utc>,
        #[graphql(desc = "Length of the intervals.")] by: LoginStatsPiece,
        #[graphql(desc = "Identifier of a user, to count the events of this user only.")] user_id: Option<ID>,
    ) -> Result<Vec<LoginCount>> {
        let piece = match by {
            LoginStatsPiece::Hour => Piece::Hour,
            LoginStatsPiece::Day => Piece::Day,
        };
        let user_id = user_id.map(|id| id.parse()).transpose()?;
        let filter = Filter { user_id, from: Some(from), until: Some(until), ..Filter::default() };
        Ok(login_events::count(app(ctx), &filter, piece).await?.into_iter().map(LoginCount::from).collect())
    }
}
