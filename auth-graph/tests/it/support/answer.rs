//! The response to a request.

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

/// A complete response.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
}

impl Answer {
    pub async fn read(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status: parts.status, headers: parts.headers, text, body }
    }

    /// Returns a field of `data`, after checking that there are no errors.
    pub fn data(&self, field: &str) -> &Value {
        assert!(self.body["errors"].is_null(), "{}", self.text);
        &self.body["data"][field]
    }

    /// Returns the code of the only error.
    pub fn code(&self) -> &str {
        let errors = self.body["errors"].as_array().map_or(0, Vec::len);
        assert_eq!(errors, 1, "{}", self.text);
        self.body["errors"][0]["extensions"]["code"].as_str().unwrap()
    }

    /// Returns the first error.
    pub fn error(&self) -> &Value {
        &self.body["errors"][0]
    }
}
