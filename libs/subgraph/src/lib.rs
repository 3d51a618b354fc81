//! Turns an async-graphql schema into a guarded subgraph of Apollo Federation. A rule is written once. It is both the
//! check at run time and the directive in the schema that is exported for composers. This crate does not know callers:
//! services define their own rules.
//!
//! ```
//! use async_graphql::{Context, EmptyMutation, EmptySubscription, Guard, MergedObject, Object, Schema};
//! use subgraph::{Demand, Directives, Rule, Subgraph, guarded, access};
//!
//! /// Admits a caller whose name is in the request.
//! struct Authenticated;
//!
//! impl Rule for Authenticated {
//!     fn demand(&self) -> Demand {
//!         Demand::Authenticated
//!     }
//! }
//!
//! impl Guard for Authenticated {
//!     async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
//!         ctx.data_opt::<String>().map(|_| ()).ok_or_else(|| "Sign in first.".into())
//!     }
//! }
//!
//! #[derive(Default)]
//! struct Reports;
//!
//! #[guarded]
//! #[Object]
//! impl Reports {
//!     #[graphql(access(Authenticated))]
//!     async fn report(&self) -> &str {
//!         "All is well."
//!     }
//! }
//!
//! #[derive(MergedObject, Default)]
//! struct Query(Reports, Subgraph);
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let schema = Schema::new(Query::default(), EmptyMutation, EmptySubscription);
//! assert!(subgraph::federation_sdl(&schema, Directives::Included).contains("report: String! @authenticated"));
//! assert!(schema.execute("{ report }").await.is_err());
//! # });
//! ```

#![warn(missing_docs)]

mod closed;
mod descriptions;
mod entity;
mod references;
mod rule;
mod sdl;
mod service;

pub use closed::{Undecided, deny_by_default};
pub use descriptions::described;
pub use entity::Representation;
pub use references::{NonNullReferences, nullable_references};
pub use rule::{Demand, Rule, access, credential, credential_fields, key, tag};
pub use sdl::{Directives, federation_sdl, plain_sdl};
pub use service::{ServiceSdl, Subgraph};
pub use subgraph_macros::guarded;
