//! Fields of a request: strings in a JSON object or in a form. Errors use the words of Django REST framework.
//!
//! As there, blanks around each value are removed, also around a password, and numbers are taken as their text.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use http_input::{BodyError, FieldsError, Unsupported};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use engine::app::App;

/// Size limit of a body: more than the longest token needs.
const LARGEST: usize = 16 * 1024;

/// Fields of a request. There is no `Debug`, as they hold secrets.
pub(in crate::http) struct Fields(BTreeMap<&'static str, SecretString>);

impl Fields {
    /// Reads the body, which must have these fields.
    ///
    /// # Errors
    /// A [`Refusal`] that names each missing field.
    pub(in crate::http) async fn read(
        headers: &HeaderMap,
        body: Body,
        names: &'static [&'static str],
    ) -> Result<Self, Refusal> {
        Self::read_with(headers, body, names, &[]).await
    }

    /// Reads the body, which must have these fields and name an account: by `email`, or in its place by `username`
    /// where the configuration accepts user names.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(in crate::http) async fn read_named(
        app: &App,
        headers: &HeaderMap,
        body: Body,
        names: &'static [&'static str],
    ) -> Result<Self, Refusal> {
        let mut sent = sent(headers, body).await?;
        let by_name = app.config.accounts.usernames && !sent.contains_key("email") && sent.contains_key("username");
        let name = if by_name { "username" } else { "email" };
        Self::among(&mut sent, [name].into_iter().chain(names.iter().copied()), &[])
    }

    /// Reads the body, which must have the first of these fields, and may have the others.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(in crate::http) async fn read_with(
        headers: &HeaderMap,
        body: Body,
        names: &'static [&'static str],
        optional: &'static [&'static str],
    ) -> Result<Self, Refusal> {
        Self::among(&mut sent(headers, body).await?, names.iter().copied(), optional)
    }

    fn among(
        sent: &mut Map<String, Value>,
        names: impl Iterator<Item = &'static str>,
        optional: &'static [&'static str],
    ) -> Result<Self, Refusal> {
        let (mut fields, mut wrong) = (BTreeMap::new(), Map::new());
        for name in names {
            match text(sent.remove(name)) {
                Ok(Some(text)) if text.is_empty() => {
                    wrong.insert(name.to_owned(), json!(["This field may not be blank."]));
                }
                Ok(Some(text)) => drop(fields.insert(name, text.into())),
                Ok(None) => drop(wrong.insert(name.to_owned(), json!(["This field is required."]))),
                Err(problem) => drop(wrong.insert(name.to_owned(), json!([problem]))),
            }
        }
        for name in optional {
            match sent.remove(*name).filter(|value| !value.is_null()).map(|value| text(Some(value))) {
                Some(Ok(text)) => drop(fields.insert(*name, text.unwrap_or_default().into())),
                Some(Err(problem)) => drop(wrong.insert((*name).to_owned(), json!([problem]))),
                None => {}
            }
        }
        if wrong.is_empty() { Ok(Self(fields)) } else { Err(Refusal::Fields(wrong.into())) }
    }

    /// Takes one of the fields; an optional field that is missing is empty.
    pub(in crate::http) fn take(&mut self, name: &str) -> SecretString {
        self.0.remove(name).unwrap_or_default()
    }
}

/// Reads the fields of a body.
async fn sent(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Refusal> {
    http_input::read_fields(headers, body, LARGEST).await.map_err(|error| match error {
        FieldsError::Unsupported(Unsupported::ContentCoding) => Refusal::ContentCoding,
        FieldsError::Unsupported(Unsupported::MediaType | Unsupported::Charset) => {
            Refusal::MediaType(media_type(headers))
        }
        FieldsError::Body(BodyError::TooLarge) => Refusal::TooLarge,
        FieldsError::Body(BodyError::TimedOut) => Refusal::TooSlow,
        FieldsError::Body(BodyError::Broken(_)) => Refusal::Broken,
        // Only the place of the error: the text may hold a password.
        FieldsError::Json { line, column } => Refusal::Json { line, column },
        FieldsError::NoObject => {
            Refusal::Fields(json!({ "non_field_errors": ["Invalid data. Expected a dictionary."] }))
        }
        FieldsError::Multipart => Refusal::Multipart,
    })
}

/// Returns the text of a value, or the problem with it.
fn text(value: Option<Value>) -> Result<Option<String>, &'static str> {
    match value {
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::Null) => Err("This field may not be null."),
        Some(_) => Err("Not a valid string."),
        None => Ok(None),
    }
}

/// Returns the media type as the request names it, cut to what an error message can show.
fn media_type(headers: &HeaderMap) -> String {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.chars().filter(|letter| !letter.is_control()).take(100).collect()
}
