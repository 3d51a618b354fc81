//! Parses documents, rejects those that are too large to be executed, and caches the parsed ones. The validation against
//! the schema is not done here, because it also depends on the variables.

mod known;
mod measure;
mod scan;
mod variable_independent;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::{
    Request, ServerError,
    parser::{self, types::ExecutableDocument},
};
use errors::Code;
use quick_cache::{Weighter, sync::Cache};

use self::known::Known;
use crate::{Limits, Settings, response};

/// The documents that were parsed and found small enough.
pub(crate) struct Documents {
    limits: Limits,
    known: Known,
    cache: Cache<Box<str>, Arc<Document>, ByText>,
}

/// A document that was seen before.
pub(crate) struct Document {
    parsed: ExecutableDocument,
    /// True if its validity does not depend on the values of variables, so that it is validated only once.
    variable_independent: bool,
    valid: AtomicBool,
}

impl Document {
    /// Remember that the schema's full validation found nothing wrong.
    pub(crate) fn set_valid(&self) {
        self.valid.store(true, Ordering::Relaxed);
    }
}

/// The validation that is left for a request whose document was prepared.
pub(crate) enum Validation {
    /// Everything. When nothing is wrong, the document can be told so.
    Full(Option<Arc<Document>>),
    /// Only what its size depends on: the rest was found good before, and can not be different this time.
    Size,
}

impl Documents {
    pub(crate) fn new(limits: Limits, settings: Settings) -> Self {
        // Documents are some 256 bytes long: an estimate only sizes the tables.
        let estimate = usize::try_from(limits.document_cache_bytes / 256).unwrap_or(usize::MAX);
        let cache = Cache::with_weighter(estimate, limits.document_cache_bytes, ByText);
        Self { known: Known::new(settings), cache, limits }
    }

    pub(crate) fn len(&self) -> usize {
        self.cache.len()
    }

    /// Hand the parsed document to the request, and say what is left to be validated.
    ///
    /// # Errors
    /// With `GRAPHQL_PARSE_FAILED`, `GRAPHQL_VALIDATION_FAILED` (a fragment that contains itself) or `LIMIT_EXCEEDED`;
    /// and where a hash is sent, or only trusted documents are run, with what that may end in.
    pub(crate) fn prepare(&self, request: &mut Request) -> Result<Validation, ServerError> {
        // Nearly every request: nothing is named by a hash.
        if request.extensions.is_empty() && !request.query.is_empty() {
            return self.parse(request);
        }
        let offered = self.known.resolve(request)?;
        let validation = self.parse(request)?;
        // What is not worth remembering, or may hold a secret, is not stored either.
        if let Some(hash) = offered.filter(|_| self.cache.peek(request.query.as_str()).is_some()) {
            self.known.store(hash, &request.query);
        }
        Ok(validation)
    }

    fn parse(&self, request: &mut Request) -> Result<Validation, ServerError> {
        if let Some(document) = self.cache.get(request.query.as_str()) {
            request.set_parsed_query(document.parsed.clone());
            let matches =
                document.variable_independent && variable_independent::has_matching_values(&document.parsed, request);
            return Ok(match matches && document.valid.load(Ordering::Relaxed) {
                true => Validation::Size,
                false => Validation::Full(matches.then_some(document)),
            });
        }
        let text = request.query.as_str();
        self.known.check_trusted(text)?;
        let shape = scan::scan(text);
        if shape.tokens > self.limits.tokens {
            return Err(measure::limit("tokens", self.limits.tokens));
        }
        if shape.nesting > self.limits.nesting {
            return Err(measure::limit("nested brackets", self.limits.nesting));
        }
        let document = parser::parse_query(text).map_err(unparsable)?;
        measure::measure(&document, &self.limits)?;
        // A literal may be a password, which we do not keep; and a document with literals is rarely sent twice.
        if !shape.strings && text.len() <= self.limits.cached_document_bytes {
            let remembered = Document {
                variable_independent: variable_independent::is_variable_independent(&document),
                parsed: document.clone(),
                valid: AtomicBool::default(),
            };
            self.cache.insert(text.into(), Arc::new(remembered));
        }
        request.set_parsed_query(document);
        Ok(Validation::Full(None))
    }
}

fn unparsable(error: parser::Error) -> ServerError {
    let code = match error {
        parser::Error::RecursionLimitExceeded => Code::LimitExceeded,
        _ => Code::GraphqlParseFailed,
    };
    response::with_code(error.into(), code)
}

/// Weighs a remembered document by the length of its text.
#[derive(Clone)]
struct ByText;

impl Weighter<Box<str>, Arc<Document>> for ByText {
    fn weight(&self, text: &Box<str>, _document: &Arc<Document>) -> u64 {
        // An entry without a weight would be held for ever.
        text.len() as u64 + 64
    }
}
