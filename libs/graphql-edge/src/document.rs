//! Parses documents, rejects those that are too large to be executed, and caches the parsed ones. The validation
//! against the schema is not done here, because it also depends on the variables.

mod escapes;
mod introspection;
mod known;
mod measure;
mod scan;
pub(crate) mod skipped;
mod variable_independent;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::{
    Request, ServerError,
    parser::{
        self,
        types::{DocumentOperations, ExecutableDocument, OperationType},
    },
};
use errors::Code;
use quick_cache::{Weighter, sync::Cache};

pub(crate) use self::escapes::written_out;
use self::known::Known;
use crate::{Introspection, Limits, Settings, response};

/// Cache of the parsed documents that are within the limits.
pub(crate) struct Documents {
    limits: Limits,
    introspection: Introspection,
    known: Known,
    cache: Cache<Box<str>, Arc<Document>, ByText>,
}

/// A cached document.
pub(crate) struct Document {
    parsed: ExecutableDocument,
    /// True if its validity does not depend on the values of variables, so that it is validated only once.
    variable_independent: bool,
    /// True if a selection set has a mark of [`skipped`].
    marked: bool,
    valid: AtomicBool,
}

impl Document {
    /// Records that the full validation by the schema has succeeded.
    pub(crate) fn set_valid(&self) {
        self.valid.store(true, Ordering::Relaxed);
    }
}

/// What is known of a prepared request.
pub(crate) struct Prepared {
    /// The validation that it still needs.
    pub(crate) validation: Validation,
    /// True if marks of [`skipped`] must be taken out of the response.
    pub(crate) marked: bool,
}

/// The validation that a prepared request still needs.
pub(crate) enum Validation {
    /// Full validation. If it succeeds, the document is marked as valid.
    Full(Option<Arc<Document>>),
    /// Only the limits. The rest was valid before, and does not depend on the request.
    Size,
}

impl Documents {
    pub(crate) fn new(limits: Limits, settings: Settings) -> Self {
        // Documents have about 256 bytes. The estimate only determines the size of the tables.
        let estimate = usize::try_from(limits.document_cache_bytes / 256).unwrap_or(usize::MAX);
        let cache = Cache::with_weighter(estimate, limits.document_cache_bytes, ByText);
        Self { introspection: settings.introspection, known: Known::new(settings), cache, limits }
    }

    pub(crate) fn len(&self) -> usize {
        self.cache.len()
    }

    /// Adds the parsed document to the request, and returns what is known of it.
    ///
    /// # Errors
    /// `GRAPHQL_PARSE_FAILED`, `GRAPHQL_VALIDATION_FAILED` (a fragment that contains itself, or introspection where it
    /// is off) or `LIMIT_EXCEEDED`. A request with a hash can fail like [`Known::resolve`], and an untrusted document
    /// with `DOCUMENT_NOT_TRUSTED`.
    pub(crate) fn prepare(&self, request: &mut Request) -> Result<Prepared, ServerError> {
        // Most requests contain the document and no hash.
        if request.extensions.is_empty() && !request.query.is_empty() {
            return self.parse(request);
        }
        let offered = self.known.resolve(request)?;
        let prepared = self.parse(request)?;
        // A document that is not cached, because it is long or may contain a secret, is not stored either.
        if let Some(hash) = offered.filter(|_| self.cache.peek(request.query.as_str()).is_some()) {
            self.known.store(hash, &request.query);
        }
        Ok(prepared)
    }

    fn parse(&self, request: &mut Request) -> Result<Prepared, ServerError> {
        if let Some(document) = self.cache.get(request.query.as_str()) {
            request.set_parsed_query(document.parsed.clone());
            let matches =
                document.variable_independent && variable_independent::has_matching_values(&document.parsed, request);
            let marked = document.marked;
            let validation = match matches && document.valid.load(Ordering::Relaxed) {
                true => Validation::Size,
                false => Validation::Full(matches.then_some(document)),
            };
            return Ok(Prepared { validation, marked });
        }
        let text = request.query.as_str();
        self.known.check_trusted(text)?;
        let (mut document, shape) = parse_within(text, &self.limits)?;
        if self.introspection != Introspection::On {
            introspection::reject(&document)?;
        }
        let marked = skipped::mark(&mut document);
        // A string literal may be a password, which must not be kept. A document with literals is also rarely sent
        // twice.
        if !shape.strings && text.len() <= self.limits.cached_document_bytes {
            let remembered = Document {
                variable_independent: variable_independent::is_variable_independent(&document),
                parsed: document.clone(),
                marked,
                valid: AtomicBool::default(),
            };
            self.cache.insert(text.into(), Arc::new(remembered));
        }
        request.set_parsed_query(document);
        Ok(Prepared { validation: Validation::Full(None), marked })
    }
}

/// Parses a document that is not executed here, such as one that a proxy passes on. The text is scanned before it is
/// parsed, within the same limits as that of a request.
///
/// # Errors
/// `GRAPHQL_PARSE_FAILED`, `GRAPHQL_VALIDATION_FAILED` (a fragment that contains itself) or `LIMIT_EXCEEDED`.
pub fn parse(text: &str, limits: &Limits) -> Result<ExecutableDocument, Code> {
    parse_within(text, limits).map(|(document, _)| document).map_err(|error| response::code_of(&error))
}

fn parse_within(text: &str, limits: &Limits) -> Result<(ExecutableDocument, scan::Shape), ServerError> {
    let shape = scan::scan(text);
    if shape.tokens > limits.tokens {
        return Err(measure::limit("tokens", limits.tokens));
    }
    if shape.nesting > limits.nesting {
        return Err(measure::limit("nested brackets", limits.nesting));
    }
    let document = parser::parse_query(written_out(text)).map_err(unparsable)?;
    measure::measure(&document, limits)?;
    Ok((document, shape))
}

/// Returns whether a prepared request executes a subscription.
pub(crate) fn is_subscription(request: &mut Request) -> bool {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else { return false };
    let operation = match &document.operations {
        DocumentOperations::Single(operation) => Some(operation),
        DocumentOperations::Multiple(operations) => match name {
            Some(name) => operations.get(name.as_str()),
            // A named operation that is the only one.
            None => operations.values().next(),
        },
    };
    operation.is_some_and(|operation| operation.node.ty == OperationType::Subscription)
}

/// Returns the error for a document that cannot be parsed. The parser's message repeats a line of the document, which
/// may hold a password. Of it remains what was expected in its place.
fn unparsable(error: parser::Error) -> ServerError {
    let (code, message) = match &error {
        parser::Error::RecursionLimitExceeded => (Code::LimitExceeded, Code::LimitExceeded.message().to_owned()),
        parser::Error::Syntax { message, start, .. } => {
            let expected = message.lines().filter_map(|line| line.trim_start().strip_prefix("= expected ")).next_back();
            let expected = expected.map(|what| format!(", expected {what}")).unwrap_or_default();
            let place = format!("line {}, column {}", start.line, start.column);
            (Code::GraphqlParseFailed, format!("The document has a syntax error at {place}{expected}."))
        }
        other => (Code::GraphqlParseFailed, other.to_string()),
    };
    let mut failed = response::error(code, message);
    failed.locations = error.positions().collect();
    failed
}

/// Weighs a cached document by the length of its text.
#[derive(Clone)]
struct ByText;

impl Weighter<Box<str>, Arc<Document>> for ByText {
    fn weight(&self, text: &Box<str>, _document: &Arc<Document>) -> u64 {
        // An entry without a weight would never be evicted.
        text.len() as u64 + 64
    }
}
