//! Browsers: the page behind a request, its cookie, and the origins that may call (CORS).
//!
//! This module decides which page may use the cookie; the other conditions are in `graphql::delivery`.

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_input::{Found, Repeated};
use tower_http::cors::{AllowCredentials, AllowOrigin, Any, CorsLayer};

use crate::graphql::{Browser, Page, RefreshCookie, cookie_name};
use engine::app::App;

const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Time that a browser may remember the answer to a preflight; Chromium allows two hours at most.
const PREFLIGHT_LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

/// Reads the headers that only browsers send.
pub(super) fn browser(app: &App, headers: &HeaderMap) -> Browser {
    Browser {
        page: page(app, headers),
        cookie: match http_input::find_cookie(headers, cookie_name(app)) {
            Found::None => RefreshCookie::Absent,
            Found::One(token) => RefreshCookie::Token(token.into()),
            Found::Several => RefreshCookie::Ambiguous,
        },
        csrf_token: headers.get(CSRF_TOKEN).and_then(|token| token.to_str().ok()).map(str::to_owned),
    }
}

/// Returns the layer of `/graphql`: pages of the listed origins may call with credentials, others not at all. Without a
/// listed origin there is no layer, and preflights are rejected.
pub(super) fn cors(app: &App) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> =
        app.config.server.allowed_origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let listed = origins.clone();
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(AllowCredentials::predicate(move |origin, _| listed.contains(origin)))
        .allow_methods([Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, CSRF_TOKEN, REQUEST_ID])
        .expose_headers([RETRY_AFTER, REQUEST_ID])
        .max_age(PREFLIGHT_LIFETIME);
    Some(layer)
}

/// Returns the layer of public documents, which every page may read without credentials.
pub(super) fn public() -> CorsLayer {
    CorsLayer::new().allow_origin(Any).allow_methods([Method::GET])
}

/// Classifies the page by `Origin` and `Sec-Fetch-Site` (Fetch Metadata). Programs send neither.
fn page(app: &App, headers: &HeaderMap) -> Page {
    let named = match http_input::single(headers, ORIGIN) {
        Ok(None) => None,
        Ok(Some(origin)) if origin.to_str().is_ok_and(|origin| app.config.allows_origin(origin)) => Some(origin),
        Ok(Some(_)) | Err(Repeated) => return Page::Foreign,
    };
    let shares_domain = !app.config.cookies.domain.is_empty();
    match headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Page::Trusted,
        // Another host of the parent domain. It must be listed, as hosts there can belong to others.
        Some(b"same-site") if shares_domain && named.is_some() => Page::Trusted,
        Some(_) => Page::Foreign,
    }
}
