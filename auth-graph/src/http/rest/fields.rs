//! The fields of a request: a JSON object of texts, checked in the words of Django REST framework.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::refusal::Refusal;

/// More than the longest token needs.
const LARGEST: usize = 16 * 1024;
/// A body that takes longer than this is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The fields. It has no `Debug`, as they hold secrets.
pub(super) struct Fields(BTreeMap<&'static str, SecretString>);

impl Fields {
    /// Reads the body, which must have these fields.
    ///
    /// # Errors
    /// The [`Refusal`] that names each field that is missing.
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
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Refusal::MediaType(essence.chars().filter(|letter| !letter.is_control()).take(100).collect()));
        }
        let bytes = match tokio::time::timeout(PATIENCE, to_bytes(body, LARGEST)).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(_)) => return Err(Refusal::TooLarge),
            Err(_) => return Err(Refusal::TooSlow),
        };
        let mut sent = match serde_json::from_slice(&bytes) {
            Ok(Value::Object(sent)) => sent,
            Ok(_) => {
                let what = "Invalid data. Expected a dictionary.";
                return Err(Refusal::Fields(json!({ "non_field_errors": [what] })));
            }
            // Only where it is broken: the text may hold a password.
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

    /// One of the fields that were asked for; empty when it may be missing, and is.
    pub(super) fn take(&mut self, name: &str) -> SecretString {
        self.0.remove(name).unwrap_or_default()
    }
}
