//! From the text of a document to a parsed one that is small enough to be executed, with a memory for those that were
//! seen before. Whether it fits the schema is not judged here: that depends on the variables too.

mod measure;
mod scan;

use std::sync::Arc;

use async_graphql::{
    Request, ServerError,
    parser::{self, types::ExecutableDocument},
};
use quick_cache::{Weighter, sync::Cache};

use crate::{EdgeCode, Limits, response};

/// The documents that were parsed and found small enough.
pub(crate) struct Documents {
    limits: Limits,
    cache: Cache<Box<str>, Arc<ExecutableDocument>, ByText>,
}

impl Documents {
    pub(crate) fn new(limits: Limits) -> Self {
        // Documents are some 256 bytes long: an estimate only sizes the tables.
        let estimate = usize::try_from(limits.document_cache_bytes / 256).unwrap_or(usize::MAX);
        Self { cache: Cache::with_weighter(estimate, limits.document_cache_bytes, ByText), limits }
    }

    pub(crate) fn len(&self) -> usize {
        self.cache.len()
    }

    /// Hand the parsed document to the request.
    ///
    /// # Errors
    /// With `GRAPHQL_PARSE_FAILED`, `GRAPHQL_VALIDATION_FAILED` (a fragment that contains itself) or `LIMIT_EXCEEDED`.
    pub(crate) fn prepare(&self, request: &mut Request) -> Result<(), ServerError> {
        if let Some(document) = self.cache.get(request.query.as_str()) {
            request.set_parsed_query(ExecutableDocument::clone(&document));
            return Ok(());
        }
        let text = request.query.as_str();
        let shape = scan::scan(text);
        if shape.tokens > self.limits.tokens {
            return Err(limit("tokens", self.limits.tokens));
        }
        if shape.nesting > self.limits.nesting {
            return Err(limit("nested brackets", self.limits.nesting));
        }
        let document = parser::parse_query(text).map_err(unparsable)?;
        measure::measure(&document, &self.limits)?;
        // A literal may be a password, which we do not keep; and a document with literals is rarely sent twice.
        if !shape.strings && text.len() <= self.limits.cached_document_bytes {
            self.cache.insert(text.into(), Arc::new(document.clone()));
        }
        request.set_parsed_query(document);
        Ok(())
    }
}

fn limit(what: &str, most: usize) -> ServerError {
    response::error(EdgeCode::LimitExceeded, format!("The document has more {what} than the {most} allowed."))
}

fn unparsable(error: parser::Error) -> ServerError {
    let code = match error {
        parser::Error::RecursionLimitExceeded => EdgeCode::LimitExceeded,
        _ => EdgeCode::GraphqlParseFailed,
    };
    response::with_code(error.into(), code)
}

/// Weighs a remembered document by the length of its text.
#[derive(Clone)]
struct ByText;

impl Weighter<Box<str>, Arc<ExecutableDocument>> for ByText {
    fn weight(&self, text: &Box<str>, _document: &Arc<ExecutableDocument>) -> u64 {
        // An entry without a weight would be held for ever.
        text.len() as u64 + 64
    }
}
