//! Credentials in the `Authorization` header: a scheme, one or more spaces, and the rest (RFC 9110 section 11.4).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use secrecy::SecretString;

use crate::{Repeated, single};

/// Result of looking for a bearer token (RFC 6750 section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer<'a> {
    /// There is no header, or an empty one.
    Absent,
    /// The token, in the syntax `b64token`.
    Token(&'a str),
    /// The header is not understood: it has another scheme, no scheme or no token, is not text, or occurs twice. The
    /// caller meant to sign in, and must not count as anonymous without an error.
    Malformed,
}

impl<'a> Bearer<'a> {
    /// Reads the header of a request.
    #[must_use]
    pub fn of(headers: &'a HeaderMap) -> Self {
        match single(headers, AUTHORIZATION) {
            Ok(None) => Self::Absent,
            Ok(Some(value)) => value.to_str().map_or(Self::Malformed, Self::parse),
            Err(Repeated) => Self::Malformed,
        }
    }

    /// Reads the value of the header, which may also arrive in a message of a WebSocket.
    #[must_use]
    pub fn parse(value: &'a str) -> Self {
        let (scheme, rest) = split(value);
        if scheme.is_empty() {
            return Self::Absent;
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Self::Malformed;
        }
        after_spaces(rest).map_or(Self::Malformed, Self::from_token)
    }

    /// Checks the syntax of a token that arrived without a scheme, such as in a cookie.
    #[must_use]
    pub fn from_token(token: &'a str) -> Self {
        if is_b64token(token) { Self::Token(token) } else { Self::Malformed }
    }
}

/// User name and password of the Basic scheme (RFC 7617), decoded from base64.
#[derive(Debug)]
pub struct Basic {
    /// Text before the first colon.
    pub user: String,
    /// Text after the first colon.
    pub password: SecretString,
}

impl Basic {
    /// Reads the header of a request. `Ok(None)` stands for a missing header, `Ok(Some(None))` for a header that uses
    /// another scheme or cannot be decoded.
    ///
    /// # Errors
    /// [`Repeated`] when the header occurs twice.
    pub fn of(headers: &HeaderMap) -> Result<Option<Option<Self>>, Repeated> {
        Ok(single(headers, AUTHORIZATION)?.map(|value| Self::parse(value.to_str().unwrap_or_default())))
    }

    /// Reads the value of the header. Returns `None` when it uses another scheme or cannot be decoded.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (scheme, rest) = split(value);
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(BASE64_STANDARD.decode(after_spaces(rest)?).ok()?).ok()?;
        let (user, password) = decoded.split_once(':')?;
        Some(Self { user: user.to_owned(), password: password.into() })
    }
}

/// Splits a value after its scheme, at the first character that cannot be part of a scheme.
fn split(value: &str) -> (&str, &str) {
    let value = value.trim_matches([' ', '\t']);
    value.split_at(value.find([' ', '\t']).unwrap_or(value.len()))
}

/// Returns the text after `1*SP`, or `None` when another character follows the scheme.
fn after_spaces(rest: &str) -> Option<&str> {
    let text = rest.trim_start_matches(' ');
    (text.len() < rest.len()).then_some(text)
}

/// Returns whether a text has the syntax `b64token` of RFC 6750 section 2.1.
fn is_b64token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_token_follows_the_scheme_after_spaces_and_nothing_else() {
        for value in ["Bearer a.b-c", "bearer a.b-c", "BEARER   a.b-c", " Bearer a.b-c\t"] {
            assert_eq!(Bearer::parse(value), Bearer::Token("a.b-c"), "{value:?}");
        }
        for value in
            ["Bearer", "Bearer ", "Bearer\ta", "Bearer \ta", "Bearer a b", "Bearer a,b", "Bearer ==", "Bearer {"]
        {
            assert_eq!(Bearer::parse(value), Bearer::Malformed, "{value:?}");
        }
        for value in ["Basic YTpi", "JWT a.b-c", "Token a", "Bearerx y", "a.b-c", "Bearer: a.b-c", "\"Bearer a\""] {
            assert_eq!(Bearer::parse(value), Bearer::Malformed, "{value:?}");
        }
        for value in ["", " ", "\t"] {
            assert_eq!(Bearer::parse(value), Bearer::Absent, "{value:?}");
        }
    }

    #[test]
    fn two_headers_and_bytes_that_are_not_text_are_malformed() {
        let mut headers = HeaderMap::new();
        assert_eq!(Bearer::of(&headers), Bearer::Absent);
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        assert_eq!(Bearer::of(&headers), Bearer::Token("a"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        assert_eq!(Bearer::of(&headers), Bearer::Malformed);
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(b"Bearer \xff").unwrap());
        assert_eq!(Bearer::of(&headers), Bearer::Malformed);
    }

    #[test]
    fn basic_credentials_are_split_at_the_first_colon() {
        let basic = Basic::parse("basic  YTpiOmM=").unwrap();
        assert_eq!((basic.user.as_str(), basic.password.expose_secret()), ("a", "b:c"));
        for value in ["Basic", "Basic ", "Basic\tYTpi", "Basic YWI=", "Basic YTpi YTpi", "Basic YTp", "Bearer YTpi"] {
            assert!(Basic::parse(value).is_none(), "{value:?}");
        }
    }
}
