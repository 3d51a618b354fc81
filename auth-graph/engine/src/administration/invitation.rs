//! Inviting a person to create an account.

use serde_json::json;

use crate::app::App;
use crate::audit::{self, Entry};
use crate::callers::Actor;
use crate::mail::{self, Letter};
use model::config::Registration;
use model::error::{Error, Reason, Result};
use model::values::{Email, Locale};

/// Sends an invitation to an address, unless it has an account when the mail is sent.
///
/// # Errors
/// [`Error::Denied`] when registration is off or no mail can be sent.
pub async fn invite(app: &App, actor: &Actor, email: &Email, locale: Option<Locale>) -> Result<()> {
    mail::require(app)?;
    if app.config.accounts.registration == Registration::Off {
        return Err(Error::Denied(Reason::RegistrationClosed));
    }
    let (action, target_id) = ("user.invite", email.to_string());
    let entry =
        Entry { action, target_kind: "address", target_id, before: json!(null), after: json!(null), reason: None };
    let invited = store::transaction(&app.db, async |txn| {
        mail::enqueue(app, txn, email, locale, &Letter::Invitation, app.clock.now()).await?;
        audit::record(app, txn, actor, entry).await
    });
    invited.await?;
    app.mail.waiting.notify_one();
    Ok(())
}
