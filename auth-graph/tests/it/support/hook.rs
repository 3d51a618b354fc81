//! A service that receives signed requests on its own port: a claims hook or a webhook endpoint.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use model::config::{Config, HookFailure};
use serde_json::Value;
use tokio::net::TcpListener;

/// A secret of 32 bytes.
pub const HOOK_SECRET: &str = "whsec_7Pbo4m0y2dQkzR1sXwVt8aJcLhE5uGfN9iKqTzB3xYM=";

type Behaviour = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync>;

/// A received request.
#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    pub headers: HeaderMap,
    pub body: String,
}

/// The service, whose behaviour a test chooses.
#[derive(Clone)]
pub struct Hook {
    pub url: String,
    asked: Arc<Mutex<Vec<ReceivedRequest>>>,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl Hook {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/claims", listener.local_addr().unwrap());
        let behaviour: Behaviour = Arc::new(|| Box::pin(async { answer(r#"{"claims":{}}"#) }));
        let hook = Self { url, asked: Arc::default(), behaviour: Arc::new(Mutex::new(behaviour)) };
        let own = hook.clone();
        let handler = async move |headers: HeaderMap, body: String| {
            own.asked.lock().unwrap().push(ReceivedRequest { headers, body });
            let behaviour = own.behaviour.lock().unwrap().clone();
            behaviour().await
        };
        let router = Router::new().route("/claims", post(handler));
        tokio::spawn(async move { axum::serve(listener, router).await });
        hook
    }

    /// Sets the behaviour from now on.
    pub fn behaves<F: Future<Output = Response> + Send + 'static>(
        &self,
        behaviour: impl Fn() -> F + Send + Sync + 'static,
    ) {
        *self.behaviour.lock().unwrap() = Arc::new(move || Box::pin(behaviour()));
    }

    /// Answers with these claims from now on.
    pub fn answers(&self, claims: Value) {
        let text = serde_json::json!({ "claims": claims }).to_string();
        self.behaves(move || std::future::ready(answer(&text)));
    }

    pub fn asked(&self) -> Vec<ReceivedRequest> {
        self.asked.lock().unwrap().clone()
    }

    /// Returns the requests since the last call.
    pub fn take(&self) -> Vec<ReceivedRequest> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// Configures the service as the claims hook of an app.
    pub fn configure(&self, config: &mut Config, on_failure: HookFailure) {
        config.claims.hook.url = self.url.clone();
        config.claims.hook.secrets = vec![HOOK_SECRET.into()];
        config.claims.hook.on_failure = on_failure;
    }
}

pub fn answer(text: &str) -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], text.to_owned()).into_response()
}
