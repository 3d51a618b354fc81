//! What operators ask: is it alive, can it serve, what has it done?

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::json;

use super::Site;
use crate::service::database;

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Requests can be served; 503 and what is missing, if not. auth-graph is no part of it: while that is away, this service
/// goes on.
pub(super) async fn ready(State(site): State<Site>) -> impl IntoResponse {
    let pending = database::pending_migrations(&site.app.db).await;
    let status = if matches!(pending, Ok(0)) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let part = |good: bool| if good { "ok" } else { "failing" };
    let body = json!({ "database": part(pending.is_ok()), "migrations": part(matches!(pending, Ok(0))) });
    (status, Json(body))
}

/// The text format of Prometheus, version 0.0.4.
pub(super) async fn metrics(State(site): State<Site>) -> impl IntoResponse {
    let text = site.app.metrics.render(site.app.auth.key_age(), site.app.auth.feed_age());
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
