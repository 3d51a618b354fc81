//! Representations, with which a gateway names the entities of a subgraph.

use async_graphql::{Any, Context, ErrorExtensionValues, PathSegment, ServerError, Value};
use errors::Code;

/// The type and the key of an entity.
#[derive(Clone, Copy, Debug)]
pub struct Representation<'a> {
    members: &'a async_graphql::indexmap::IndexMap<async_graphql::Name, Value>,
    typename: &'a str,
}

impl<'a> Representation<'a> {
    /// Maximum number of representations that a service should accept at once. Gateways request the users of a page
    /// together.
    pub const MOST: usize = 1_000;

    /// Reads a representation. Returns `None` unless it is an object with a `__typename`.
    #[must_use]
    pub fn of(any: &'a Any) -> Option<Self> {
        let Value::Object(members) = &any.0 else { return None };
        let Some(Value::String(typename)) = members.get("__typename") else { return None };
        Some(Self { members, typename })
    }

    /// Returns the type of the entity.
    #[must_use]
    pub fn typename(&self) -> &'a str {
        self.typename
    }

    /// Returns a field of the key, if it is a string.
    #[must_use]
    pub fn key(&self, field: &str) -> Option<&'a str> {
        match self.members.get(field) {
            Some(Value::String(key)) => Some(key),
            _ => None,
        }
    }

    /// Returns the key of each representation, which must have this type and this field as a string. One that has not
    /// gets `None`, and an error at its place in the list, so that it does not take the others with it.
    pub fn keys(ctx: &Context<'_>, representations: &'a [Any], typename: &str, field: &str) -> Vec<Option<&'a str>> {
        let key = |(index, any): (usize, &'a Any)| {
            let key = Self::of(any).filter(|found| found.typename == typename).and_then(|found| found.key(field));
            if key.is_none() {
                ctx.add_error(malformed(ctx, index, typename, field));
            }
            key
        };
        representations.iter().enumerate().map(key).collect()
    }
}

fn malformed(ctx: &Context<'_>, index: usize, typename: &str, field: &str) -> ServerError {
    let message = format!("representations/{index}: must have the `__typename` {typename}, and {field} as a string");
    let mut error = ctx.set_error_path(ServerError::new(message, Some(ctx.item.pos)));
    error.path.push(PathSegment::Index(index));
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", Code::ValidationFailed.as_str());
    extensions.set("field", format!("representations/{index}"));
    error
}
