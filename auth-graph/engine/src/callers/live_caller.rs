//! A caller who stays connected until their token is no longer valid, unless they present a new one.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::sleep;

use super::{Principal, recheck};
use crate::app::App;
use model::error::{Error, Reason, Result};

/// Interval between two checks of the token, even when nothing else happens.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// A connected caller whose token may be replaced by a newer one. Clones share the same caller.
#[derive(Clone, Debug)]
pub struct LiveCaller(Arc<RwLock<Principal>>);

impl LiveCaller {
    /// Returns the caller with the token that they connected with.
    #[must_use]
    pub fn new(principal: Principal) -> Self {
        Self(Arc::new(RwLock::new(principal)))
    }

    /// Returns the caller with their newest token.
    #[must_use]
    pub fn current(&self) -> Principal {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Continues with a new token. Running operations keep the permissions of the token that started them.
    ///
    /// # Errors
    /// [`Error::Denied`] when the new token belongs to another user.
    pub fn renew(&self, next: Principal) -> Result<()> {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if (next.subject(), next.impersonator()) != (current.subject(), current.impersonator()) {
            return Err(Error::Denied(Reason::OtherCaller));
        }
        *current = next;
        Ok(())
    }

    /// Waits until the newest token has expired, or its session has ended.
    pub async fn ended(self, app: App) {
        while recheck(&app, &self.current(), app.clock.now()).is_ok() {
            sleep(CHECK_EVERY).await;
        }
    }
}
