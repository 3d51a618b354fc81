//! Fields of a request: a JSON object of strings. Errors use the words of Django REST framework.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use http_input::{BodyError, Unsupported};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::refusal::Refusal;

/// Size limit of a body: more than the longest token needs.
const LARGEST: usize = 16 * 1024;

/// Fields of a request. There is no `Debug`, as they hold secrets.
pub(super) struct Fields(BTreeMap<&'static str, SecretString>);

impl Fields {
    /// Reads the body, which must have these fields.
    ///
    /// # Errors
    /// A [`Refusal`] that names each missing field.
    pub(super) async fn read(headers: &HeaderMap, body: Body, names: &'static [&'static str]) -> Result<Self, Refusal> {
        Self::read_with(headers, body, names, &[]).await
    }

    /// Reads the body, which must have the first of these fields, and may have the others.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) async fn read_with(
        headers: &HeaderMap,
        body: Body,
        names: &'static [&'static str],
        optional: &'static [&'static str],
    ) -> Result<Self, Refusal> {
        http_input::check_json(headers).map_err(|unsupported| match unsupported {
            Unsupported::MediaType | Unsupported::Charset => Refusal::MediaType(media_type(headers)),
            Unsupported::ContentCoding => Refusal::ContentCoding,
        })?;
        let bytes = http_input::receive(body, LARGEST).await.map_err(|error| match error {
            BodyError::TooLarge => Refusal::TooLarge,
            BodyError::TimedOut => Refusal::TooSlow,
            BodyError::Broken(_) => Refusal::Broken,
        })?;
        let mut sent = match serde_json::from_slice(&bytes) {
            Ok(Value::Object(sent)) => sent,
            Ok(_) => {
                let what = "Invalid data. Expected a dictionary.";
                return Err(Refusal::Fields(json!({ "non_field_errors": [what] })));
            }
            // Only the place of the error: the text may hold a password.
            Err(error) => return Err(Refusal::Json { line: error.line(), column: error.column() }),
        };
        let (mut fields, mut wrong) = (BTreeMap::new(), Map::new());
        for name in names {
            let problem = match sent.remove(*name) {
                Some(Value::String(text)) if !text.trim().is_empty() => {
                    fields.insert(*name, text.into());
                    continue;
                }
                Some(Value::String(_)) => "This field may not be blank.",
                Some(Value::Null) => "This field may not be null.",
                Some(_) => "Not a valid string.",
                None => "This field is required.",
            };
            wrong.insert((*name).to_owned(), json!([problem]));
        }
        for name in optional {
            match sent.remove(*name) {
                Some(Value::String(text)) => drop(fields.insert(*name, text.into())),
                None | Some(Value::Null) => {}
                Some(_) => drop(wrong.insert((*name).to_owned(), json!(["Not a valid string."]))),
            }
        }
        if wrong.is_empty() { Ok(Self(fields)) } else { Err(Refusal::Fields(wrong.into())) }
    }

    /// Takes one of the fields; an optional field that is missing is empty.
    pub(super) fn take(&mut self, name: &str) -> SecretString {
        self.0.remove(name).unwrap_or_default()
    }
}

/// Returns the media type as the request names it, cut to what an error message can show.
fn media_type(headers: &HeaderMap) -> String {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.chars().filter(|letter| !letter.is_control()).take(100).collect()
}
