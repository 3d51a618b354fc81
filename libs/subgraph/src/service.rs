//! `_service`: a composer asks a running service for its schema. It is open to every caller, because it contains no
//! more than the schema does, and composition would fail without it.

use async_graphql::{Context, Object, SimpleObject};
use errors::Code;

/// The answer to `_service { sdl }`. It belongs into the schema's data.
#[derive(Clone, Debug)]
pub struct ServiceSdl(pub String);

/// The query `_service`, to be merged into a service's own queries. async-graphql's answer has its own link to the
/// specification, so a schema with this one declares its entities with [`key`](crate::key) and resolves them by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subgraph;

/// The schema of this service, for composition.
#[derive(SimpleObject)]
#[graphql(name = "_Service")]
struct Service {
    /// The schema definition as a subgraph.
    sdl: Option<String>,
    /// Every code that an error can have in `extensions.code`.
    error_codes: &'static [Code],
}

#[Object]
impl Subgraph {
    /// The schema of this service, for composition.
    #[graphql(name = "_service")]
    async fn service(&self, ctx: &Context<'_>) -> Service {
        Service { sdl: ctx.data_opt::<ServiceSdl>().map(|sdl| sdl.0.clone()), error_codes: Code::ALL }
    }
}
