//! Outgoing mail. A mail is stored in the transaction that causes it, and a task sends it until the server accepts it.
//!
//! Therefore no request waits for the mail server, and no mail is lost during an outage of it. The address is looked up
//! when the mail is sent, not when it is requested: neither the response nor its time reveals whether the address has
//! an account. One-time tokens are generated at the same time, so that no token is stored in clear text.

mod compose;
mod letter;
mod trial;

use std::error::Error as _;

use chrono::{DateTime, Duration, Utc};
use sea_orm::ConnectionTrait;

use crate::app::App;
use crate::mailer::Failure;
use model::error::{Error, Reason, Result};
use model::values::{Email, Locale, MailId};
use store::mails;

pub(crate) use letter::{Letter, Registration};
pub use trial::send_trial;

/// Number of mails that are read at once.
const BATCH: u64 = 20;
/// Time for which a mail is reserved for the task that claimed it. It is longer than sending can take.
const CLAIM: Duration = Duration::minutes(5);
/// Time between the first failure and the next attempt. It doubles with each further failure, up to an hour.
const FIRST_WAIT: Duration = Duration::seconds(30);
/// Retention time of mails that were given up.
const KEPT: Duration = Duration::days(14);

/// Queues a mail in the transaction, if mails can be sent. The caller notifies `app.mail.waiting` after the commit.
pub(crate) async fn enqueue(
    app: &App,
    txn: &impl ConnectionTrait,
    email: &Email,
    locale: Option<Locale>,
    letter: &Letter,
    now: DateTime<Utc>,
) -> Result<()> {
    if !app.mail.mailer.is_on() || email.is_missing() {
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

/// Deletes the waiting mails for a password reset of this address. These mails name no user, because the address has
/// not been looked up yet.
pub(super) async fn take_back_resets(txn: &impl ConnectionTrait, email: &Email) -> Result<()> {
    let letter = serde_json::to_value(Letter::ResetPassword).map_err(Error::internal)?;
    Ok(mails::delete_letter(txn, email, letter).await?)
}

/// Rejects an operation that needs a mail when no mail can be sent.
///
/// # Errors
/// [`Error::Denied`] when no mail can be sent.
pub(crate) fn require(app: &App) -> Result<()> {
    if app.mail.mailer.is_on() { Ok(()) } else { Err(Error::Denied(Reason::MailNotConfigured)) }
}

/// Sends every mail that is due, and returns the number of mails that were sent. Several replicas may call it at once;
/// one of them claims each mail.
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

/// Deletes mails that were given up and whose retention time is over.
pub(super) async fn purge(app: &App, now: DateTime<Utc>) -> Result<()> {
    mails::purge(&app.db, now - KEPT).await?;
    Ok(())
}

/// Sends one claimed mail, and returns whether it was sent.
async fn send(app: &App, row: &mails::Model) -> Result<bool> {
    let sent = match compose::compose(app, row).await {
        Ok(Some(mail)) => app.mail.mailer.send(row.id, &mail).await,
        Ok(None) => {
            // The mail is no longer relevant to its recipient.
            mails::delete(&app.db, row.id).await?;
            return Ok(false);
        }
        // A mail that this version cannot compose must not delay the mails after it.
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
            tracing::warn!(mail = %row.id, reason, "a mail could not be sent and is tried again");
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
