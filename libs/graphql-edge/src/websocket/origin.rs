//! The origins whose pages may open a WebSocket. When a page of another site opens a WebSocket, the browser sends the
//! cookies, and lets that page read the messages. `Origin` is the only protection.

use axum::http::{
    HeaderMap, HeaderValue,
    header::{HOST, ORIGIN},
};
use http_input::Repeated;

/// Returns whether the page has the origin of this service or one of `origins`, or the request has no `Origin`.
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
    // The scheme is not compared, because a service behind a proxy that terminates TLS does not know its own scheme.
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let host = http_input::single(headers, HOST);
    match (authority, host.ok().flatten().map(HeaderValue::to_str)) {
        (Some(authority), Some(Ok(host))) => authority.eq_ignore_ascii_case(host),
        _ => false,
    }
}
