//! What browsers tell of the page behind a request, and what they are told of who may call from another origin (CORS).
//!
//! Which page may use the cookie is decided here; what else that takes is in `graphql::delivery`.

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowCredentials, AllowOrigin, Any, CorsLayer};

use crate::graphql::{Browser, Page, find_cookie};
use engine::app::App;

const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// For so long a browser may remember the answer to a preflight: two hours is the most that Chromium does.
const PREFLIGHT_LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

/// What a request shows that only browsers send.
pub(super) fn browser(app: &App, headers: &HeaderMap) -> Browser {
    Browser {
        page: page(app, headers),
        cookie: headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .find_map(|header| find_cookie(app, header)),
        csrf_token: headers.get(CSRF_TOKEN).and_then(|token| token.to_str().ok()).map(str::to_owned),
    }
}

/// The layer of `/graphql`: pages of the listed origins may call with credentials, others not at all. None: no origin
/// is listed, and a browser that asks first is refused.
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

/// The layer of documents that are public: anybody may read them, nobody with credentials.
pub(super) fn public() -> CorsLayer {
    CorsLayer::new().allow_origin(Any).allow_methods([Method::GET])
}

/// By `Origin`, and by `Sec-Fetch-Site` (Fetch Metadata). Programs send neither.
fn page(app: &App, headers: &HeaderMap) -> Page {
    let mut origins = headers.get_all(ORIGIN).iter();
    let named = match (origins.next(), origins.next()) {
        (None, _) => None,
        (Some(origin), None) if origin.to_str().is_ok_and(|origin| app.config.allows_origin(origin)) => Some(origin),
        _ => return Page::Foreign,
    };
    let shares_domain = !app.config.cookies.domain.is_empty();
    match headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Page::Trusted,
        // Another host of the parent domain. It must be named: any host there could be somebody else's.
        Some(b"same-site") if shares_domain && named.is_some() => Page::Trusted,
        Some(_) => Page::Foreign,
    }
}
