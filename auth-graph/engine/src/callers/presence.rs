//! Somebody who stays connected: until their token is no longer good, unless they come with a new one.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::sleep;

use super::{Principal, recheck};
use crate::app::App;
use model::error::{Error, Result};

/// However quiet it is, the token is looked at this often.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// A caller whose token may be followed by others. The clones are the same caller.
#[derive(Clone, Debug)]
pub struct Presence(Arc<RwLock<Principal>>);

impl Presence {
    /// The caller as they came.
    #[must_use]
    pub fn new(principal: Principal) -> Self {
        Self(Arc::new(RwLock::new(principal)))
    }

    /// The caller by their newest token.
    #[must_use]
    pub fn current(&self) -> Principal {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Goes on with a new token. What runs was allowed to the one who began it.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when it is somebody else's.
    pub fn renew(&self, next: Principal) -> Result<()> {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if (next.subject(), next.impersonator()) != (current.subject(), current.impersonator()) {
            return Err(Error::Forbidden);
        }
        *current = next;
        Ok(())
    }

    /// Is ready when the newest token has expired, or its session has ended.
    pub async fn ended(self, app: App) {
        while recheck(&app, &self.current(), app.clock.now()).is_ok() {
            sleep(CHECK_EVERY).await;
        }
    }
}
