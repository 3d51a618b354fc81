//! Recognises requests that ask about a single access token: `verify` in GraphQL, and introspection (RFC 7662).

use async_graphql::parser::types::{Field, OperationType, Selection, SelectionSet};

use async_graphql::{Name, Value};
use axum::http::request::Parts;
use graphql_edge::Limits;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::http::oauth::{Form, credentials};
use engine::app::App;
use engine::verification::Basis;

/// Fields of `TokenVerification` that follow from the token alone.
const FOLLOW_FROM_TOKEN: [&str; 5] = ["__typename", "active", "reason", "tokenType", "claims"];

/// Maximum number of brackets in a document that is parsed here. A `verify` has few.
const MOST_BRACKETS: usize = 16;

/// A question about a token.
pub(super) enum Question {
    /// The mutation `verify`.
    Verify { token: SecretString },
    /// An introspection by a client.
    Introspect { token: SecretString, client_id: String },
}

impl Question {
    /// Recognises the question of a request. Returns `None` for another request, or when the answer depends on more
    /// than the token.
    pub(super) fn read(parts: &Parts, body: &[u8]) -> Option<Self> {
        match parts.uri.path() {
            "/graphql" => Some(Self::Verify { token: verified(body)? }),
            "/oauth/introspect" => {
                let form = Form::parse(body).ok()?;
                let client_id = credentials(&parts.headers, &form).ok()?.client_id;
                Some(Self::Introspect { token: form.optional("token")?.into(), client_id })
            }
            _ => None,
        }
    }

    /// Returns the basis of the answer, or `None` when the token is not valid.
    pub(super) async fn basis(&self, app: &App) -> Option<Basis> {
        match self {
            Self::Verify { token } => Basis::of_verification(app, token).await,
            Self::Introspect { token, client_id } => Basis::of_introspection(app, token, client_id).await,
        }
    }
}

/// Returns the token that a GraphQL request asks about. Its only operation must have `verify` as the only root field,
/// and all selected fields must follow from the token.
fn verified(body: &[u8]) -> Option<SecretString> {
    #[derive(Deserialize)]
    struct Body {
        query: String,
        #[serde(default)]
        variables: Option<Map<String, Json>>,
    }
    // Most other requests end here.
    if !str::from_utf8(body).ok()?.contains("verify") {
        return None;
    }
    let Body { query, variables } = serde_json::from_slice(body).ok()?;
    if query.bytes().filter(|byte| b"{[(".contains(byte)).count() > MOST_BRACKETS {
        return None;
    }
    let document = graphql_edge::parse(&query, &Limits::default()).ok()?;
    let mut operations = document.operations.iter();
    let (Some((_, operation)), None) = (operations.next(), operations.next()) else { return None };
    let operation = &operation.node;
    if operation.ty != OperationType::Mutation || !operation.directives.is_empty() || !document.fragments.is_empty() {
        return None;
    }
    let verify = fields(&operation.selection_set.node).next()??;
    let is_alone = operation.selection_set.node.items.len() == 1 && verify.name.node == "verify";
    let follows = |field: Option<&Field>| field.is_some_and(|field| FOLLOW_FROM_TOKEN.contains(&&*field.name.node));
    if !is_alone || !fields(&verify.selection_set.node).all(follows) {
        return None;
    }
    let text = |name: &str| variables.as_ref()?.get(name)?.as_str().map(Value::from);
    let variable = |name: Name| text(&name).ok_or(());
    match verify.get_argument("token")?.node.clone().into_const_with(variable) {
        Ok(Value::String(token)) => Some(token.into()),
        _ => None,
    }
}

/// Returns the fields of a selection set, with `None` in place of a fragment or of a field with a directive.
fn fields(set: &SelectionSet) -> impl Iterator<Item = Option<&Field>> {
    set.items.iter().map(|selection| match &selection.node {
        Selection::Field(field) if field.node.directives.is_empty() => Some(&field.node),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;

    fn asked(query: &str) -> Option<String> {
        let body = json!({ "query": query, "variables": { "token": "a.b.c" } }).to_string();
        verified(body.as_bytes()).map(|token| token.expose_secret().to_owned())
    }

    #[test]
    fn a_verify_that_follows_from_its_token_is_a_question() {
        for query in [
            "mutation ($token: String!) { verify(token: $token) { active } }",
            "mutation Named($token: String!) { ok: verify(token: $token) { a: active claims { sub ... { iss } } } }",
            "mutation { verify(token: \"a.b.c\") { __typename reason tokenType } }",
        ] {
            assert_eq!(asked(query).as_deref(), Some("a.b.c"), "{query}");
        }
    }

    #[test]
    fn other_requests_are_not_questions() {
        for query in [
            "query { verify }",
            "mutation { verify(token: \"a\") { active user { id } } }",
            "mutation { verify(token: \"a\") { active: user { id } } }",
            "mutation { verify(token: \"a\") { active } logout { revokedSessions } }",
            "mutation { verify(token: \"a\") { active } ...F } fragment F on Mutation { logout { revokedSessions } }",
            "mutation { verify(token: \"a\") { ... on TokenVerification { user { id } } } }",
            "mutation { verify(token: \"a\") { active @skip(if: true) } }",
            "mutation A { verify(token: \"a\") { active } } mutation B { logout { revokedSessions } }",
            "mutation ($other: String!) { verify(token: $other) { active } }",
            "mutation { logout { verify: revokedSessions } }",
            "mutation { verify(token:",
        ] {
            assert_eq!(asked(query), None, "{query}");
        }
        assert!(verified(b"{}").is_none() && verified(b"verify").is_none());
    }
}
