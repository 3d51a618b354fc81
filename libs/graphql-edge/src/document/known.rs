//! Documents that requests name by their hash: those that the service trusts, and those that clients have stored
//! (Apollo's automatic persisted queries). All callers share them, so that each hash is verified.

use std::sync::Arc;

use async_graphql::{Request, ServerError, Value};
use errors::Code;
use quick_cache::{Weighter, sync::Cache};

use crate::{AllowedDocuments, Settings, TrustedDocuments, request::PERSISTED_QUERY, response, trusted::hash_of};

/// The documents that can be named by their hash.
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

    /// Replaces a hash by its document. If the request contains both, it returns the hash under which the document is
    /// stored when it is valid.
    ///
    /// # Errors
    /// `BAD_REQUEST` when the hash is malformed or that of another document; `PERSISTED_QUERY_NOT_FOUND` or
    /// `PERSISTED_QUERY_NOT_SUPPORTED`, after which Apollo's clients send the document.
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
            return Err(response::error(Code::BadRequest, "The hash does not match the document."));
        }
        Ok(self.stored.is_some().then(|| hash.to_owned()))
    }

    /// Stores a document under its hash, which was verified.
    pub(super) fn store(&self, hash: String, document: &str) {
        if let Some(stored) = &self.stored {
            stored.insert(hash, document.into());
        }
    }

    /// Rejects an untrusted document, if only trusted documents are executed.
    pub(super) fn check_trusted(&self, document: &str) -> Result<(), ServerError> {
        match self.allowed {
            AllowedDocuments::Any => Ok(()),
            AllowedDocuments::Trusted if self.trusted.get(&hash_of(document)).is_some() => Ok(()),
            AllowedDocuments::Trusted => {
                Err(response::error(Code::DocumentNotTrusted, Code::DocumentNotTrusted.message()))
            }
        }
    }

    fn find(&self, hash: &str) -> Result<Arc<str>, ServerError> {
        let stored = || self.stored.as_ref()?.get(hash);
        self.trusted.get(hash).cloned().or_else(stored).ok_or_else(|| match (&self.stored, self.allowed) {
            // Sending the document with its hash would not help. Clients compare the messages too.
            (None, AllowedDocuments::Any) => {
                response::error(Code::PersistedQueryNotSupported, "PersistedQueryNotSupported")
            }
            _ => response::error(Code::PersistedQueryNotFound, "PersistedQueryNotFound"),
        })
    }
}

/// Returns the hash in the extension, if the extension has a supported form.
fn hash_in(named: &Value) -> Option<&str> {
    let Value::Object(members) = named else { return None };
    match (members.get("version"), members.get("sha256Hash")) {
        (Some(Value::Number(version)), Some(Value::String(hash))) if version.as_u64() == Some(1) => Some(hash),
        _ => None,
    }
}

/// Weighs a stored document by its length and the length of its hash.
#[derive(Clone)]
struct ByText;

impl Weighter<String, Arc<str>> for ByText {
    fn weight(&self, hash: &String, document: &Arc<str>) -> u64 {
        (hash.len() + document.len()) as u64
    }
}
