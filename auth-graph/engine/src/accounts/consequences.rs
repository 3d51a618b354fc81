//! What follows from a change to a user, whoever makes it: sessions that end, links that stop working, mails. It is
//! read off the user before and after, so that no way to make a change can forget it.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use crate::app::App;
use crate::mail::{self, Letter};
use crate::sessions::{Ended, Reason};
use model::error::Result;
use store::{login_events, mails, one_time_tokens as tokens, sessions, users};

/// Does everything that a change brings with it. The answer is the sessions that have ended.
///
/// # Errors
/// When the database fails.
pub(super) async fn follow(
    app: &App,
    txn: &impl ConnectionTrait,
    before: &users::Model,
    after: &users::Model,
    now: DateTime<Utc>,
) -> Result<Ended> {
    let deleted = before.deleted_at.is_none() && after.deleted_at.is_some();
    let disabled = before.is_active && !after.is_active;
    let (new_address, new_password) = (before.email != after.email, before.password_hash != after.password_hash);
    if deleted || disabled || new_address || new_password {
        // No link that was sent before does anything any more, and none that waits is sent. The mails go first: a token
        // that is made for one of them in this moment is there when the tokens go.
        mails::delete_of(txn, after.id).await?;
        mail::take_back_resets(txn, &before.email).await?;
        tokens::delete_of(txn, after.id).await?;
    }
    if deleted {
        mails::delete_to(txn, &before.email).await?;
    }
    if after.erased_at.is_some() {
        login_events::forget_devices_of(txn, after.id).await?;
        sessions::forget_devices_of(txn, after.id).await?;
    }
    let letter = if deleted {
        Some(if after.merged_into.is_some() { Letter::AccountMerged } else { Letter::AccountDeleted })
    } else if before.deleted_at.is_some() {
        // They were told when they were deleted.
        None
    } else if new_address {
        Some(Letter::AddressChanged)
    } else if new_password {
        Some(if after.password_hash.is_some() { Letter::PasswordChanged } else { Letter::PasswordTaken })
    } else {
        None
    };
    if let Some(letter) = letter {
        // To the address that the account has had: whoever took the account over has not taken that.
        mail::enqueue(app, txn, &before.email, before.locale.clone(), &letter, now).await?;
    }
    match ending(before, after) {
        Some(reason) => Ended::all_of(txn, after.id, reason, now).await,
        None => Ok(Ended::none(now)),
    }
}

/// Why a change ends the sessions of the user, if it does.
fn ending(before: &users::Model, after: &users::Model) -> Option<Reason> {
    if after.deleted_at.is_some() {
        Some(Reason::Deleted)
    } else if before.is_active && !after.is_active {
        Some(Reason::Disabled)
    } else if before.password_hash != after.password_hash {
        Some(Reason::PasswordChanged)
    } else {
        None
    }
}
