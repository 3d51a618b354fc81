//! `_service`: a composer asks a running service for its schema. It contains no more than introspection shows, and is
//! open to the same callers.

use async_graphql::{ComplexObject, Context, Error, ErrorExtensions, Object, Result, SimpleObject};
use errors::{Code, Reason};

/// The answer to `_service { sdl }`. It belongs into the schema's data. Without it, the field fails as introspection
/// does where it is turned off.
#[derive(Clone, Debug)]
pub struct ServiceSdl(pub String);

/// The query `_service`, to be merged into a service's own queries. async-graphql's answer has its own link to the
/// specification, so a schema with this one declares its entities with [`key`](crate::key) and resolves them by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subgraph;

/// The schema of this service, for composition.
#[derive(SimpleObject)]
#[graphql(name = "_Service", complex)]
struct Service {
    /// Every code that an error can have in `extensions.code`.
    error_codes: &'static [Code],
}

#[ComplexObject]
impl Service {
    /// The schema definition as a subgraph. Null where introspection is turned off.
    async fn sdl<'a>(&self, ctx: &Context<'a>) -> Result<Option<&'a str>> {
        let reason = Reason::IntrospectionDisabled;
        let refusal = || {
            Error::new(reason.message()).extend_with(|_, extensions| {
                extensions.set("code", Code::Forbidden.as_str());
                extensions.set("reason", reason.as_str());
            })
        };
        ctx.data_opt::<ServiceSdl>().map(|sdl| Some(sdl.0.as_str())).ok_or_else(refusal)
    }
}

#[Object]
impl Subgraph {
    /// The schema of this service, for composition.
    #[graphql(name = "_service")]
    async fn service(&self) -> Service {
        Service { error_codes: Code::ALL }
    }
}
