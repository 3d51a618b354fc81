//! Finds the documents whose validity does not depend on the values of their variables, so that they are validated only
//! once. Some rules of the validation look at values: at the name of an enum value, at a number that may be too large,
//! at the members of an input object. A string is valid wherever the document may use a variable of the type `String`
//! or `ID`. Any list is valid wherever it may use one of `[_Any!]!`, the type with which gateways ask for entities.

use async_graphql::{
    Request, Value,
    parser::types::{BaseType, DocumentOperations, ExecutableDocument, VariableDefinition},
};

/// Returns whether the validity of a document is independent of its variables. It is if the document has one operation,
/// and each variable is a string, a Boolean or a list of representations of entities, without a default.
pub(super) fn is_variable_independent(document: &ExecutableDocument) -> bool {
    definitions(document).is_some_and(|mut definitions| {
        definitions.all(|definition| kind(definition).is_some() && definition.default_value.is_none())
    })
}

/// Returns whether a request gives every variable of such a document, each with its declared type.
pub(super) fn has_matching_values(document: &ExecutableDocument, request: &Request) -> bool {
    definitions(document).is_some_and(|mut definitions| {
        definitions.all(|definition| match (kind(definition), request.variables.get(&definition.name.node)) {
            (Some(Kind::Text), Some(value)) => matches!(value, Value::String(_)),
            (Some(Kind::Boolean), Some(value)) => matches!(value, Value::Boolean(_)),
            (Some(Kind::Representations), Some(Value::List(list))) => !list.contains(&Value::Null),
            _ => false,
        })
    })
}

enum Kind {
    Text,
    Boolean,
    Representations,
}

fn kind(definition: &VariableDefinition) -> Option<Kind> {
    match &definition.var_type.node.base {
        BaseType::Named(name) if matches!(name.as_str(), "String" | "ID") => Some(Kind::Text),
        BaseType::Named(name) if name == "Boolean" => Some(Kind::Boolean),
        BaseType::List(item) if matches!(&item.base, BaseType::Named(name) if name == "_Any") => {
            Some(Kind::Representations)
        }
        BaseType::Named(_) | BaseType::List(_) => None,
    }
}

fn definitions(document: &ExecutableDocument) -> Option<impl Iterator<Item = &VariableDefinition>> {
    let operation = match &document.operations {
        DocumentOperations::Single(operation) => operation,
        DocumentOperations::Multiple(operations) if operations.len() == 1 => operations.values().next()?,
        DocumentOperations::Multiple(_) => return None,
    };
    Some(operation.node.variable_definitions.iter().map(|definition| &definition.node))
}
