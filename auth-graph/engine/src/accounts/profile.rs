//! Profile fields that users change themselves.

use super::{UserEdit, proof};
use crate::app::App;
use crate::callers::Actor;
use crate::callers::Device;
use crate::callers::Principal;
use crate::limits;
use model::error::Result;
use model::values::{Locale, PersonName, PhoneNumber};
use store::users;

/// Changes to a profile; a field without a value stays as it is.
#[derive(Debug, Default)]
pub struct ProfileChange {
    /// Given name.
    pub first_name: Option<PersonName>,
    /// Family name.
    pub last_name: Option<PersonName>,
    /// Phone number; `Some(None)` removes it.
    pub phone_number: Option<Option<PhoneNumber>>,
    /// Language; `Some(None)` removes it.
    pub locale: Option<Option<Locale>>,
}

/// Changes the names, phone number and language of the caller.
///
/// # Errors
/// [`Error::Denied`](model::error::Error::Denied) for a service client;
/// [`Error::RateLimited`](model::error::Error::RateLimited).
pub async fn update_profile(
    app: &App,
    principal: &Principal,
    change: ProfileChange,
    device: &Device,
) -> Result<users::Model> {
    let user = proof::user_of(app, principal).await?;
    limits::count_write(app, user.id).await?;
    let actor = Actor::own(principal, device);
    let mut edit = UserEdit::begin(app, &actor, user.id).await?;
    if let Some(name) = change.first_name {
        edit.account.user.first_name = name.into_string();
    }
    if let Some(name) = change.last_name {
        edit.account.user.last_name = name.into_string();
    }
    if let Some(number) = change.phone_number {
        edit.account.user.phone_number = number.map(PhoneNumber::into_string);
    }
    if let Some(locale) = change.locale {
        edit.account.user.locale = locale;
    }
    Ok(edit.commit("user.update").await?.user)
}
