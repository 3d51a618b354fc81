//! Cookies of a request (RFC 6265 section 4.2). Malformed parts between them are skipped.

use cookie::Cookie;
use http::HeaderMap;
use http::header::COOKIE;

/// Result of looking for a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// No cookie has this name.
    None,
    /// Value of the only cookie of this name.
    One(&'a str),
    /// Several cookies have this name. Another host of the domain may have set one of them.
    Several,
}

/// Returns every cookie of a request.
pub fn all(headers: &HeaderMap) -> impl Iterator<Item = Cookie<'_>> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(Cookie::split_parse).flatten()
}

/// Finds the cookie with a name.
#[must_use]
pub fn find<'a>(headers: &'a HeaderMap, name: &str) -> Found<'a> {
    let mut found = all(headers).filter(|cookie| cookie.name() == name);
    match (found.next(), found.next()) {
        (None, _) => Found::None,
        (Some(cookie), None) => cookie.value_raw().map_or(Found::None, Found::One),
        (Some(_), Some(_)) => Found::Several,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (COOKIE, value.parse().unwrap())).collect()
    }

    #[test]
    fn a_cookie_is_found_between_others_and_malformed_parts() {
        for values in [&["a=1"][..], &["b=2; a=1; c=3"], &["junk; =; ;;a=1"], &["aa=2", "a=1"]] {
            assert_eq!(find(&headers(values), "a"), Found::One("1"), "{values:?}");
        }
        for values in [&[][..], &["aa=1; A=1"], &["a"], &["b=a=1"]] {
            assert_eq!(find(&headers(values), "a"), Found::None, "{values:?}");
        }
        assert_eq!(find(&headers(&["a="]), "a"), Found::One(""));
    }

    #[test]
    fn neither_of_two_cookies_with_one_name_is_used() {
        for values in [&["a=1; a=2"][..], &["a=1; a=1"], &["a=1", "a=2"], &["a=; a=1"]] {
            assert_eq!(find(&headers(values), "a"), Found::Several, "{values:?}");
        }
    }
}
