//! The life of signing keys: made when there is none, loaded, and looked for again when another replica made one.

use crate::app::App;
use crate::error::Result;
use crate::store::signing_keys;

/// What became of a wish to reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The ring was replaced.
    Done,
    /// The last reload was a moment ago.
    TooSoon,
}

/// Loads the keys, and makes one when there is none of the configured algorithm.
///
/// # Errors
/// When the database fails or a key does not open.
pub async fn load(app: &App) -> Result<()> {
    let now = app.clock.now();
    let before = app.keyring.current();
    app.keyring.replace(&signing_keys::usable(&app.db, now).await?, now)?;
    if app.keyring.current().signing().is_none() {
        signing_keys::insert(&app.db, app.keyring.generate(now)?).await?;
        app.keyring.replace(&signing_keys::usable(&app.db, now).await?, now)?;
    }
    if before.holds_what_is_gone_from(&app.keyring.current()) {
        app.access_tokens.forget();
    }
    Ok(())
}

/// Loads the keys again, unless that was done a moment ago.
///
/// # Errors
/// When the database fails or a key does not open.
pub async fn reload(app: &App) -> Result<Reload> {
    if app.keyring.may_reload(app.clock.now()) { load(app).await.map(|()| Reload::Done) } else { Ok(Reload::TooSoon) }
}
