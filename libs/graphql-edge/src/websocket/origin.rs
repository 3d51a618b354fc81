//! Which pages may open a WebSocket. A browser sends the cookies of our site with a WebSocket that a page of any other
//! site opens, and lets that page read the answers; `Origin` is the only protection.

use axum::http::{
    HeaderMap, HeaderValue,
    header::{HOST, ORIGIN},
};

/// Whether the page is ours, or one of `origins`, or there is no page.
pub(super) fn is_allowed(headers: &HeaderMap, origins: &[String]) -> bool {
    let mut values = headers.get_all(ORIGIN).iter();
    let origin = match (values.next(), values.next()) {
        (None, _) => return true,
        (Some(origin), None) => origin,
        // Two origins: somebody tries something.
        (Some(_), Some(_)) => return false,
    };
    let Ok(origin) = origin.to_str() else { return false };
    if origins.iter().any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin)) {
        return true;
    }
    // Whether the page came by http or https is not compared: behind a proxy that ends TLS we do not know our own
    // scheme.
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let host = headers.get(HOST).map(HeaderValue::to_str);
    match (authority, host) {
        (Some(authority), Some(Ok(host))) => authority.eq_ignore_ascii_case(host),
        _ => false,
    }
}
