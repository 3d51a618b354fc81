//! Fields of a request, as Django REST framework reads them by default: from JSON, or from a form in either encoding.
//!
//! A page of another site can make a browser post a form without asking first (CORS). A route that reads forms must
//! therefore not act on a cookie alone.

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::Body;
use multer::Multipart;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::media_type::{Format, format_of};
use crate::{BodyError, Unsupported, receive, single};

/// Reason why the fields of a body were not read. No text of the body is part of it, because it may be a password.
#[derive(Debug, PartialEq, Eq)]
pub enum FieldsError<E> {
    /// The headers announce another format.
    Unsupported(Unsupported),
    /// The body was not read to its end.
    Body(BodyError<E>),
    /// The body is no JSON, from this place on.
    Json {
        /// Line, counted from 1.
        line: usize,
        /// Column in this line.
        column: usize,
    },
    /// The JSON is no object.
    NoObject,
    /// The parts of the form cannot be told apart.
    Multipart,
}

/// Reads the fields of a body of at most this many bytes. The fields of a form are strings. A file is an empty object,
/// which is no string. Of several fields with one name the last counts. An empty body has no fields.
///
/// # Errors
/// [`FieldsError`].
pub async fn read_fields<B>(
    headers: &HeaderMap,
    body: B,
    most: usize,
) -> Result<Map<String, Value>, FieldsError<B::Error>>
where
    B: Body<Data = Bytes>,
    B::Error: Error + 'static,
{
    let format = format_of(headers);
    if format.is_err() && headers.contains_key(CONTENT_TYPE) {
        return Err(FieldsError::Unsupported(format.err().unwrap_or(Unsupported::MediaType)));
    }
    let bytes = receive(body, most).await.map_err(FieldsError::Body)?;
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    match format.map_err(FieldsError::Unsupported)? {
        Format::Json => match serde_json::from_slice(&bytes) {
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(_) => Err(FieldsError::NoObject),
            Err(error) => Err(FieldsError::Json { line: error.line(), column: error.column() }),
        },
        Format::Form => {
            let fields = form_urlencoded::parse(&bytes);
            Ok(fields.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
        }
        Format::Multipart => of_parts(headers, bytes).await.ok_or(FieldsError::Multipart),
    }
}

/// Reads the parts of a form, or returns `None` when they are malformed.
async fn of_parts(headers: &HeaderMap, bytes: Bytes) -> Option<Map<String, Value>> {
    let content_type = single(headers, CONTENT_TYPE).ok()??.to_str().ok()?;
    let boundary = multer::parse_boundary(content_type).ok()?;
    let mut parts = Multipart::new(stream::iter([Ok::<_, Infallible>(bytes)]), boundary);
    let mut fields = Map::new();
    while let Some(part) = parts.next_field().await.ok()? {
        let Some(name) = part.name().map(str::to_owned) else { continue };
        let is_file = part.file_name().is_some();
        let content = part.bytes().await.ok()?;
        let text = || Value::String(String::from_utf8_lossy(&content).into_owned());
        fields.insert(name, if is_file { Value::Object(Map::new()) } else { text() });
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use serde_json::json;

    use super::*;

    async fn read(content_type: Option<&str>, body: &str) -> Result<Value, FieldsError<Infallible>> {
        let value = content_type.map(|value| (CONTENT_TYPE, value.parse().unwrap()));
        let body = Full::new(Bytes::from(body.to_owned()));
        read_fields(&value.into_iter().collect(), body, 300).await.map(Value::Object)
    }

    #[tokio::test]
    async fn fields_are_the_same_in_every_format() {
        let parts = "--B\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na+b@c.de\r\n\
                     --B\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nüber uns \r\n--B--\r\n";
        for (content_type, body) in [
            ("application/json", r#"{"email":"a+b@c.de","password":"über uns "}"#),
            ("application/x-www-form-urlencoded", "email=a%2Bb%40c.de&password=%C3%BCber+uns+"),
            ("application/x-www-form-urlencoded; charset=UTF-8", "email=x&email=a%2Bb@c.de&password=über%20uns%20"),
            ("multipart/form-data; boundary=B", parts),
            ("Multipart/Form-Data;boundary=\"B\"", parts),
        ] {
            let fields = read(Some(content_type), body).await;
            assert_eq!(fields, Ok(json!({ "email": "a+b@c.de", "password": "über uns " })), "{content_type}");
        }
    }

    #[tokio::test]
    async fn a_file_is_no_string() {
        let parts =
            "--B\r\nContent-Disposition: form-data; name=\"password\"; filename=\"a.txt\"\r\n\r\nx\r\n--B--\r\n";
        let fields = read(Some("multipart/form-data; boundary=B"), parts).await;
        assert_eq!(fields, Ok(json!({ "password": {} })));
    }

    #[tokio::test]
    async fn an_empty_body_has_no_fields() {
        for content_type in [None, Some("application/json"), Some("application/x-www-form-urlencoded")] {
            assert_eq!(read(content_type, "").await, Ok(json!({})), "{content_type:?}");
        }
    }

    #[tokio::test]
    async fn other_bodies_are_refused_with_the_reason() {
        let unsupported = || Err(FieldsError::Unsupported(Unsupported::MediaType));
        for content_type in [None, Some("text/plain"), Some("multipart/mixed; boundary=B"), Some("")] {
            assert_eq!(read(content_type, "email=a").await, unsupported(), "{content_type:?}");
        }
        assert_eq!(read(Some("text/plain"), "").await, unsupported());
        let json = Some("application/json");
        assert_eq!(read(json, "[]").await, Err(FieldsError::NoObject));
        assert_eq!(read(json, "{\n\"a\" 1}").await, Err(FieldsError::Json { line: 2, column: 5 }));
        for (content_type, body) in [
            ("multipart/form-data", "--B--"),
            ("multipart/form-data; boundary=B", "a=b"),
            ("multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx"),
        ] {
            assert_eq!(read(Some(content_type), body).await, Err(FieldsError::Multipart), "{body}");
        }
        let large = "a".repeat(301);
        assert_eq!(read(json, &large).await, Err(FieldsError::Body(BodyError::TooLarge)));
    }
}
