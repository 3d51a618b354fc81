//! Access tokens: good ones, and ones with any part changed.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::key::{KeyType, SigningKey};
use super::state::Shared;
use crate::ids::{SessionId, UserId};

/// Builds an access token; created by [`TestIssuer::token_for`](super::TestIssuer::token_for).
#[derive(Clone, Debug)]
#[must_use = "call sign()"]
pub struct TokenBuilder {
    shared: Arc<Shared>,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signature: Signature,
}

/// The signature of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signature {
    /// A signature with the issuer's key.
    Good,
    /// No signature, with `alg: none`.
    None,
    /// A signature with HS256 and the issuer's public key as the secret.
    HmacWithPublicKey,
    /// A signature with a foreign key, under the name of the issuer's key.
    ForeignKey,
}

impl TokenBuilder {
    pub(super) fn new(shared: Arc<Shared>, user: UserId, session: SessionId) -> Self {
        let (key_id, algorithm) = {
            let state = shared.state();
            (state.keys[0].id.clone(), state.keys[0].algorithm)
        };
        let now = shared.clock.now().timestamp();
        let header = json!({ "typ": "at+jwt", "alg": algorithm, "kid": key_id });
        let claims = json!({
            "iss": shared.url, "sub": user, "aud": "graph", "exp": now + 300, "iat": now, "nbf": now,
            "jti": Uuid::new_v4(), "sid": session, "client_id": "tests", "auth_time": now, "amr": ["pwd"],
        });
        Self { shared, header: object(header), claims: object(claims), signature: Signature::Good }
    }

    /// Sets the scopes, separated by spaces. Without this call the token has no claim `scope`, like those of
    /// auth-graph.
    pub fn scope(self, scope: &str) -> Self {
        self.claim("scope", json!(scope))
    }

    /// Sets the session.
    pub fn session(self, session: SessionId) -> Self {
        self.claim("sid", json!(session))
    }

    /// Sets the lifetime from now.
    pub fn expires_in(self, lifetime: Duration) -> Self {
        let end = self.shared.clock.now() + lifetime;
        self.claim("exp", json!(end.timestamp()))
    }

    /// Sets a claim to any value.
    pub fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims.insert(name.to_owned(), value);
        self
    }

    /// Removes a claim.
    pub fn without_claim(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets a member of the header to any value.
    pub fn header(mut self, name: &str, value: Value) -> Self {
        self.header.insert(name.to_owned(), value);
        self
    }

    /// Removes a member of the header.
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// Sets the kind of signature.
    pub fn signed_by(mut self, signature: Signature) -> Self {
        self.signature = signature;
        self
    }

    /// Returns the session.
    ///
    /// # Panics
    /// When the claim `sid` was set to something else.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        serde_json::from_value(self.claims["sid"].clone()).expect("the session is an identifier")
    }

    /// Signs the token and returns its compact form.
    pub fn sign(mut self) -> String {
        match self.signature {
            Signature::None => self.header.insert("alg".to_owned(), json!("none")),
            Signature::HmacWithPublicKey => self.header.insert("alg".to_owned(), json!("HS256")),
            Signature::Good | Signature::ForeignKey => None,
        };
        let message = format!("{}.{}", encode(&self.header), encode(&self.claims));
        let mut state = self.shared.state();
        let signature = match self.signature {
            Signature::Good => state.keys[0].sign(&message),
            Signature::None => String::new(),
            Signature::HmacWithPublicKey => {
                let secret =
                    EncodingKey::from_secret(state.keys[0].to_jwk().to_string().as_bytes()).expect("any secret fits");
                jsonwebtoken::crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).expect("any secret fits")
            }
            Signature::ForeignKey => SigningKey::generate(KeyType::Es256).sign(&message),
        };
        let token = format!("{message}.{signature}");
        if self.signature == Signature::Good {
            state.access_tokens.insert(token.clone(), self.claims);
        }
        token
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn encode(part: &Map<String, Value>) -> String {
    URL_SAFE_NO_PAD.encode(json!(part).to_string())
}
