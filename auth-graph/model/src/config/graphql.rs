//! The section `[graphql]`: transport of operations, and accepted documents.

use std::path::PathBuf;

use serde::Deserialize;

/// Transport of operations, and accepted documents.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graphql {
    /// If true, GET requests with queries are accepted in addition to POST.
    pub queries_by_get: bool,
    /// Memory in bytes for documents that clients store in order to send only their hash (Apollo's automatic persisted
    /// queries). 0 turns it off.
    pub stored_documents_bytes: u64,
    /// File with documents that are always accepted, also by their hash. It may be empty.
    pub trusted_documents: PathBuf,
    /// Accepted documents.
    pub allowed_documents: AllowedDocuments,
    /// Whether callers can ask for the schema.
    pub introspection: Introspection,
}

/// Whether callers can ask for the schema, by introspection or by `_service { sdl }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Introspection {
    /// As the profile says: not in production.
    Auto,
    /// Every caller can.
    On,
    /// No caller can.
    Off,
}

/// Accepted GraphQL documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AllowedDocuments {
    /// Every document within the limits.
    Any,
    /// Trusted documents only; others are rejected before they are parsed.
    Trusted,
}
