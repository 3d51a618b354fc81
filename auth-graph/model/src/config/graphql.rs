//! The section `[graphql]`: how operations are sent, and which documents are accepted.

use std::path::PathBuf;

use serde::Deserialize;

/// How operations are sent, and which documents are accepted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graphql {
    /// Whether GET requests are answered as well, with queries only.
    pub queries_by_get: bool,
    /// The memory for documents that clients store, to send only their hash afterwards (Apollo's automatic persisted
    /// queries), in bytes; 0: clients store none.
    pub stored_documents_bytes: u64,
    /// A file of documents that are always accepted, and can be named by their hash; empty: none.
    pub trusted_documents: PathBuf,
    /// Which documents are accepted.
    pub allowed_documents: AllowedDocuments,
}

/// Which GraphQL documents are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AllowedDocuments {
    /// Every document within the limits.
    Any,
    /// Trusted documents only; others are rejected before they are parsed.
    Trusted,
}
