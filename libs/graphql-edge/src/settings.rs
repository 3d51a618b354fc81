//! Settings of the edge, which are a table in the configuration of a service.

use serde::Deserialize;

use crate::TrustedDocuments;

/// The accepted methods of requests, and the documents that they may contain or name. By default, any document is
/// accepted by POST, and none by its hash.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// True if GET requests with queries are answered too.
    pub queries_by_get: bool,
    /// Maximum length of the text of all documents that clients store in order to send only their hash afterwards
    /// (Apollo's automatic persisted queries). 0 turns this off.
    pub stored_documents_bytes: u64,
    /// Documents that are always accepted, and that can be named by their hash.
    pub trusted_documents: TrustedDocuments,
    /// The documents that are executed.
    pub allowed_documents: AllowedDocuments,
}

impl Settings {
    /// Adds trusted documents, such as those that the service's own clients send.
    #[must_use]
    pub fn trusting<T: AsRef<str>>(self, documents: impl IntoIterator<Item = T>) -> Self {
        Self { trusted_documents: self.trusted_documents.and(documents), ..self }
    }
}

/// The documents that are executed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AllowedDocuments {
    /// Any document within the limits.
    #[default]
    Any,
    /// Only trusted documents. Any other document is rejected before it is parsed.
    Trusted,
}
