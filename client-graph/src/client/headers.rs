//! Access token of a request: `Authorization: Bearer …` (RFC 6750 section 2.1), or a cookie if one is configured.

use http_input::{Bearer, Found as Cookie};
use reqwest::header::{AUTHORIZATION, HeaderMap};

/// Result of looking for an access token.
pub(super) enum Found<'a> {
    Nothing,
    Malformed,
    Token(&'a str),
}

/// Finds the token in the header, or without a header in the cookie. Another scheme than Bearer counts as no token.
pub(super) fn find_token<'a>(headers: &'a HeaderMap, cookie: Option<&str>) -> Found<'a> {
    match cookie {
        Some(name) if !headers.contains_key(AUTHORIZATION) => match http_input::find_cookie(headers, name) {
            Cookie::None | Cookie::One("") => Found::Nothing,
            Cookie::One(token) => of(Bearer::from_token(token)),
            // Another host of the domain may have set one of them.
            Cookie::Several => Found::Malformed,
        },
        _ => of(Bearer::of(headers)),
    }
}

fn of(bearer: Bearer<'_>) -> Found<'_> {
    match bearer {
        Bearer::Absent => Found::Nothing,
        Bearer::Token(token) => Found::Token(token),
        Bearer::Malformed => Found::Malformed,
    }
}
