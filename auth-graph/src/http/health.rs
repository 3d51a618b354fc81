//! Liveness, readiness and metrics, for operators.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::json;

use engine::app::App;
use engine::readiness;

/// Answers that the process is alive.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Answers whether requests can be served; if not, with 503 and the parts that are missing.
pub(super) async fn ready(State(app): State<App>) -> impl IntoResponse {
    let ready = readiness(&app).await;
    let status = match ready.database && ready.writable && ready.migrations && ready.keys && ready.clock {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let part = |good: bool| if good { "ok" } else { "failing" };
    let body = json!({
        "database": if ready.database && !ready.writable { "read-only" } else { part(ready.database) },
        "migrations": part(ready.migrations),
        "keys": part(ready.keys),
        "clock": part(ready.clock),
    });
    (status, Json(body))
}

/// Returns the metrics in the text format of Prometheus, version 0.0.4.
pub(super) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render())
}
