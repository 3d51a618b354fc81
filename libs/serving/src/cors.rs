//! Pages of listed origins, which may call a service from a browser (the CORS protocol of the Fetch standard).

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{ACCESS_CONTROL_REQUEST_HEADERS, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::map_request;
use tower_http::cors::{AllowCredentials, AllowHeaders, AllowOrigin, CorsLayer};

use crate::observe::REQUEST_ID;

/// Time that a browser may remember the answer to a preflight; Chromium allows two hours at most.
const PREFLIGHT_LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

/// Lets pages of these origins call the routes of a router, with credentials. Pages of other origins may not call them
/// at all. Without an origin nothing is added, and preflights are rejected like any unknown method.
///
/// Every header that is asked for is allowed: the list of origins is the protection, and programs for traces and errors
/// add headers of their own.
pub fn allow_pages<S: Clone + Send + Sync + 'static>(router: Router<S>, origins: &[String]) -> Router<S> {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return router;
    }
    let listed = origins.clone();
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(AllowCredentials::predicate(move |origin, _| listed.contains(origin)))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([RETRY_AFTER, WWW_AUTHENTICATE, REQUEST_ID])
        .max_age(PREFLIGHT_LIFETIME);
    router.layer(layer).layer(map_request(with_valid_names))
}

/// Removes what is not a list of names from the header that the answer repeats.
async fn with_valid_names(mut request: Request) -> Request {
    if request.method() == Method::OPTIONS && !are_names(request.headers()) {
        request.headers_mut().remove(ACCESS_CONTROL_REQUEST_HEADERS);
    }
    request
}

fn are_names(headers: &HeaderMap) -> bool {
    let is_name = |name: &[u8]| HeaderName::from_bytes(name.trim_ascii()).is_ok();
    let mut values = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    values.all(|value| value.as_bytes().split(|byte| *byte == b',').all(is_name))
}
