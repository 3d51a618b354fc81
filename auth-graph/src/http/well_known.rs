//! The public documents for verifiers: the public keys and the discovery document.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use serde_json::json;

use super::oauth::{AUTHENTICATION_METHODS, GRANT_TYPES};
use engine::app::App;

/// Time for which a copy may be used. A verifier that meets an unknown key fetches the document earlier.
const CACHE: &str = "public, max-age=300";

/// Returns the public keys as a JWK Set (RFC 7517 section 5). It is empty with HS256, whose key is never published.
pub(super) async fn jwks(State(app): State<App>) -> impl IntoResponse {
    let jwks = app.tokens.keyring.current().jwks().to_owned();
    ([(CONTENT_TYPE, "application/jwk-set+json"), (CACHE_CONTROL, CACHE)], jwks)
}

/// Returns the metadata of RFC 8414 section 2 and OpenID Connect Discovery 1.0 section 3. There is no authorization
/// endpoint, because users sign in at `graphql_endpoint`.
pub(super) async fn discovery(State(app): State<App>) -> impl IntoResponse {
    let config = &app.config;
    // Introspection requires a client with a secret.
    let with_secret: Vec<_> = AUTHENTICATION_METHODS.into_iter().filter(|method| *method != "none").collect();
    let standard = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "sid", "client_id", "scope", "auth_time", "amr"];
    let claims: Vec<_> = standard.into_iter().chain(app.claims.policy.names()).collect();
    let document = json!({
        "issuer": config.issuer(),
        "jwks_uri": config.url_of("/.well-known/jwks.json"),
        "graphql_endpoint": config.url_of("/graphql"),
        "token_endpoint": config.url_of("/oauth/token"),
        "token_endpoint_auth_methods_supported": AUTHENTICATION_METHODS,
        "introspection_endpoint": config.url_of("/oauth/introspect"),
        "introspection_endpoint_auth_methods_supported": with_secret,
        "revocation_endpoint": config.url_of("/oauth/revoke"),
        "revocation_endpoint_auth_methods_supported": AUTHENTICATION_METHODS,
        "grant_types_supported": GRANT_TYPES,
        // The member is required, and an empty list is not allowed (RFC 8414 sections 2 and 3.2).
        "response_types_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [config.tokens.algorithm.as_str()],
        "claims_supported": claims,
    });
    ([(CACHE_CONTROL, CACHE)], Json(document))
}
