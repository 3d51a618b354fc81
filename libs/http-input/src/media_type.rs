//! The form of a body according to its headers: media type, character set and content coding.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use mediatype::names::{APPLICATION, CHARSET, FORM_DATA, JSON, MULTIPART};
use mediatype::{MediaType, ReadParams};

use crate::single;

/// Reason why a body is not read. The response has the status 415 (RFC 9110 section 15.5.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsupported {
    /// The media type is wrong, is missing, or occurs twice.
    MediaType,
    /// The text is not encoded in UTF-8.
    Charset,
    /// The body is compressed.
    ContentCoding,
}

/// Format of a body with fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A JSON document.
    Json,
    /// A form as browsers send it by default.
    Form,
    /// A form in several parts (RFC 7578).
    Multipart,
}

/// Returns the format of a body with fields according to its headers.
///
/// # Errors
/// [`Unsupported`], with the part that is not accepted.
pub(crate) fn format_of(headers: &HeaderMap) -> Result<Format, Unsupported> {
    if check_form(headers).is_ok() {
        return Ok(Format::Form);
    }
    let multipart = MediaType::new(MULTIPART, FORM_DATA);
    if media_type(headers).is_some_and(|found| found.essence() == multipart) {
        return check_coding(headers).map(|()| Format::Multipart);
    }
    check_json(headers).map(|()| Format::Json)
}

/// Checks that a body is JSON in UTF-8 according to its headers.
///
/// # Errors
/// [`Unsupported`], with the part that is not accepted.
pub fn check_json(headers: &HeaderMap) -> Result<(), Unsupported> {
    check_coding(headers)?;
    // Most requests take this path.
    if matches!(single(headers, CONTENT_TYPE), Ok(Some(value)) if value == "application/json") {
        return Ok(());
    }
    let found = media_type(headers).filter(|found| found.essence() == MediaType::new(APPLICATION, JSON));
    let found = found.ok_or(Unsupported::MediaType)?;
    let mut charsets = found.params().filter(|(name, _)| *name == CHARSET);
    let utf_8 = charsets.all(|(_, charset)| charset.unquoted_str().eq_ignore_ascii_case("utf-8"));
    if utf_8 { Ok(()) } else { Err(Unsupported::Charset) }
}

/// Checks that a body is a form according to its headers. Parameters have no meaning for this media type.
///
/// # Errors
/// [`Unsupported`], with the part that is not accepted.
pub fn check_form(headers: &HeaderMap) -> Result<(), Unsupported> {
    check_coding(headers)?;
    if is_one_of(headers, &["application/x-www-form-urlencoded"]) { Ok(()) } else { Err(Unsupported::MediaType) }
}

/// Returns whether the media type of a body is one of these, independent of its parameters.
#[must_use]
pub fn is_one_of(headers: &HeaderMap, essences: &[&str]) -> bool {
    media_type(headers).is_some_and(|found| {
        essences.iter().any(|essence| MediaType::parse(essence).is_ok_and(|essence| found.essence() == essence))
    })
}

fn media_type(headers: &HeaderMap) -> Option<MediaType<'_>> {
    let text = single(headers, CONTENT_TYPE).ok()??.to_str().ok()?;
    // An empty last parameter is allowed (RFC 9110 section 5.6.6).
    MediaType::parse(text.trim_end_matches([';', ' ', '\t'])).ok()
}

fn check_coding(headers: &HeaderMap) -> Result<(), Unsupported> {
    let is_identity = |coding: &str| coding.trim().eq_ignore_ascii_case("identity");
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let plain = values.all(|value| value.to_str().is_ok_and(|value| value.split(',').all(is_identity)));
    if plain { Ok(()) } else { Err(Unsupported::ContentCoding) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(http::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn json_is_read_only_in_utf_8() {
        for good in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json; other=1; charset=Utf-8",
            "application/json;",
        ] {
            assert_eq!(check_json(&headers(&[(CONTENT_TYPE, good)])), Ok(()), "{good}");
        }
        for bad in ["application/json; charset=latin1", "application/json; charset=utf-8; charset=latin1"] {
            assert_eq!(check_json(&headers(&[(CONTENT_TYPE, bad)])), Err(Unsupported::Charset), "{bad}");
        }
        for bad in ["", "text/plain", "application/jsonp", "application/x+json", "application/json, text/plain"] {
            assert_eq!(check_json(&headers(&[(CONTENT_TYPE, bad)])), Err(Unsupported::MediaType), "{bad}");
        }
        let twice = headers(&[(CONTENT_TYPE, "application/json"), (CONTENT_TYPE, "application/json")]);
        assert_eq!(check_json(&twice), Err(Unsupported::MediaType));
        assert_eq!(check_json(&HeaderMap::new()), Err(Unsupported::MediaType));
    }

    #[test]
    fn compressed_bodies_are_not_read() {
        let with = |coding| headers(&[(CONTENT_TYPE, "application/json"), (CONTENT_ENCODING, coding)]);
        assert_eq!(check_json(&with("identity")), Ok(()));
        for coding in ["gzip", "identity, gzip", ""] {
            assert_eq!(check_json(&with(coding)), Err(Unsupported::ContentCoding), "{coding:?}");
            assert_eq!(check_form(&with(coding)), Err(Unsupported::ContentCoding), "{coding:?}");
        }
    }

    #[test]
    fn parameters_of_a_form_do_not_matter() {
        let form = "application/x-www-form-urlencoded; charset=ISO-8859-1";
        assert_eq!(check_form(&headers(&[(CONTENT_TYPE, form)])), Ok(()));
        assert!(is_one_of(&headers(&[(CONTENT_TYPE, form)]), &["text/plain", "application/x-www-form-urlencoded"]));
        assert_eq!(check_form(&headers(&[(CONTENT_TYPE, "application/json")])), Err(Unsupported::MediaType));
    }
}
