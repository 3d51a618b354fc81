//! Service clients, and forms for the OAuth endpoints.

use axum::http::Request;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use engine::callers::Actor;
use engine::clients::{NewClient, create};
use model::values::{ClientId, Scopes};
use secrecy::ExposeSecret;
use url::form_urlencoded;

use super::{Answer, Caller, TestApp};

/// A service client that sends its credentials with every form.
pub struct ServiceClient {
    pub id: ClientId,
    pub secret: String,
    pub caller: Caller,
}

impl TestApp {
    /// Creates a service client for the default audience.
    pub async fn service_client(&self, name: &str, scopes: &str) -> ServiceClient {
        self.service_client_for(name, scopes, &[]).await
    }

    pub async fn service_client_for(&self, name: &str, scopes: &str, audiences: &[&str]) -> ServiceClient {
        let audiences = audiences.iter().map(|&audience| audience.to_owned()).collect();
        let (name, scopes) = (name.to_owned(), Scopes::parse(scopes).unwrap());
        let new = NewClient { name, scopes, audiences, projection: None };
        let made = create(&self.app, &Actor::operator(), new).await.unwrap();
        let secret = made.secret.expose_secret().to_owned();
        let caller = self.anonymous().with_basic(&made.client.id.to_string(), &secret);
        ServiceClient { id: made.client.id, secret, caller }
    }

    /// Returns a caller with this access token.
    pub fn bearer(&self, token: &str) -> Caller {
        self.anonymous().with_header("authorization", &format!("Bearer {token}"))
    }
}

impl ServiceClient {
    /// Returns an access token of the client.
    pub async fn token(&self) -> String {
        self.token_with(&[]).await
    }

    pub async fn token_with(&self, wishes: &[(&str, &str)]) -> String {
        let fields: Vec<_> = [("grant_type", "client_credentials")].iter().chain(wishes).copied().collect();
        let answer = self.caller.form("/oauth/token", &fields).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    /// Returns whether introspection by this client reports the token as active.
    pub async fn sees(&self, token: &str) -> bool {
        let answer = self.caller.form("/oauth/introspect", &[("token", token)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body["active"].as_bool().unwrap()
    }
}

impl Caller {
    pub fn with_basic(self, id: &str, secret: &str) -> Self {
        let encoded = BASE64_STANDARD.encode(format!("{id}:{secret}"));
        self.with_header("authorization", &format!("Basic {encoded}"))
    }

    /// Sends a form.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.encoded(path, form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()).await
    }

    /// Sends an encoded form.
    pub async fn encoded(&self, path: &str, body: String) -> Answer {
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.request(request.body(body.into()).unwrap()).await
    }
}
