//! Metadata that services store with a user.

use sea_orm::prelude::Json;

use super::{UserEdit, commit_edit, proof};
use crate::app::App;
use crate::callers::Actor;
use crate::callers::Device;
use crate::callers::Principal;
use crate::limits;
use model::error::{Error, Result};
use model::values::JsonSchema;
use store::users;

/// Maximum length of a user's metadata, as JSON.
const MOST: usize = 16 * 1024;

/// Changes members of the caller's `metadata`; null removes a member. The other members stay as they are.
///
/// # Errors
/// [`Error::ValidationFailed`] when the value is no object, names a reserved key or becomes too large;
/// [`Error::RateLimited`].
pub async fn set_metadata(app: &App, principal: &Principal, change: Json, device: &Device) -> Result<users::Model> {
    let Json::Object(change) = change else { return Err(Error::invalid("metadata", "must be an object")) };
    if change.keys().any(|key| app.config.accounts.reserves(key)) {
        return Err(Error::invalid("metadata", "names a key that is not yours to set"));
    }
    let user = proof::user_of(app, principal).await?;
    limits::count_write(app, user.id).await?;
    let actor = Actor::own(principal, device);
    let changed = commit_edit(app, async |txn| {
        let mut edit = UserEdit::begin(app, &actor, txn, user.id).await?;
        edit.account.user.metadata = with(app, &edit.account.user.metadata, change)?;
        edit.write("user.set_metadata").await
    });
    Ok(changed.await?.user)
}

/// Returns metadata with other values for some members; null removes one.
///
/// # Errors
/// As [`checked`].
pub(crate) fn with(app: &App, metadata: &Json, change: impl IntoIterator<Item = (String, Json)>) -> Result<Json> {
    let mut metadata = metadata.as_object().cloned().unwrap_or_default();
    for (key, value) in change {
        if value.is_null() {
            metadata.remove(&key);
        } else {
            metadata.insert(key, value);
        }
    }
    checked(app, Json::Object(metadata))
}

/// Returns complete metadata that may be stored as `metadata`, which every reader of the user can see.
///
/// # Errors
/// [`Error::ValidationFailed`] when it is no object, too large, or does not match the configured schema.
pub(crate) fn checked(app: &App, metadata: Json) -> Result<Json> {
    fitting("metadata", app.metadata.schema.as_ref(), metadata)
}

/// Returns complete metadata that may be stored as private metadata, which only administrators see.
///
/// # Errors
/// As [`checked`].
pub(crate) fn checked_private(app: &App, metadata: Json) -> Result<Json> {
    fitting("privateMetadata", app.metadata.private_schema.as_ref(), metadata)
}

fn fitting(field: &'static str, schema: Option<&JsonSchema>, metadata: Json) -> Result<Json> {
    if !metadata.is_object() || metadata.to_string().len() > MOST || has_nul(&metadata) {
        return Err(Error::invalid(field, "must be an object of at most 16 KiB, without the character NUL"));
    }
    if let Some(schema) = schema {
        schema.check(&metadata).map_err(|(path, why)| Error::invalid_at(field, path, why))?;
    }
    Ok(metadata)
}

/// PostgreSQL stores no NUL in JSON.
fn has_nul(value: &Json) -> bool {
    match value {
        Json::String(text) => text.contains('\0'),
        Json::Array(values) => values.iter().any(has_nul),
        Json::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}
