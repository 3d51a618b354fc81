//! Where a request carries its access token: `Authorization: Bearer …` (RFC 6750 section 2.1), or a cookie if the
//! service wants that.

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap};

/// What was found.
pub(super) enum Found<'a> {
    Nothing,
    Malformed,
    Token(&'a str),
}

/// Looks at the header first. Another scheme than Bearer is somebody else's business: it counts as no token.
pub(super) fn find_token<'a>(headers: &'a HeaderMap, cookie: Option<&str>) -> Found<'a> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => cookie.map_or(Found::Nothing, |name| in_cookies(headers, name)),
        (Some(value), None) => value.to_str().map_or(Found::Malformed, in_value),
        (Some(_), Some(_)) => Found::Malformed,
    }
}

fn in_value(value: &str) -> Found<'_> {
    let (scheme, rest) = value.trim().split_once([' ', '\t']).unwrap_or((value.trim(), ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Found::Nothing;
    }
    let token = rest.trim_matches([' ', '\t']);
    if is_b64token(token) { Found::Token(token) } else { Found::Malformed }
}

fn in_cookies<'a>(headers: &'a HeaderMap, name: &str) -> Found<'a> {
    let mut found = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    match (found.next(), found.next()) {
        (None, _) | (Some(""), None) => Found::Nothing,
        (Some(token), None) if is_b64token(token) => Found::Token(token),
        // Two cookies of one name: somebody may have planted one of them from a neighbouring host.
        _ => Found::Malformed,
    }
}

/// `b64token` of RFC 6750 section 2.1.
fn is_b64token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}
