//! Browsers: the page behind a request, and its cookie.
//!
//! This module decides which page may use the cookie; the other conditions are in `graphql::delivery`.

use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_input::Repeated;
use secrecy::SecretString;
use tower_http::cors::{Any, CorsLayer};

use crate::graphql::{Browser, Page, cookie_name};
use engine::app::App;

const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Reads the headers that only browsers send.
pub(super) fn browser(app: &App, headers: &HeaderMap) -> Browser {
    Browser {
        page: page(app, headers),
        cookies: http_input::cookies_named(headers, cookie_name(app)).map(SecretString::from).collect(),
        csrf_token: headers.get(CSRF_TOKEN).and_then(|token| token.to_str().ok()).map(str::to_owned),
    }
}

/// Returns the layer of public documents, which every page may read without credentials.
pub(super) fn public() -> CorsLayer {
    CorsLayer::new().allow_origin(Any).allow_methods([Method::GET])
}

/// Classifies the page by `Origin` and `Sec-Fetch-Site` (Fetch Metadata). Programs send neither.
fn page(app: &App, headers: &HeaderMap) -> Page {
    let named = match http_input::single(headers, ORIGIN).map(|origin| origin.map(HeaderValue::to_str)) {
        Ok(None) => None,
        Ok(Some(Ok(origin))) if app.config.allows_origin(origin) => Some(origin),
        Ok(Some(_)) | Err(Repeated) => return Page::Foreign("the page is not of an allowed origin"),
    };
    match headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Page::Trusted,
        // Another host of the parent domain, or another port of this machine. It must be listed, as hosts of a domain
        // can belong to others.
        Some(b"same-site") => match named {
            Some(origin) if app.config.shares_cookie_with(origin) => Page::Trusted,
            Some(_) => Page::Foreign("Sec-Fetch-Site is same-site, and cookies.domain is empty"),
            None => Page::Foreign("Sec-Fetch-Site is same-site, and the request has no Origin"),
        },
        // Browsers keep the cookie from such pages, so that the page could not use it later.
        Some(_) => Page::Foreign(
            "Sec-Fetch-Site is cross-site: the page must be on the site of auth-graph (localhost and 127.0.0.1 are two)",
        ),
    }
}
