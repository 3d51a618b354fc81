//! Measures a parsed document with all fragments expanded. Each fragment is measured once, so that the work is
//! proportional to the length of the document. Fragments that spread each other twice, ten levels deep, would expand to
//! a thousand times its length. async-graphql walks the expanded form, which is why the document is measured first.

use std::collections::HashMap;

use async_graphql::{
    Positioned, ServerError,
    parser::types::{ExecutableDocument, FragmentSpread, Selection, SelectionSet},
};
use errors::Code;

use crate::{Limits, response};

/// Rejects a document that is too large, or in which a fragment contains itself.
pub(super) fn measure(document: &ExecutableDocument, limits: &Limits) -> Result<(), ServerError> {
    let mut reader = Reader { document, limits, fragments: HashMap::new() };
    let mut whole = Size::default();
    for (_, operation) in document.operations.iter() {
        let size = reader.selection_set(&operation.node.selection_set, 0)?;
        if size.root_fields > limits.root_fields {
            return Err(limit("fields at the root of an operation", limits.root_fields));
        }
        whole.add(size);
    }
    for (what, found, most) in [
        ("selections", whole.selections, limits.selections),
        ("aliases", whole.aliases, limits.aliases),
        ("credential operations", whole.credentials, limits.credential_operations),
    ] {
        if found > most {
            return Err(limit(what, most));
        }
    }
    Ok(())
}

/// Size of a selection set. `root_fields` and `credentials` count the fields at the root of the operation or fragment.
#[derive(Clone, Copy, Default)]
struct Size {
    selections: usize,
    aliases: usize,
    root_fields: usize,
    credentials: usize,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.add_below(other);
        self.root_fields = self.root_fields.saturating_add(other.root_fields);
        self.credentials = self.credentials.saturating_add(other.credentials);
    }

    fn add_below(&mut self, other: Self) {
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
    }
}

/// State of the measurement of a fragment.
enum Fragment {
    BeingRead,
    Measured(Size),
}

struct Reader<'a> {
    document: &'a ExecutableDocument,
    limits: &'a Limits,
    fragments: HashMap<&'a str, Fragment>,
}

impl<'a> Reader<'a> {
    fn selection_set(&mut self, set: &'a Positioned<SelectionSet>, depth: usize) -> Result<Size, ServerError> {
        // Nested fragments can be deeper than the brackets of the text, and this function is recursive too.
        if depth > self.limits.nesting {
            return Err(limit("levels of selections", self.limits.nesting));
        }
        let mut size = Size::default();
        for selection in &set.node.items {
            size.selections = size.selections.saturating_add(1);
            match &selection.node {
                Selection::Field(field) => {
                    size.root_fields += 1;
                    size.aliases += usize::from(field.node.alias.is_some());
                    if self.limits.credential_fields.contains(&field.node.name.node.as_str()) {
                        size.credentials += 1;
                    }
                    size.add_below(self.selection_set(&field.node.selection_set, depth + 1)?);
                }
                Selection::InlineFragment(fragment) => {
                    size.add(self.selection_set(&fragment.node.selection_set, depth + 1)?);
                }
                Selection::FragmentSpread(spread) => size.add(self.spread(spread, depth + 1)?),
            }
        }
        Ok(size)
    }

    fn spread(&mut self, spread: &'a Positioned<FragmentSpread>, depth: usize) -> Result<Size, ServerError> {
        let name = spread.node.fragment_name.node.as_str();
        match self.fragments.get(name) {
            Some(Fragment::Measured(size)) => return Ok(*size),
            Some(Fragment::BeingRead) => {
                let mut error =
                    response::error(Code::GraphqlValidationFailed, format!("The fragment \"{name}\" contains itself."));
                error.locations = vec![spread.pos];
                return Err(error);
            }
            None => {}
        }
        // The validation reports a missing fragment.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Size::default());
        };
        self.fragments.insert(name, Fragment::BeingRead);
        let size = self.selection_set(&fragment.node.selection_set, depth)?;
        self.fragments.insert(name, Fragment::Measured(size));
        Ok(size)
    }
}

/// Returns the error for a document that exceeds a limit.
pub(super) fn limit(what: &str, most: usize) -> ServerError {
    response::error(Code::LimitExceeded, format!("The document exceeds the limit of {most} {what}."))
}
