//! Rejects schemas in which a reference to an entity of another service cannot be null.

use std::fmt;

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, FieldDefinition, Type, TypeKind, TypeSystemDefinition};

/// The references that cannot be null, or why the schema cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NonNullReferences {
    /// Fields such as `Note.author: User!`.
    Found {
        /// Name of the entity.
        entity: String,
        /// The fields with their types.
        fields: Vec<String>,
    },
    /// The text is not a schema.
    Unreadable(String),
}

impl fmt::Display for NonNullReferences {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found { entity, fields } => {
                let fields = fields.join(", ");
                write!(
                    formatter,
                    "references that cannot be null: {fields}; write {entity} in place of {entity}!. Another service \
                     owns the {entity}: where the caller may not see it, or it is gone, a gateway has null in its \
                     place, and a null that is not allowed takes the whole list with it"
                )
            }
            Self::Unreadable(reason) => write!(formatter, "the schema cannot be read: {reason}"),
        }
    }
}

impl std::error::Error for NonNullReferences {}

/// Rejects a schema in which a field refers to this entity by a type that cannot be null, such as `User!` or `[User!]`.
/// The text is that of [`federation_sdl`](crate::federation_sdl), or the schema of a service in any language. Call it
/// in a test of the service that refers to the entity, not in the one that owns it.
///
/// ```
/// let sdl = "type User @key(fields: \"id\") { id: ID! } type Note { author: User! readers: [User]! }";
/// let found = subgraph::nullable_references(sdl, "User").unwrap_err();
/// assert!(found.to_string().contains("Note.author: User!"), "{found}");
/// assert!(subgraph::nullable_references(&sdl.replace("author: User!", "author: User"), "User").is_ok());
/// ```
///
/// # Errors
/// [`NonNullReferences`], with all such fields.
pub fn nullable_references(sdl: &str, entity: &str) -> Result<(), NonNullReferences> {
    let document = parse_schema(sdl).map_err(|error| NonNullReferences::Unreadable(error.to_string()))?;
    let mut found = Vec::new();
    for definition in &document.definitions {
        let TypeSystemDefinition::Type(Positioned { node, .. }) = definition else { continue };
        let fields: &[Positioned<FieldDefinition>] = match &node.kind {
            TypeKind::Object(object) => &object.fields,
            TypeKind::Interface(interface) => &interface.fields,
            _ => continue,
        };
        let strict = fields.iter().map(|field| &field.node).filter(|field| demands(&field.ty.node, entity));
        found.extend(strict.map(|field| format!("{}.{}: {}", node.name.node, field.name.node, field.ty.node)));
    }
    if found.is_empty() { Ok(()) } else { Err(NonNullReferences::Found { entity: entity.to_owned(), fields: found }) }
}

fn demands(field: &Type, entity: &str) -> bool {
    match &field.base {
        BaseType::Named(name) => name == entity && !field.nullable,
        BaseType::List(item) => demands(item, entity),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sdl: &str) -> Vec<String> {
        match nullable_references(sdl, "User") {
            Ok(()) => Vec::new(),
            Err(NonNullReferences::Found { fields, .. }) => fields,
            Err(error) => vec![error.to_string()],
        }
    }

    #[test]
    fn every_form_of_a_reference_that_cannot_be_null_is_found() {
        let sdl = r#"
            extend schema @link(url: "https://specs.apollo.dev/federation/v2.6", import: ["@key"])
            interface Owned { owner: User! }
            type Note @key(fields: "id") { id: ID! author: User! readers: [User!] editors: [[User!]!]! user: UserCard! }
            extend type User @key(fields: "id") { id: ID! manager: User! }
            type Query { notes(by: ID!): [Note!]! first: User }
            type UserCard { user: User names: [String!]! team: [User]! }
        "#;
        assert_eq!(
            found(sdl),
            [
                "Owned.owner: User!",
                "Note.author: User!",
                "Note.readers: [User!]",
                "Note.editors: [[User!]!]!",
                "User.manager: User!",
            ]
        );
    }

    #[test]
    fn a_text_that_is_no_schema_is_an_error() {
        assert!(nullable_references("type Note {", "User").unwrap_err().to_string().contains("cannot be read"));
    }
}
