//! Pages that may open a WebSocket. A browser sends the cookies of a site with a WebSocket that a page of any other
//! site opens, and lets that page read the answers; `Origin` is the only protection.

use axum::http::{
    HeaderMap, HeaderValue,
    header::{HOST, ORIGIN},
};
use http_input::Repeated;

/// Returns whether the page has the origin of this service or one of `origins`, or there is no page.
pub(super) fn is_allowed(headers: &HeaderMap, origins: &[String]) -> bool {
    let origin = match http_input::single(headers, ORIGIN) {
        Ok(None) => return true,
        Ok(Some(origin)) => origin,
        Err(Repeated) => return false,
    };
    let Ok(origin) = origin.to_str() else { return false };
    if origins.iter().any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin)) {
        return true;
    }
    // The scheme is not compared: behind a proxy that ends TLS the service does not know its own.
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let host = http_input::single(headers, HOST);
    match (authority, host.ok().flatten().map(HeaderValue::to_str)) {
        (Some(authority), Some(Ok(host))) => authority.eq_ignore_ascii_case(host),
        _ => false,
    }
}
