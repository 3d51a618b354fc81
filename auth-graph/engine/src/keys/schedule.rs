//! The schedule of signing keys: when an old key gets a successor.

use chrono::{DateTime, Duration, Utc};

use super::{Start, algorithm, rotate};
use crate::app::App;
use crate::callers::Actor;
use model::error::{Error, Result};
use model::values::TokenId;
use store::leases;
use store::signing_keys::{self, Model};

const LEASE: &str = "key rotation";
/// Long enough to find an RSA key on a busy machine.
const LEASE_TIME: Duration = Duration::minutes(1);

/// Makes a successor when the newest key is older than `tokens.key_rotation`. Of several replicas one does it. The
/// answer is the `kid` of the new key, if there is one.
pub async fn rotate_when_due(app: &App) -> Result<Option<String>> {
    let now = app.clock.now();
    if !is_due(app, &signing_keys::usable(&app.db, now).await?, now)? {
        return Ok(None);
    }
    let holder = TokenId::generate(now).0.to_string();
    if !leases::take(&app.db, LEASE, &holder, now, now + LEASE_TIME).await? {
        return Ok(None);
    }
    // Somebody may have done it between the look and the lease.
    let result = if is_due(app, &signing_keys::usable(&app.db, now).await?, now)? {
        // The operator has configured the schedule.
        match rotate(app, &Actor::system(), Start::Published).await {
            Ok(kid) => Ok(Some(kid)),
            // An operator was faster.
            Err(Error::Conflict(_)) => Ok(None),
            Err(error) => Err(error),
        }
    } else {
        Ok(None)
    };
    leases::give_back(&app.db, LEASE, &holder).await?;
    result
}

fn is_due(app: &App, usable: &[Model], now: DateTime<Utc>) -> Result<bool> {
    let rotation = app.config.tokens.key_rotation;
    let algorithm = algorithm(app);
    let newest = usable.iter().filter(|key| key.algorithm == algorithm).map(|key| key.created_at).max();
    Ok(!rotation.is_zero() && newest.is_some_and(|created_at| created_at + rotation <= now))
}
