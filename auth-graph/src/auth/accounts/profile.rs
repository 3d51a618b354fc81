//! What users change about themselves, and deleting themselves.

use sea_orm::prelude::Json;
use secrecy::SecretString;

use super::{UserEdit, proof};
use crate::app::App;
use crate::auth::Principal;
use crate::auth::mail::{self, Letter};
use crate::auth::sessions::{Device, Reason};
use crate::error::{Error, Result};
use crate::store::one_time_tokens as tokens;
use crate::store::{login_events, mails, sessions, users};
use crate::values::{Email, Locale, PersonName, PhoneNumber, Scopes, UserId};

/// Longest metadata of a user, as JSON.
const MOST_METADATA: usize = 16 * 1024;

/// What to change; nothing where there is none.
#[derive(Debug, Default)]
pub struct ProfileChange {
    /// Given name.
    pub first_name: Option<PersonName>,
    /// Family name.
    pub last_name: Option<PersonName>,
    /// Phone number; `Some(None)` removes it.
    pub phone_number: Option<Option<PhoneNumber>>,
    /// Language; `Some(None)` forgets it.
    pub locale: Option<Option<Locale>>,
}

/// Changes the names, phone number and language of the caller.
///
/// # Errors
/// [`Error::Forbidden`] for a service client.
pub async fn update_profile(app: &App, principal: &Principal, change: ProfileChange) -> Result<users::Model> {
    let user = proof::user_of(app, principal).await?;
    let mut edit = UserEdit::begin(app, user.id).await?;
    if let Some(name) = change.first_name {
        edit.user.first_name = name.into_string();
    }
    if let Some(name) = change.last_name {
        edit.user.last_name = name.into_string();
    }
    if let Some(number) = change.phone_number {
        edit.user.phone_number = number.map(PhoneNumber::into_string);
    }
    if let Some(locale) = change.locale {
        edit.user.locale = locale;
    }
    Ok(edit.commit(app).await?.0)
}

/// Changes members of the caller's `metadata`; null removes one. The others stay as they are.
///
/// # Errors
/// [`Error::ValidationFailed`] when it is no object, names a reserved key or becomes too large.
pub async fn set_metadata(app: &App, principal: &Principal, change: Json) -> Result<users::Model> {
    let refused = |message: &str| Error::invalid("metadata", message);
    let Json::Object(change) = change else { return Err(refused("must be an object")) };
    let reserved = |key: &String| key.starts_with('_') || app.config.accounts.reserved_metadata.contains(key);
    if change.keys().any(reserved) {
        return Err(refused("names a key that is not yours to set"));
    }
    let user = proof::user_of(app, principal).await?;
    let mut edit = UserEdit::begin(app, user.id).await?;
    let mut metadata = edit.user.metadata.as_object().cloned().unwrap_or_default();
    for (key, value) in change {
        if value.is_null() {
            metadata.remove(&key);
        } else {
            metadata.insert(key, value);
        }
    }
    let metadata = Json::Object(metadata);
    let text = metadata.to_string();
    // PostgreSQL keeps no NUL in JSON.
    if text.len() > MOST_METADATA || text.contains("\\u0000") {
        return Err(refused("must have at most 16 KiB, and no NUL"));
    }
    edit.user.metadata = metadata;
    Ok(edit.commit(app).await?.0)
}

/// Deletes the caller's account for good.
///
/// # Errors
/// As [`proof::prove`]; [`Error::Conflict`] for the last superuser.
pub async fn delete_own(
    app: &App,
    principal: &Principal,
    password: Option<&SecretString>,
    device: &Device,
) -> Result<()> {
    let user = proof::prove(app, principal, password, device).await?;
    delete(app, user.id).await.map(drop)
}

/// Deletes a user: what is left is a tombstone with the identifier, so that nobody else ever gets it. The address is free
/// for another account.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user; [`Error::Conflict`] for the last superuser.
pub async fn delete(app: &App, id: UserId) -> Result<users::Model> {
    let now = app.clock.now();
    let mut edit = UserEdit::begin(app, id).await?;
    let former = edit.before().clone();
    let nowhere: Email = format!("{id}@deleted.invalid").parse()?;
    edit.user = users::Model {
        email: nowhere,
        password_hash: None,
        first_name: String::new(),
        last_name: String::new(),
        phone_number: None,
        locale: None,
        is_active: false,
        is_staff: false,
        is_superuser: false,
        email_verified: false,
        roles: serde_json::json!([]),
        scopes: Scopes::default(),
        metadata: serde_json::json!({}),
        last_login: None,
        deleted_at: Some(now),
        ..edit.user
    };
    edit.end_sessions(Reason::Deleted);
    tokens::delete_of(edit.txn(), id).await?;
    mails::delete_to(edit.txn(), &former.email).await?;
    login_events::forget_devices_of(edit.txn(), id).await?;
    sessions::forget_devices_of(edit.txn(), id).await?;
    mail::enqueue(app, edit.txn(), &former.email, former.locale, &Letter::AccountDeleted, now).await?;
    let (user, _) = edit.commit(app).await?;
    app.mail_waits.notify_one();
    Ok(user)
}
