//! `restored`.

use super::Failure;
use crate::app::App;
use crate::auth::restoring;

pub(super) async fn run(app: &App) -> Result<(), Failure> {
    restoring::announce(app).await?;
    Ok(say!("readers of the feed begin anew, and links in mails that were sent do nothing any more")?)
}
