//! Limits of one request. [`bounded`] sets those that need the schema (depth, complexity). The service itself limits
//! the number of requests.

use std::time::Duration;

use async_graphql::{ObjectType, SchemaBuilder, SubscriptionType};

/// Limits of one request and of one socket.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum size of the body of a POST and of a message on a WebSocket.
    pub body_bytes: usize,
    /// Time within which the whole body of a POST must arrive.
    pub body_timeout: Duration,
    /// Maximum number of tokens in a document.
    pub tokens: usize,
    /// Maximum number of brackets that are open at the same time in a document, and of levels of selections with
    /// fragments expanded.
    pub nesting: usize,
    /// Maximum number of selections in a document with fragments expanded.
    pub selections: usize,
    /// Maximum number of aliases in a document, counted like the selections.
    pub aliases: usize,
    /// Maximum number of fields at the root of one operation, counted like the selections.
    pub root_fields: usize,
    /// Root fields that try a secret, such as `login`: see [`Limits::credential_operations`].
    pub credential_fields: &'static [&'static str],
    /// Maximum number of [`Limits::credential_fields`] in all operations of a document together. With more than one, a
    /// single request could try many passwords.
    pub credential_operations: usize,
    /// Maximum length of a cached document.
    pub cached_document_bytes: usize,
    /// Maximum length of the text of all cached documents together. The parsed form takes up to a hundred times as much
    /// memory.
    pub document_cache_bytes: u64,
    /// Maximum number of operations that run on one WebSocket at the same time.
    pub websocket_operations: usize,
    /// Time within which `connection_init` must arrive and be answered.
    pub connection_init_timeout: Duration,
    /// Time after which a socket of an anonymous caller ([`crate::Connection::anonymous`]) is closed that runs no
    /// operation.
    pub anonymous_idle: Duration,
    /// Time after which a silent socket is pinged. It is closed after two pings without an answer.
    pub keepalive: Duration,
    /// Time within which the client must accept one message.
    pub send_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 128 * 1024,
            body_timeout: http_input::BODY_TIMEOUT,
            tokens: 2_000,
            nesting: 50,
            selections: 1_000,
            aliases: 15,
            root_fields: 15,
            credential_fields: &[],
            credential_operations: 1,
            cached_document_bytes: 8 * 1024,
            document_cache_bytes: 256 * 1024,
            websocket_operations: 20,
            connection_init_timeout: Duration::from_secs(5),
            anonymous_idle: Duration::from_secs(30),
            keepalive: Duration::from_secs(20),
            send_timeout: Duration::from_secs(10),
        }
    }
}

/// Sets the limits that only the schema can check: depth 15, complexity 250, 5 directives per field, recursion 32.
///
/// The introspection query of common tools is within these limits. A service with more expensive fields sets its own
/// complexity afterwards.
pub fn bounded<Q, M, S>(builder: SchemaBuilder<Q, M, S>) -> SchemaBuilder<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    builder.limit_depth(15).limit_complexity(250).limit_directives(5).limit_recursive_depth(32)
}
