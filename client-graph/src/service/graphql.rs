//! The GraphQL API: one module for each subject, with its queries, mutations and types together.
//!
//! The schema is a subgraph that repeats no field of auth-graph: its `User` has the key and the fields of this service.
//! A resolver translates and calls one function of `notes` or of the library. Guards decide access, for entities too.

mod note;
mod profile;
mod request;
mod types;
mod user;
mod users;
mod whoami;

use async_graphql::{EmptySubscription, MergedObject, SchemaBuilder};
use graphql_edge::Introspection;
use subgraph::{Directives, ServiceSdl, Subgraph, Undecided};

use super::app::App;

type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// Operations that change nothing.
#[derive(MergedObject, Default)]
pub struct Query(whoami::WhoamiQuery, note::NoteQuery, user::Entities, Subgraph);

/// Operations that change something, executed one after the other.
#[derive(MergedObject, Default)]
pub struct Mutation(note::NoteMutation);

/// Returns the builder of the schema that serves requests. `_service { sdl }` follows introspection.
#[must_use]
pub fn schema(app: &App, introspection: Introspection) -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    let builder = graphql_edge::bounded(builder()).data(app.clone());
    if introspection != Introspection::On {
        return builder;
    }
    let directives = if app.config.federation.access_directives { Directives::Included } else { Directives::LeftOut };
    builder.data(ServiceSdl(federation_sdl(directives)))
}

/// Returns the schema definition for clients and code generators.
#[must_use]
pub fn sdl() -> String {
    subgraph::plain_sdl(&builder().finish())
}

/// Returns the schema definition for composition into a supergraph (Apollo Federation v2).
#[must_use]
pub fn federation_sdl(directives: Directives) -> String {
    subgraph::federation_sdl(&builder().finish(), directives)
}

/// Checks that every field of a root type and of an entity has an access rule.
///
/// # Errors
/// The fields without a rule.
pub fn check_rules() -> std::result::Result<(), Undecided> {
    subgraph::deny_by_default(&builder().finish())
}

fn builder() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    subgraph::described(Schema::build(Query::default(), Mutation::default(), EmptySubscription))
}
