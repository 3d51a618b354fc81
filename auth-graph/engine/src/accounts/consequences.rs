//! The consequences of a change to an account, whichever function makes it: sessions that end, links that stop working,
//! and mails. They are derived from the account before and after the change, so that no function can omit them.

use chrono::{DateTime, Utc};
use model::error::Result;
use sea_orm::ConnectionTrait;
use store::{known_networks, login_events, mails, one_time_tokens as tokens, sessions};

use super::account::Difference;
use crate::app::App;
use crate::limits;
use crate::mail::{self, Letter};
use crate::sessions::{Ended, Reason};

/// Treatment of the mails that notify the owner of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letters {
    /// They are sent.
    Sent,
    /// They are not sent, because the owner has not used the account here yet.
    Omitted,
}

/// Applies all consequences of a change, and returns the sessions that have ended.
pub(super) async fn follow(
    app: &App,
    txn: &impl ConnectionTrait,
    difference: Difference<'_>,
    letters: Letters,
    now: DateTime<Utc>,
) -> Result<Ended> {
    let Difference { before, after } = difference;
    if difference.deletes() || difference.disables() || difference.sign_in() {
        // Links that were sent before stop working, and mails that still wait are not sent. The mails are deleted
        // first: a token that is created for one of them at this moment exists by the time the tokens are deleted.
        mails::delete_of(txn, after.user.id).await?;
        mail::take_back_resets(txn, &before.user.email).await?;
        tokens::delete_of(txn, after.user.id).await?;
    }
    if difference.deletes() {
        mails::delete_to(txn, &before.user.email).await?;
    }
    if after.user.erased_at.is_some() {
        login_events::forget_devices_of(txn, after.user.id).await?;
        sessions::forget_devices_of(txn, after.user.id).await?;
        known_networks::forget_of(txn, after.user.id).await?;
    } else if difference.password() {
        let known = known_networks::of_user(txn, after.user.id).await?;
        let networks = known.into_iter().map(|known| known.network);
        limits::reset_passwords(txn, &app.config.limits, &after.user.email, networks).await?;
    }
    if letters == Letters::Sent
        && let Some(letter) = letter(difference)
    {
        // The mail goes to the address that the account had before the change. An attacker who took over the account
        // does not necessarily control that address.
        mail::enqueue(app, txn, &before.user.email, before.user.locale.clone(), &letter, now).await?;
    }
    match ending(difference) {
        Some(reason) => Ended::all_of(txn, after.user.id, reason, now).await,
        None => Ok(Ended::none(now)),
    }
}

/// Returns the mail that notifies the owner of a change.
fn letter(difference: Difference<'_>) -> Option<Letter> {
    let Difference { before, after } = difference;
    if difference.deletes() {
        return Some(match after.user.merged_into {
            Some(_) => Letter::AccountMerged,
            None => Letter::AccountDeleted,
        });
    }
    if before.user.deleted_at.is_some() {
        // A mail was sent when the account was deleted.
        None
    } else if difference.address() {
        Some(Letter::AddressChanged)
    } else if difference.password() {
        Some(if after.password().is_some() { Letter::PasswordChanged } else { Letter::PasswordTaken })
    } else if difference.factors() {
        Some(Letter::FactorsChanged)
    } else {
        None
    }
}

/// Returns the reason for which a change ends the sessions of the user, if it does.
fn ending(difference: Difference<'_>) -> Option<Reason> {
    if difference.after.user.deleted_at.is_some() {
        Some(Reason::Deleted)
    } else if difference.disables() {
        Some(Reason::Disabled)
    } else if difference.password() {
        Some(Reason::PasswordChanged)
    } else if difference.factors() {
        Some(Reason::FactorsChanged)
    } else {
        None
    }
}
