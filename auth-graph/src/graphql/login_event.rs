//! How people sign in: `loginEvents`, `myLoginEvents`, `loginStats`.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use subgraph::{guarded, requires};

use super::caller::{app, principal};
use super::error::Result;
use super::guard::{Authenticated, HasScope};
use engine::audit::AUDIT_READ;
use engine::audit::login_events::{self, Count, Filter, Kind, Model, Piece};
use engine::pagination::{Listing, Page, narrowed};

/// A sign-in, or an attempt at one.
#[derive(SimpleObject)]
pub struct LoginEvent {
    /// Names the event.
    id: ID,
    /// When.
    occurred_at: DateTime<Utc>,
    /// What was asked for.
    kind: LoginEventKind,
    /// Whether it was granted.
    granted: bool,
    /// The code of the refusal, one of `ErrorCode`; null when it was granted.
    code: Option<String>,
    /// Who, where that is known.
    user_id: Option<ID>,
    /// The session that it began or ended.
    session_id: Option<ID>,
    /// With which client.
    client_id: Option<String>,
    /// From where.
    ip_address: Option<String>,
    /// The program, as it calls itself.
    user_agent: Option<String>,
}

/// What was asked for.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "Kind")]
pub enum LoginEventKind {
    /// A sign-in with a password.
    Login,
    /// An outdated refresh token came back, and its session was ended.
    RefreshReused,
    /// An administrator got a token of the user.
    Impersonation,
}

/// How long the pieces are that events are counted in.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginStatsPiece {
    /// Hours; at most 32 days of them.
    Hour,
    /// Days in UTC; at most 366 of them.
    Day,
}

/// How many events of one kind, result and client there were in one piece of time.
#[derive(SimpleObject)]
pub struct LoginCount {
    /// When the piece of time begins, in UTC.
    start: DateTime<Utc>,
    /// What was asked for.
    kind: LoginEventKind,
    /// Whether it was granted.
    granted: bool,
    /// The code of the refusal; null when it was granted.
    code: Option<String>,
    /// With which client.
    client_id: Option<String>,
    /// How many.
    count: i64,
}

/// Which events a list shows; every condition must hold.
#[derive(InputObject, Debug, Default)]
pub struct LoginEventFilter {
    /// Whose.
    user_id: Option<ID>,
    /// What was asked for.
    kind: Option<LoginEventKind>,
    /// Whether it was granted.
    granted: Option<bool>,
    /// With which client.
    client_id: Option<String>,
    /// From where.
    ip_address: Option<String>,
    /// Not before this time.
    from: Option<DateTime<Utc>>,
    /// Before this time.
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
    /// How people have signed in, and tried to, the latest first. Needs the scope `audit:read`.
    #[graphql(requires(HasScope(AUDIT_READ)), tag = "admin")]
    async fn login_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events; all when left out.")] filter: Option<LoginEventFilter>,
        #[graphql(desc = "So many from the start, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, at most 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Events> {
        let filter = filter.unwrap_or_default().parse()?;
        Ok(connection(login_events::list(app(ctx), &filter, &Page { first, after, last, before }).await?))
    }

    /// How you have signed in yourself, and others tried to with your address, the latest first.
    #[graphql(requires(Authenticated))]
    async fn my_login_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, at most 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Events> {
        let page = Page { first, after, last, before };
        Ok(connection(login_events::own(app(ctx), principal(ctx)?, &page).await?))
    }

    /// How many sign-ins there were by hour or day, kind, result and client, the earliest first. What did not happen is
    /// left out. Needs the scope `audit:read`.
    #[graphql(requires(HasScope(AUDIT_READ)), tag = "admin")]
    async fn login_stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Not before this time.")] from: DateTime<Utc>,
        #[graphql(desc = "Before this time.")] until: DateTime<Utc>,
        #[graphql(desc = "By hour or by day.")] by: LoginStatsPiece,
        #[graphql(desc = "Of one user only.")] user_id: Option<ID>,
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
