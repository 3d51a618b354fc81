//! Rejects introspection where the operator has turned it off. async-graphql alone answers null for `__schema`, whose
//! type is not nullable, so that tools report a broken schema.

use async_graphql::{
    Pos, ServerError,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};
use errors::{Code, Reason};

use crate::response;

/// Rejects a document with a field of introspection. `__typename` is always answered.
pub(super) fn reject(document: &ExecutableDocument) -> Result<(), ServerError> {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    let Some(pos) = operations.chain(fragments).find_map(introspection) else { return Ok(()) };
    let reason = Reason::IntrospectionDisabled;
    let mut error = response::error(Code::GraphqlValidationFailed, reason.message());
    error.extensions.get_or_insert_default().set("reason", reason.as_str());
    error.locations = vec![pos];
    Err(error)
}

/// Returns the position of a field of introspection. The nesting was measured before.
fn introspection(set: &SelectionSet) -> Option<Pos> {
    set.items.iter().find_map(|item| match &item.node {
        Selection::Field(field) => match field.node.name.node.as_str() {
            "__schema" | "__type" => Some(field.pos),
            _ => introspection(&field.node.selection_set.node),
        },
        Selection::InlineFragment(fragment) => introspection(&fragment.node.selection_set.node),
        Selection::FragmentSpread(_) => None,
    })
}
