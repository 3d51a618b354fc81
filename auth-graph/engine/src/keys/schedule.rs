//! The schedule of signing keys: a successor for an old key, and the end of a key that is no longer needed.

use chrono::{DateTime, Duration, Utc};

use super::{Start, algorithm, begin, outlived_at, rotate, signer};
use crate::app::App;
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
        match rotate(app, Start::Published).await {
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

/// Retires the keys whose last token has expired. The answer tells how many there were.
pub async fn retire_outlived(app: &App) -> Result<usize> {
    let now = app.clock.now();
    if outlived(app, &signing_keys::usable(&app.db, now).await?, now).is_empty() {
        return Ok(0);
    }
    let (txn, now) = begin(app).await?;
    let outlived = outlived(app, &signing_keys::usable(&txn, now).await?, now);
    for kid in &outlived {
        signing_keys::retire(&txn, kid, now).await?;
        tracing::info!(kid, "a signing key was retired, as its last token has expired");
    }
    // No replica needs to know at once: nothing that these keys signed is good any more.
    txn.commit().await?;
    Ok(outlived.len())
}

fn is_due(app: &App, usable: &[Model], now: DateTime<Utc>) -> Result<bool> {
    let rotation = app.config.tokens.key_rotation;
    let algorithm = algorithm(app);
    let newest = usable.iter().filter(|key| key.algorithm == algorithm).map(|key| key.created_at).max();
    Ok(!rotation.is_zero() && newest.is_some_and(|created_at| created_at + rotation <= now))
}

/// The key that signs stays even when another algorithm was configured in between and has a newer key.
fn outlived(app: &App, usable: &[Model], now: DateTime<Utc>) -> Vec<String> {
    let signer = signer(app, usable, now).map(|key| &key.kid);
    usable
        .iter()
        .filter(|key| Some(&key.kid) != signer && outlived_at(app, usable, key).is_some_and(|end| end <= now))
        .map(|key| key.kid.clone())
        .collect()
}
