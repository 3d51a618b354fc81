//! Sets of fields of a user, by the names that the fields have in the schema.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;

/// Prefix of a single key of the metadata among the names of fields.
const METADATA_KEY: &str = "metadata.";

/// Field of a user that can be hidden. A mirror needs the identifier, the version and the active flag, which are not
/// listed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "they are the fields of a user")]
pub enum UserField {
    Email,
    Username,
    FirstName,
    LastName,
    PhoneNumber,
    Locale,
    DateJoined,
    LastLogin,
    IsStaff,
    IsSuperuser,
    EmailVerified,
    Roles,
    Scopes,
    Metadata,
    DisplayName,
    PictureUrl,
}

/// A set of fields, and of single keys of the metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFields {
    named: BTreeSet<UserField>,
    metadata_keys: BTreeSet<String>,
}

/// The fields of every user that each signed-in caller may see. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct PublicFields(Arc<UserFields>);

impl UserFields {
    /// Parses names of fields. `metadata.KEY` is a single key of the metadata.
    ///
    /// # Errors
    /// [`Error::ValidationFailed`] when a field does not exist.
    pub fn parse(names: &[String]) -> Result<Self, Error> {
        let mut fields = Self::default();
        for name in names {
            if let Some(key) = name.strip_prefix(METADATA_KEY).filter(|key| is_name(key)) {
                fields.metadata_keys.insert(key.to_owned());
            } else {
                let field = serde_json::from_value(Value::String(name.clone()));
                fields.named.insert(field.map_err(|_| Error::invalid("fields", "must be fields of a user"))?);
            }
        }
        Ok(fields)
    }

    /// Adds the fields that computed fields are computed from, so that a mirror can compute them.
    #[must_use]
    pub fn with_sources(mut self) -> Self {
        if self.named.contains(&UserField::DisplayName) {
            self.named.extend([UserField::FirstName, UserField::LastName]);
        }
        if self.named.contains(&UserField::PictureUrl) {
            self.metadata_keys.insert(profile::PICTURE.to_owned());
        }
        self
    }

    /// Returns true if the field is in the set. A computed field is, too, if every field is that it is computed from.
    /// The metadata is in the set if any part of it is.
    #[must_use]
    pub fn shows(&self, field: UserField) -> bool {
        let has = |field| self.named.contains(&field);
        has(field)
            || match field {
                UserField::DisplayName => has(UserField::FirstName) && has(UserField::LastName),
                UserField::PictureUrl => has(UserField::Metadata) || self.metadata_keys.contains(profile::PICTURE),
                UserField::Metadata => !self.metadata_keys.is_empty(),
                _ => false,
            }
    }

    /// Returns the part of the metadata that is in the set, if there is one.
    #[must_use]
    pub fn metadata(&self, whole: &Value) -> Option<Value> {
        if self.named.contains(&UserField::Metadata) {
            return Some(whole.clone());
        }
        let keys = Some(&self.metadata_keys).filter(|keys| !keys.is_empty())?;
        let kept = whole.as_object().into_iter().flatten().filter(|(key, _)| keys.contains(*key));
        Some(Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>()))
    }

    /// Returns the names of the fields.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let name = |field: &UserField| serde_json::to_value(field).ok()?.as_str().map(str::to_owned);
        let keys = self.metadata_keys.iter().map(|key| format!("{METADATA_KEY}{key}"));
        self.named.iter().filter_map(name).chain(keys).collect()
    }
}

impl PublicFields {
    /// Returns true if no field is public.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.named.is_empty() && self.0.metadata_keys.is_empty()
    }

    /// Returns true if the field is public; for the metadata, whether any part of it is.
    #[must_use]
    pub fn shows(&self, field: UserField) -> bool {
        self.0.shows(field)
    }

    /// Returns the public part of the metadata, if there is one.
    #[must_use]
    pub fn metadata(&self, whole: &Value) -> Option<Value> {
        self.0.metadata(whole)
    }
}

impl TryFrom<Vec<String>> for PublicFields {
    type Error = String;

    /// Accepts only fields that say how a user is shown. What a user signs in with, can be reached by or may do is
    /// never public: an address or a user name would help to guess passwords.
    fn try_from(names: Vec<String>) -> Result<Self, String> {
        use UserField::{DisplayName, FirstName, LastName, Locale, PictureUrl};
        let refused = |name: &str| {
            format!(
                "{name} cannot be public: use displayName, pictureUrl, firstName, lastName, locale, or a key of the \
                 metadata such as metadata.nickname"
            )
        };
        for name in &names {
            let fields = UserFields::parse(std::slice::from_ref(name)).map_err(|_| refused(name))?;
            let suits = |field: &UserField| [DisplayName, FirstName, LastName, Locale, PictureUrl].contains(field);
            if !fields.named.iter().all(suits) {
                return Err(refused(name));
            }
        }
        UserFields::parse(&names).map(|fields| Self(Arc::new(fields))).map_err(|error| error.to_string())
    }
}

/// Returns true for a valid name of a role or key of the metadata.
pub(super) fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.chars().count()) && !text.contains(char::is_control)
}
