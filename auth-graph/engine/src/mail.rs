//! Mails: each is written to the database together with its reason, and sent from there until it is accepted.
//!
//! Nobody waits for the server of mails, and nothing is lost while it is away. Whether an address is known is looked up
//! when a mail is sent and not when it is asked for, so that no answer and no time tells it. One-time tokens are made
//! then, too: none is stored in clear.

mod compose;
mod letter;

use std::error::Error as _;

use chrono::{DateTime, Duration, Utc};
use sea_orm::ConnectionTrait;

use crate::app::App;
use crate::mailer::Failure;
use model::error::{Error, Result};
use model::values::{Email, Locale, MailId};
use store::mails;

pub(crate) use letter::{Letter, Registration};

/// Number of mails that are taken at once.
const BATCH: u64 = 20;
/// Time for which a mail is reserved for the task that took it: longer than handing it over can take.
const CLAIM: Duration = Duration::minutes(5);
/// The wait after the first failure; it doubles with each further one, up to an hour.
const FIRST_WAIT: Duration = Duration::seconds(30);
/// Mails that were given up are kept for so long.
const KEPT: Duration = Duration::days(14);

/// Has a mail sent, where mails are sent at all, once the transaction has committed. Ring `app.mail.waiting` then.
pub(crate) async fn enqueue(
    app: &App,
    txn: &impl ConnectionTrait,
    email: &Email,
    locale: Option<Locale>,
    letter: &Letter,
    now: DateTime<Utc>,
) -> Result<()> {
    if !app.mail.mailer.is_on() {
        return Ok(());
    }
    let mail = mails::Model {
        id: MailId::generate(now),
        email: email.clone(),
        user_id: letter.user(),
        locale,
        letter: serde_json::to_value(letter).map_err(Error::internal)?,
        attempts: 0,
        due_at: now,
        created_at: now,
        failed_at: None,
    };
    Ok(mails::insert(txn, mail).await?)
}

/// Sends no link for another password that was asked for with this address. Those mails name no user, as nobody has
/// looked whose address it is.
pub(super) async fn take_back_resets(txn: &impl ConnectionTrait, email: &Email) -> Result<()> {
    let letter = serde_json::to_value(Letter::ResetPassword).map_err(Error::internal)?;
    Ok(mails::delete_letter(txn, email, letter).await?)
}

/// Refuses what needs a mail where none can be sent.
///
/// # Errors
/// [`Error::Forbidden`].
pub(crate) fn require(app: &App) -> Result<()> {
    if app.mail.mailer.is_on() { Ok(()) } else { Err(Error::Forbidden) }
}

/// Sends every mail that is due. Several replicas may do it at once: each mail is taken by one. The answer tells how
/// many were handed over.
pub async fn send_due(app: &App) -> Result<usize> {
    let mut sent = 0;
    loop {
        let due = mails::due(&app.db, app.clock.now(), BATCH).await?;
        if due.is_empty() {
            return Ok(sent);
        }
        for mail in due {
            if mails::claim(&app.db, &mail, app.clock.now() + CLAIM).await? {
                sent += usize::from(send(app, &mail).await?);
            }
        }
    }
}

/// Deletes the mails that were given up long ago.
pub(super) async fn purge(app: &App, now: DateTime<Utc>) -> Result<()> {
    mails::purge(&app.db, now - KEPT).await?;
    Ok(())
}

/// Sends one mail that was claimed. The answer tells whether it was handed over.
async fn send(app: &App, row: &mails::Model) -> Result<bool> {
    let sent = match compose::compose(app, row).await {
        Ok(Some(mail)) => app.mail.mailer.send(&mail).await,
        Ok(None) => {
            // There is no reader any more.
            mails::delete(&app.db, row.id).await?;
            return Ok(false);
        }
        // A mail that this version cannot write must not delay those behind it.
        Err(error) => Err(Failure::Passing(error.source().map_or_else(|| error.to_string(), ToString::to_string))),
    };
    let Err(failure) = sent else {
        mails::delete(&app.db, row.id).await?;
        app.metrics.mails_sent.increment(1);
        return Ok(true);
    };
    let now = app.clock.now();
    let wait = (FIRST_WAIT * 2_i32.pow(u32::try_from(row.attempts).unwrap_or(0).min(7))).min(Duration::hours(1));
    let give_up_after = app.config.mail.give_up_after;
    match failure {
        Failure::Passing(reason) if now + wait < row.created_at + give_up_after => {
            tracing::warn!(mail = %row.id, reason, "a mail could not be handed over and is tried again");
            mails::postpone(&app.db, row.id, now + wait).await?;
            app.metrics.mails_postponed.increment(1);
        }
        Failure::Passing(reason) | Failure::Permanent(reason) => {
            tracing::error!(mail = %row.id, reason, "a mail was given up");
            mails::give_up(&app.db, row.id, now).await?;
            app.metrics.mails_failed.increment(1);
        }
    }
    Ok(false)
}
