//! Sends waiting mails.

use std::time::Duration;

use engine::app::App;
use engine::mail;
use model::error::Result;

/// Maximum time between two searches for mails. Another replica may have queued one, or a failed one may be due.
const AT_MOST: Duration = Duration::from_secs(5);

pub(super) async fn run(app: App) -> Result<()> {
    if !app.mail.mailer.is_on() {
        return std::future::pending().await;
    }
    loop {
        mail::send_due(&app).await?;
        // A timeout is the normal case.
        let _ = tokio::time::timeout(AT_MOST, app.mail.waiting.notified()).await;
    }
}
