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
    /// Whether the schema can be asked for.
    pub introspection: Introspection,
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

/// Whether a schema can be asked for, by introspection or by `_service { sdl }`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Introspection {
    /// Every caller can ask for it.
    #[default]
    On,
    /// No caller can ask for it, and errors suggest no names of fields.
    Off,
    /// As the profile of the service says: see [`Introspection::in_profile`]. Until it is replaced, no caller can ask.
    Auto,
}

impl Introspection {
    /// Returns the setting with [`Introspection::Auto`] replaced: off in production, else on.
    #[must_use]
    pub fn in_profile(self, is_production: bool) -> Self {
        match (self, is_production) {
            (Self::Auto, true) => Self::Off,
            (Self::Auto, false) => Self::On,
            (decided, _) => decided,
        }
    }
}
