//! Representations: how a gateway names an entity of a subgraph.

use async_graphql::{Any, Value};

/// The type and the key of an entity.
#[derive(Clone, Copy, Debug)]
pub struct Representation<'a> {
    members: &'a async_graphql::indexmap::IndexMap<async_graphql::Name, Value>,
    typename: &'a str,
}

impl<'a> Representation<'a> {
    /// Most representations that a service should take at once: gateways ask for the users of a page together.
    pub const MOST: usize = 1_000;

    /// Reads a representation; none unless it is an object with a `__typename`.
    #[must_use]
    pub fn of(any: &'a Any) -> Option<Self> {
        let Value::Object(members) = &any.0 else { return None };
        let Some(Value::String(typename)) = members.get("__typename") else { return None };
        Some(Self { members, typename })
    }

    /// The type of the entity.
    #[must_use]
    pub fn typename(&self) -> &'a str {
        self.typename
    }

    /// A field of the key, when it is a string.
    #[must_use]
    pub fn key(&self, field: &str) -> Option<&'a str> {
        match self.members.get(field) {
            Some(Value::String(key)) => Some(key),
            _ => None,
        }
    }
}
