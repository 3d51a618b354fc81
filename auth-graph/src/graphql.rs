//! The GraphQL API: one module for each subject, with its queries, mutations and types.
//!
//! A resolver translates its arguments and calls one function of `engine`. Guards decide who may call it. The order of
//! the merged objects is the order in the schema.

mod account;
mod administration;
mod audit;
mod caller;
mod client;
mod delivery;
mod error;
mod federation;
mod feed;
mod guard;
mod login_event;
mod old_names;
mod one_time_token;
mod operations;
mod password;
mod profile;
mod registration;
mod session;
mod shown;
mod user_list;
mod verification;
mod webhook;

use std::sync::LazyLock;

use async_graphql::{EmptyMutation, EmptySubscription, MergedObject, MergedSubscription, ObjectType, SchemaBuilder};
use graphql_edge::{Boxed, Introspection, Optional};
use subgraph::{Directives, ServiceSdl, Subgraph};

use engine::app::App;
use model::config::{OldNames, Part};

pub use caller::Caller;
pub use delivery::{Browser, Page, admit, cookie_name, cookie_of, no_cookie, require_trusted_page};
pub use error::ApiError;
pub use guard::{Authenticated, HasScope, HasScopeForAll};
pub use operations::own_documents;

/// Returns the mutations of which a document may name one only: each costs a password hash, sends a mail or uses a
/// token up. They are marked with [`subgraph::credential`].
#[must_use]
pub fn credential_fields() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let old = subgraph::credential_fields::<old_names::OldNameMutation>();
        [subgraph::credential_fields::<Mutation>(), old].concat()
    });
    static FIELDS: LazyLock<Vec<&str>> = LazyLock::new(|| NAMES.iter().map(String::as_str).collect());
    &FIELDS
}

type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// Queries of the part `account` of the subgraph.
#[derive(MergedObject, Default)]
pub struct OwnAccountQuery(Boxed<session::SessionQuery>, account::AccountQuery);

/// Operations that change nothing.
#[derive(MergedObject, Default)]
pub struct Query(
    Boxed<client::ClientQuery>,
    Boxed<webhook::WebhookQuery>,
    Boxed<webhook::WebhookLogQuery>,
    Boxed<administration::AdministrationQuery>,
    Boxed<login_event::LoginEventQuery>,
    Boxed<session::FormerSessionQuery>,
    Boxed<audit::AuditQuery>,
    Boxed<feed::FeedQuery>,
    Boxed<user_list::UserListQuery>,
    Boxed<federation::Entities>,
    Subgraph,
    OwnAccountQuery,
);

/// Mutations of the part `account` of the subgraph.
#[derive(MergedObject, Default)]
pub struct OwnAccountMutation(
    Boxed<registration::RegistrationMutation>,
    Boxed<one_time_token::OneTimeTokenMutation>,
    Boxed<password::PasswordMutation>,
    Boxed<profile::ProfileMutation>,
    Boxed<session::SessionMutation>,
    verification::VerificationMutation,
);

/// Operations that change something, executed one after the other.
#[derive(MergedObject, Default)]
pub struct Mutation(
    Optional<old_names::OldNameMutation>,
    Boxed<client::ClientMutation>,
    Boxed<webhook::WebhookMutation>,
    Boxed<webhook::WebhookLogMutation>,
    Boxed<administration::AdministrationMutation>,
    OwnAccountMutation,
);

/// Operations whose results arrive as things happen.
#[derive(MergedSubscription, Default)]
pub struct Subscription(feed::FeedSubscription);

/// Returns a builder of the schema that serves requests. `_service { sdl }` follows introspection.
#[must_use]
pub fn schema(app: &App, introspection: Introspection) -> SchemaBuilder<Query, Mutation, Subscription> {
    let builder = graphql_edge::bounded(builder()).data(app.clone());
    let builder = match app.config.rest.serves(OldNames::DjangoAuthService) {
        true => graphql_edge::with_part::<Mutation, old_names::OldNameMutation, _, _, _>(builder),
        false => builder,
    };
    if introspection != Introspection::On {
        return builder;
    }
    let directives = if app.config.federation.access_directives { Directives::Included } else { Directives::LeftOut };
    builder.data(ServiceSdl(federation_sdl(app.config.federation.part, directives)))
}

/// Returns the schema definition for clients and code generators.
#[must_use]
pub fn sdl() -> String {
    subgraph::plain_sdl(&builder().finish())
}

/// Roots of the parts, which are exported and never executed.
mod parts {
    use super::{MergedObject, OwnAccountMutation, OwnAccountQuery, account};

    #[derive(MergedObject, Default)]
    #[graphql(name = "Query")]
    pub(super) struct CoreQuery(account::AccountQuery);

    #[derive(MergedObject, Default)]
    #[graphql(name = "Query")]
    pub(super) struct AccountQuery(OwnAccountQuery);

    #[derive(MergedObject, Default)]
    #[graphql(name = "Mutation")]
    pub(super) struct AccountMutation(OwnAccountMutation);
}

/// Returns the schema definition of a part of the API, for composition into a supergraph (Apollo Federation v2).
#[must_use]
pub fn federation_sdl(part: Part, directives: Directives) -> String {
    match part {
        Part::Core => {
            subgraph::federation_sdl(&without_subscriptions(parts::CoreQuery::default(), EmptyMutation), directives)
        }
        Part::Account => {
            let schema = without_subscriptions(parts::AccountQuery::default(), parts::AccountMutation::default());
            subgraph::federation_sdl(&schema, directives)
        }
        Part::Full => subgraph::federation_sdl(&builder().finish(), directives),
    }
}

fn without_subscriptions<Q, M>(query: Q, mutation: M) -> async_graphql::Schema<Q, M, EmptySubscription>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
{
    async_graphql::Schema::build(query, mutation, EmptySubscription).finish()
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    let builder = Schema::build(Query::default(), Mutation::default(), Subscription::default());
    subgraph::described(builder.enable_subscription_in_federation())
}
