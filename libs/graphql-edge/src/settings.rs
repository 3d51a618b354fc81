//! Settings of the edge, a table of a service's configuration.

use serde::Deserialize;

use crate::TrustedDocuments;

/// The accepted methods of requests, and the documents that they may contain or name. The default accepts any document,
/// by POST, and none by its hash.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// True if GET requests are answered as well, with queries only.
    pub queries_by_get: bool,
    /// The text of documents that clients may store, to send only their hash from then on: Apollo's automatic persisted
    /// queries. 0: none.
    pub stored_documents_bytes: u64,
    /// Documents that may always be sent, and named by their hash.
    pub trusted_documents: TrustedDocuments,
    /// Which documents are run.
    pub allowed_documents: AllowedDocuments,
}

impl Settings {
    /// Trust further documents: those that the service's own clients send.
    #[must_use]
    pub fn trusting<T: AsRef<str>>(self, documents: impl IntoIterator<Item = T>) -> Self {
        Self { trusted_documents: self.trusted_documents.and(documents), ..self }
    }
}

/// Which documents are run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AllowedDocuments {
    /// Whatever the limits allow.
    #[default]
    Any,
    /// Trusted ones only. Whoever sends another one is refused before it is parsed.
    Trusted,
}
