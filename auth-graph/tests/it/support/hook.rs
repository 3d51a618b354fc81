//! A service that is asked or told by signed requests: a claims hook, or an endpoint of webhooks, on a port of its own.

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

/// 32 bytes.
pub const HOOK_SECRET: &str = "whsec_7Pbo4m0y2dQkzR1sXwVt8aJcLhE5uGfN9iKqTzB3xYM=";

type Behaviour = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync>;

/// What has arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    pub headers: HeaderMap,
    pub body: String,
}

/// It answers as it is told to.
#[derive(Clone)]
pub struct Hook {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
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
            own.asked.lock().unwrap().push(Asked { headers, body });
            let behaviour = own.behaviour.lock().unwrap().clone();
            behaviour().await
        };
        let router = Router::new().route("/claims", post(handler));
        tokio::spawn(async move { axum::serve(listener, router).await });
        hook
    }

    /// From now on it does this.
    pub fn behaves<F: Future<Output = Response> + Send + 'static>(
        &self,
        behaviour: impl Fn() -> F + Send + Sync + 'static,
    ) {
        *self.behaviour.lock().unwrap() = Arc::new(move || Box::pin(behaviour()));
    }

    /// From now on it answers so.
    pub fn answers(&self, claims: Value) {
        let text = serde_json::json!({ "claims": claims }).to_string();
        self.behaves(move || std::future::ready(answer(&text)));
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What has arrived since the last time.
    pub fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// Makes it the hook of an app.
    pub fn configure(&self, config: &mut Config, on_failure: HookFailure) {
        config.claims.hook.url = self.url.clone();
        config.claims.hook.secrets = vec![HOOK_SECRET.into()];
        config.claims.hook.on_failure = on_failure;
    }
}

pub fn answer(text: &str) -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], text.to_owned()).into_response()
}
