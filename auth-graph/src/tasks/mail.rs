//! Sends the mails that wait.

use std::time::Duration;

use engine::app::App;
use engine::mail;
use model::error::Result;

/// However quiet it is, mails are looked for this often: another replica may have written one, or a failed one is due.
const AT_MOST: Duration = Duration::from_secs(5);

pub(super) async fn run(app: App) -> Result<()> {
    if !app.mail.mailer.is_on() {
        return std::future::pending().await;
    }
    loop {
        mail::send_due(&app).await?;
        // Running out of time is the usual case.
        let _ = tokio::time::timeout(AT_MOST, app.mail.waiting.notified()).await;
    }
}
