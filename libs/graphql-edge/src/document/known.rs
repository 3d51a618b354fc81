//! Documents that a request names by their hash instead of holding them: those that the service trusts, and those that
//! clients have stored (Apollo's automatic persisted queries). Both are shared by all callers, so nothing is taken for
//! the document of a hash that does not have it.

use std::sync::Arc;

use async_graphql::{Request, ServerError, Value};
use errors::Code;
use quick_cache::{Weighter, sync::Cache};

use crate::{AllowedDocuments, Settings, TrustedDocuments, request::PERSISTED_QUERY, response, trusted::hash_of};

/// The documents that are known by their hash.
pub(super) struct Known {
    trusted: TrustedDocuments,
    allowed: AllowedDocuments,
    stored: Option<Cache<String, Arc<str>, ByText>>,
}

impl Known {
    pub(super) fn new(settings: Settings) -> Self {
        let bytes = settings.stored_documents_bytes;
        let estimate = usize::try_from(bytes / 256).unwrap_or(usize::MAX);
        Self {
            trusted: settings.trusted_documents,
            allowed: settings.allowed_documents,
            stored: (bytes > 0).then(|| Cache::with_weighter(estimate, bytes, ByText)),
        }
    }

    /// Put the document in the place of its hash. Where both were sent, the answer is the hash to store it under once
    /// it has been found good.
    ///
    /// # Errors
    /// With `BAD_REQUEST` when the hash is none, or that of another document; with `PERSISTED_QUERY_NOT_FOUND` or
    /// `PERSISTED_QUERY_NOT_SUPPORTED`, which make Apollo's clients send the document.
    pub(super) fn resolve(&self, request: &mut Request) -> Result<Option<String>, ServerError> {
        let Some(named) = request.extensions.get(PERSISTED_QUERY) else { return Ok(None) };
        let hash = hash_in(named).ok_or_else(|| {
            response::error(Code::BadRequest, "`persistedQuery` must have the `version` 1 and a `sha256Hash`.")
        })?;
        if request.query.is_empty() {
            request.query = self.find(hash)?.to_string();
            return Ok(None);
        }
        if hash != hash_of(&request.query) {
            return Err(response::error(Code::BadRequest, "The hash is not that of the document."));
        }
        Ok(self.stored.is_some().then(|| hash.to_owned()))
    }

    /// Remember a document by its hash, which was checked.
    pub(super) fn store(&self, hash: String, document: &str) {
        if let Some(stored) = &self.stored {
            stored.insert(hash, document.into());
        }
    }

    /// Refuse what is not trusted, where only trusted documents are run.
    pub(super) fn check_trusted(&self, document: &str) -> Result<(), ServerError> {
        match self.allowed {
            AllowedDocuments::Any => Ok(()),
            AllowedDocuments::Trusted if self.trusted.get(&hash_of(document)).is_some() => Ok(()),
            AllowedDocuments::Trusted => {
                Err(response::error(Code::DocumentNotTrusted, "Only documents that are known here are run."))
            }
        }
    }

    fn find(&self, hash: &str) -> Result<Arc<str>, ServerError> {
        let stored = || self.stored.as_ref()?.get(hash);
        self.trusted.get(hash).cloned().or_else(stored).ok_or_else(|| match (&self.stored, self.allowed) {
            // There is no use in sending the document with its hash. Clients compare the messages too.
            (None, AllowedDocuments::Any) => {
                response::error(Code::PersistedQueryNotSupported, "PersistedQueryNotSupported")
            }
            _ => response::error(Code::PersistedQueryNotFound, "PersistedQueryNotFound"),
        })
    }
}

/// The hash in the extension, where it is one that we know how to read.
fn hash_in(named: &Value) -> Option<&str> {
    let Value::Object(members) = named else { return None };
    match (members.get("version"), members.get("sha256Hash")) {
        (Some(Value::Number(version)), Some(Value::String(hash))) if version.as_u64() == Some(1) => Some(hash),
        _ => None,
    }
}

/// Weighs a stored document by its length and that of its hash.
#[derive(Clone)]
struct ByText;

impl Weighter<String, Arc<str>> for ByText {
    fn weight(&self, hash: &String, document: &Arc<str>) -> u64 {
        (hash.len() + document.len()) as u64
    }
}
