//! The GraphQL API: one module for each subject, with its queries, mutations and types together.
//!
//! It is a subgraph without copies: of `User`, which auth-graph owns, there is the key and what this service adds. A
//! resolver translates and calls one function of `notes` or of the library. Who may call it is a guard, at entities
//! too.

mod note;
mod user;
mod users;
mod whoami;

use async_graphql::{EmptySubscription, MergedObject, SchemaBuilder};
use subgraph::{Directives, ServiceSdl, Subgraph, Undecided};

use super::app::App;
use super::config::Profile;
use crate::error::ApiError;

/// The schema, with App in it.
type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// What can be asked for.
#[derive(MergedObject, Default)]
pub struct Query(whoami::WhoamiQuery, note::NoteQuery, user::Entities, Subgraph);

/// What can be done.
#[derive(MergedObject, Default)]
pub struct Mutation(note::NoteMutation);

/// The schema that serves requests, to be built.
#[must_use]
pub fn schema(app: &App) -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    let mut builder = graphql_edge::bounded(builder());
    if app.config.profile == Profile::Production {
        builder = builder.disable_introspection().disable_suggestions();
    }
    let directives = if app.config.federation.access_directives { Directives::Included } else { Directives::LeftOut };
    builder.data(ServiceSdl(federation_sdl(directives))).data(app.clone())
}

/// The schema definition for clients and code generators.
#[must_use]
pub fn sdl() -> String {
    subgraph::plain_sdl(&builder().finish())
}

/// The schema definition for composition into a supergraph (Apollo Federation v2).
#[must_use]
pub fn federation_sdl(directives: Directives) -> String {
    subgraph::federation_sdl(&builder().finish(), directives)
}

/// Whether somebody decided about every way into the schema.
///
/// # Errors
/// The fields that have no rule.
pub fn check_rules() -> std::result::Result<(), Undecided> {
    subgraph::deny_by_default(&builder().finish())
}

fn builder() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
}

/// The service behind a request.
fn app<'a>(ctx: &async_graphql::Context<'a>) -> &'a App {
    ctx.data_unchecked::<App>()
}

type Result<T> = std::result::Result<T, ApiError>;
