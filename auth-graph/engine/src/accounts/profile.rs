//! Profile fields that users change themselves.

use sea_orm::prelude::Json;

use super::{UserEdit, commit_edit, metadata, proof};
use crate::app::App;
use crate::callers::Actor;
use crate::callers::Device;
use crate::callers::Principal;
use crate::limits;
use model::error::{Error, Result};
use model::values::{Locale, PersonName, PhoneNumber, PictureUrl};
use store::users;

/// Changes to a profile; a field without a value stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// Given name.
    pub first_name: Option<PersonName>,
    /// Family name.
    pub last_name: Option<PersonName>,
    /// Phone number; `Some(None)` removes it.
    pub phone_number: Option<Option<PhoneNumber>>,
    /// Language; `Some(None)` removes it.
    pub locale: Option<Option<Locale>>,
    /// Address of the picture; `Some(None)` removes it.
    pub picture_url: Option<Option<PictureUrl>>,
}

/// Changes the names, phone number, language and picture of the caller.
///
/// # Errors
/// [`Error::ValidationFailed`] when users may not set their pictures, or the metadata has no room for it;
/// [`Error::Denied`] for a service client; [`Error::RateLimited`].
pub async fn update_profile(
    app: &App,
    principal: &Principal,
    change: ProfileChange,
    device: &Device,
) -> Result<users::Model> {
    if change.picture_url.is_some() && app.config.accounts.reserves(profile::PICTURE) {
        return Err(Error::invalid("pictureUrl", "is not yours to set"));
    }
    let user = proof::user_of(app, principal).await?;
    limits::count_write(app, user.id).await?;
    let actor = Actor::own(principal, device);
    let changed = commit_edit(app, async |txn| {
        let mut edit = UserEdit::begin(app, &actor, txn, user.id).await?;
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
        if let Some(url) = change.picture_url {
            let picture = url.map_or(Json::Null, |url| Json::String(url.into_string()));
            let members = [(profile::PICTURE.to_owned(), picture)];
            let metadata = metadata::with(app, &edit.account.user.metadata, members);
            edit.account.user.metadata = metadata.map_err(|error| error.about("pictureUrl"))?;
        }
        edit.write("user.update").await
    });
    Ok(changed.await?.user)
}
