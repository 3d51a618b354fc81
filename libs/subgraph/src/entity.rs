//! Representations, with which a gateway names the entities of a subgraph.

use async_graphql::{Any, Value};

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
}
