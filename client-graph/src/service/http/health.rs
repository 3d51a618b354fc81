//! Liveness, readiness and metrics, for operators.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::json;

use crate::freshness::{FeedState, FeedStatus};
use crate::service::app::App;
use crate::service::database;

/// Answers as long as the process runs.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Answers 200 when requests can be served, otherwise 503 with the failing part. auth-graph is a part only at the
/// start, until the service knows which sessions have ended or has tried several times: the service continues during an
/// outage of auth-graph. The ages of the feed are included for alarms; an unknown age is null.
pub(super) async fn ready(State(app): State<App>) -> impl IntoResponse {
    let pending = database::pending_migrations(&app.db).await;
    let FeedStatus { state, age, lag, mirror_age } = app.auth.feed_status();
    let is_read_only = matches!(::database::is_read_only(&app.db).await, Ok(true));
    let is_ready = matches!(pending, Ok(0)) && !is_read_only && state != FeedState::Starting;
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let part = |good: bool| if good { "ok" } else { "failing" };
    let seconds = |age: Option<Duration>| age.map(|age| age.as_secs_f64());
    let state = match state {
        FeedState::NotFollowed => "not followed",
        FeedState::Starting => "starting: the sessions that have ended are not known yet",
        FeedState::Failing => {
            "failing: the sessions that have ended are not known, auth-graph is asked about each token"
        }
        FeedState::Primed => "followed",
    };
    let body = json!({
        "database": if is_read_only { "read-only" } else { part(pending.is_ok()) },
        "migrations": part(matches!(pending, Ok(0))),
        "feed": {
            "state": state, "ageSeconds": seconds(age), "lagSeconds": seconds(lag),
            "mirrorAgeSeconds": seconds(mirror_age),
        },
    });
    (status, Json(body))
}

/// Answers with the metrics in the text format of Prometheus, version 0.0.4.
pub(super) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let text = app.metrics.render(app.auth.key_age(), app.auth.feed_status());
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
