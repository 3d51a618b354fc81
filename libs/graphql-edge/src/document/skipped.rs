//! Objects of which `@skip` and `@include` leave every field out. They are empty objects, but async-graphql returns
//! null for them, which means that something has failed. Therefore such a selection set gets one more field, which is
//! taken out of the response.

use async_graphql::{
    Name, PathSegment, Pos, Positioned, ServerError, Value,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
        SelectionSet,
    },
};

/// Response key of the additional field.
const MARK: &str = "__graphql_edge";

/// Adds the field to the selection sets that may be empty, and returns whether there are any.
pub(super) fn mark(document: &mut ExecutableDocument) -> bool {
    let mut operations: Vec<&mut OperationDefinition> = match &mut document.operations {
        DocumentOperations::Single(operation) => vec![&mut operation.node],
        DocumentOperations::Multiple(operations) => {
            operations.values_mut().map(|operation| &mut operation.node).collect()
        }
    };
    let is_subscription = |operation: &&mut OperationDefinition| operation.ty == OperationType::Subscription;
    // The root of a subscription has exactly one field. A fragment may be spread there.
    let subscribes = operations.iter().any(is_subscription);
    let mut marked = false;
    for operation in &mut operations {
        let is_root = operation.ty == OperationType::Subscription;
        marked |= mark_set(&mut operation.selection_set.node, is_root);
    }
    if !subscribes {
        for fragment in document.fragments.values_mut() {
            marked |= mark_set(&mut fragment.node.selection_set.node, false);
        }
    }
    marked
}

/// The nesting was measured before, so that the recursion is bounded.
fn mark_set(set: &mut SelectionSet, is_root_of_subscription: bool) -> bool {
    let mut marked = false;
    for item in &mut set.items {
        marked |= match &mut item.node {
            Selection::Field(field) => mark_set(&mut field.node.selection_set.node, false),
            Selection::InlineFragment(fragment) => {
                mark_set(&mut fragment.node.selection_set.node, is_root_of_subscription)
            }
            Selection::FragmentSpread(_) => false,
        };
    }
    let may_be_empty = !set.items.is_empty() && set.items.iter().all(|item| is_conditional(&item.node));
    if may_be_empty && !is_root_of_subscription {
        let pos = set.items[0].pos;
        set.items.push(Positioned::new(Selection::Field(Positioned::new(additional_field(pos), pos)), pos));
        marked = true;
    }
    marked
}

fn is_conditional(selection: &Selection) -> bool {
    let directives: &[Positioned<Directive>] = match selection {
        Selection::Field(field) => &field.node.directives,
        Selection::InlineFragment(fragment) => &fragment.node.directives,
        Selection::FragmentSpread(spread) => &spread.node.directives,
    };
    directives.iter().any(|directive| matches!(directive.node.name.node.as_str(), "skip" | "include"))
}

fn additional_field(pos: Pos) -> Field {
    let named = |name| Positioned::new(Name::new(name), pos);
    Field {
        alias: Some(named(MARK)),
        name: named("__typename"),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::new(SelectionSet::default(), pos),
    }
}

/// Takes the field out of a response. An object that is empty because its fields have failed becomes null, as it would
/// have been without the field.
pub(crate) fn unmark(data: &mut Value, errors: &[ServerError]) {
    unmark_at(data, &mut Vec::new(), errors);
}

fn unmark_at(value: &mut Value, path: &mut Vec<PathSegment>, errors: &[ServerError]) {
    match value {
        Value::Object(members) => {
            let marked = members.shift_remove(MARK).is_some();
            for (name, member) in members.iter_mut() {
                path.push(PathSegment::Field(name.to_string()));
                unmark_at(member, path, errors);
                path.pop();
            }
            let failed = |error: &ServerError| error.path.len() > path.len() && error.path.starts_with(path);
            if marked && members.is_empty() && errors.iter().any(failed) {
                *value = Value::Null;
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.push(PathSegment::Index(index));
                unmark_at(item, path, errors);
                path.pop();
            }
        }
        _ => {}
    }
}
