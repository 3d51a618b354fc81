//! The life of signing keys. A key is published before it signs, stays until the last token that it signed has expired,
//! and is then retired. How often that happens is in `schedule`; how keys are made and opened in
//! `credentials::keyring`.

mod reseal;
mod schedule;

use chrono::{DateTime, Duration, Utc};
use sea_orm::DatabaseTransaction;
use serde_json::Value;

use super::audit::{self, Entry};
use super::callers::Actor;
use crate::app::App;
use credentials::keyring::SealedKey;
use model::error::{Error, Result};
use store::changes;
use store::locks::{self, Lock};
use store::signing_keys::{self, Model};

pub(crate) use reseal::reseal;
pub use schedule::rotate_when_due;

/// How long a replaced key may still sign somewhere: the clocks of two replicas may be half a minute apart, and a
/// replica looks for new keys every few seconds.
const SLACK: Duration = Duration::minutes(1);

/// The outcome of a request to reload the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The ring was replaced.
    Done,
    /// The last reload was a moment ago.
    TooSoon,
}

/// The time at which a new key begins to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// After it was published for `tokens.key_publish_lead`.
    Published,
    /// At once: verifiers that have not met it must look for it.
    Now,
}

/// The state of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is published and does not sign yet.
    Waiting,
    /// It signs.
    Signing,
    /// It verifies what it signed before.
    Verifying,
    /// It is neither used nor published any more.
    Retired,
}

/// A key, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The `kid` of its tokens.
    pub kid: String,
    /// The `alg` of its tokens.
    pub algorithm: String,
    /// State of the key.
    pub state: State,
    /// Time of creation (UTC).
    pub created_at: DateTime<Utc>,
    /// From when on it signs.
    pub active_from: DateTime<Utc>,
    /// Time at which the key was or will be retired, as far as it is known (UTC).
    pub until: Option<DateTime<Utc>>,
}

/// Loads the keys, and makes one when there is none of the configured algorithm.
///
/// # Errors
/// When the database fails or a key does not open.
pub async fn load(app: &App) -> Result<()> {
    let _loading = app.tokens.keyring.begin_loading().await;
    let now = app.clock.now();
    app.tokens.keyring.replace(&sealed(signing_keys::usable(&app.live_db, now).await?))?;
    if app.tokens.keyring.current().signing(now).is_none() {
        make_first(app).await?;
        let now = app.clock.now();
        app.tokens.keyring.replace(&sealed(signing_keys::usable(&app.live_db, now).await?))?;
    }
    Ok(())
}

/// Loads the keys again, unless that was done a moment ago.
///
/// # Errors
/// When the database fails or a key does not open.
pub async fn reload(app: &App) -> Result<Reload> {
    if app.tokens.keyring.may_reload(app.clock.now()) {
        load(app).await.map(|()| Reload::Done)
    } else {
        Ok(Reload::TooSoon)
    }
}

/// Every key, the oldest first.
pub async fn list(app: &App) -> Result<Vec<Listed>> {
    let now = app.clock.now();
    let (retired, usable): (Vec<_>, Vec<_>) =
        signing_keys::all(&app.db).await?.into_iter().partition(|key| key.retired_at.is_some_and(|at| at <= now));
    let signer = signer(app, &usable, now).map(|key| key.kid.clone());
    let state = |key: &Model| match key {
        key if signer.as_ref() == Some(&key.kid) => State::Signing,
        key if key.active_from > now => State::Waiting,
        _ => State::Verifying,
    };
    let listed = |key: &Model, state, until| Listed {
        kid: key.kid.clone(),
        algorithm: key.algorithm.clone(),
        state,
        created_at: key.created_at,
        active_from: key.active_from,
        until,
    };
    let mut keys: Vec<_> = retired.iter().map(|key| listed(key, State::Retired, key.retired_at)).collect();
    keys.extend(usable.iter().map(|key| listed(key, state(key), outlived_at(app, &usable, key))));
    keys.sort_by(|left, right| (left.created_at, &left.kid).cmp(&(right.created_at, &right.kid)));
    Ok(keys)
}

/// Makes a successor for the key that signs, and returns its `kid`. The caller has checked that the actor may do so.
///
/// The key before stays until the last token that it can have signed has expired. [`Start::Now`] puts a key into use
/// that is waiting already, as verifiers may know that one.
///
/// # Errors
/// [`Error::Conflict`] when a key is waiting already and shall not start at once; when the database fails.
pub async fn rotate(app: &App, actor: &Actor, start: Start) -> Result<String> {
    let key = generate(app).await?;
    let rotating = exclusively(app, async |txn, now| {
        let active_from = match start {
            Start::Published => now + app.config.tokens.key_publish_lead,
            Start::Now => now,
        };
        let key = Model { created_at: now, active_from, ..key };
        let usable = signing_keys::usable(txn, now).await?;
        let waiting = usable.into_iter().find(|other| other.algorithm == key.algorithm && other.active_from > now);
        let kid = match (waiting, start) {
            (None, _) => {
                let kid = key.kid.clone();
                signing_keys::insert(txn, key).await?;
                kid
            }
            (Some(waiting), Start::Now) => {
                signing_keys::activate(txn, &waiting.kid, now).await?;
                waiting.kid
            }
            (Some(_), Start::Published) => {
                return Err(Error::Conflict(
                    "A new key is published already and waits to sign. Wait until it does, or let it sign at once.",
                ));
            }
        };
        record(app, txn, actor, "key.rotate", &kid, now).await?;
        Ok(kid)
    });
    let kid = rotating.await?;
    announce(app).await?;
    tracing::info!(kid, "a new signing key was put into place");
    Ok(kid)
}

/// Withdraws a key at once: whatever it signed is good no longer, here and on the other replicas. The caller has
/// checked that the actor may do so.
///
/// # Errors
/// [`Error::ValidationFailed`] when there is no such key in use, [`Error::Conflict`] when no other could sign then;
/// when the database fails.
pub async fn retire(app: &App, actor: &Actor, kid: &str) -> Result<()> {
    // Else a key whose time is over could be taken for one that can still sign.
    retire_outlived(app).await?;
    let retiring = exclusively(app, async |txn, now| {
        let mut usable = signing_keys::usable(txn, now).await?;
        let before = usable.len();
        usable.retain(|key| key.kid != kid);
        if usable.len() == before {
            return Err(Error::invalid("kid", "is not the identifier of a key in use"));
        }
        if signer(app, &usable, now).is_none() {
            let reason = "It is the only key that can sign. Let another one sign before you withdraw it.";
            return Err(Error::Conflict(reason));
        }
        signing_keys::retire(txn, kid, now).await?;
        record(app, txn, actor, "key.retire", kid, now).await
    });
    retiring.await?;
    announce(app).await?;
    tracing::warn!(kid, "a signing key was withdrawn");
    Ok(())
}

/// Retires the keys whose last token has expired. The answer tells how many there were.
pub async fn retire_outlived(app: &App) -> Result<usize> {
    let now = app.clock.now();
    if outlived(app, &signing_keys::usable(&app.db, now).await?, now).is_empty() {
        return Ok(0);
    }
    let retiring = exclusively(app, async |txn, now| {
        let outlived = outlived(app, &signing_keys::usable(txn, now).await?, now);
        for kid in &outlived {
            signing_keys::retire(txn, kid, now).await?;
        }
        Ok(outlived)
    });
    // No replica needs to know at once: nothing that these keys signed is good any more.
    let outlived = retiring.await?;
    for kid in &outlived {
        tracing::info!(kid, "a signing key was retired, as its last token has expired");
    }
    Ok(outlived.len())
}

/// Records a change to the keys, for people and for the other replicas.
async fn record(
    app: &App,
    txn: &DatabaseTransaction,
    actor: &Actor,
    action: &'static str,
    kid: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let (target_kind, target_id) = ("key", kid.to_owned());
    let entry = Entry { action, target_kind, target_id, before: Value::Null, after: Value::Null, reason: None };
    audit::record(app, txn, actor, entry).await?;
    Ok(changes::append_keys_changed(txn, now).await?)
}

/// The keys as the keyring opens them.
fn sealed(rows: Vec<Model>) -> Vec<SealedKey> {
    rows.into_iter().map(sealed_key).collect()
}

pub(super) fn sealed_key(row: Model) -> SealedKey {
    SealedKey { kid: row.kid, algorithm: row.algorithm, private_key: row.private_key, active_from: row.active_from }
}

/// Of several processes that start at once, one makes the key. Nothing is announced: a token of an unknown key makes
/// the others look.
async fn make_first(app: &App) -> Result<()> {
    let key = generate(app).await?;
    exclusively(app, async |txn, now| {
        if signer(app, &signing_keys::usable(txn, now).await?, now).is_none() {
            signing_keys::insert(txn, key).await?;
        }
        Ok(())
    })
    .await
}

/// Does work in a transaction in which nobody else changes keys. The work gets the time after the wait for that.
async fn exclusively<T>(
    app: &App,
    work: impl AsyncFnOnce(&DatabaseTransaction, DateTime<Utc>) -> Result<T> + Clone,
) -> Result<T> {
    store::transaction(&app.db, async |txn| {
        locks::lock(txn, Lock::SigningKeys).await?;
        work(txn, app.clock.now()).await
    })
    .await
}

/// Announces a change to the keys that has committed, and loads the keys here.
async fn announce(app: &App) -> Result<()> {
    app.feed.written.notify_one();
    load(app).await
}

/// On a thread where it disturbs nobody: an RSA key takes long to find.
async fn generate(app: &App) -> Result<Model> {
    let maker = app.clone();
    let now = maker.clock.now();
    let generating = tokio::task::spawn_blocking(move || maker.tokens.keyring.generate(now));
    let SealedKey { kid, algorithm, private_key, active_from } = generating.await.map_err(Error::internal)??;
    Ok(Model { kid, algorithm, private_key, created_at: now, active_from, retired_at: None })
}

fn algorithm(app: &App) -> String {
    app.config.tokens.algorithm.as_str().to_owned()
}

/// The order in which keys follow each other.
fn rank(key: &Model) -> (DateTime<Utc>, DateTime<Utc>, &str) {
    (key.active_from, key.created_at, &key.kid)
}

/// The key that signs at this time: the newest active one of the configured algorithm.
fn signer<'a>(app: &App, usable: &'a [Model], now: DateTime<Utc>) -> Option<&'a Model> {
    let algorithm = algorithm(app);
    usable.iter().filter(|key| key.algorithm == algorithm && key.active_from <= now).max_by_key(|key| rank(key))
}

/// Returns the time at which the last token that a key can have signed has expired: an access lifetime after its
/// successor began to sign.
fn outlived_at(app: &App, usable: &[Model], key: &Model) -> Option<DateTime<Utc>> {
    let successor = usable.iter().filter(|other| rank(other) > rank(key)).map(|other| other.active_from).min()?;
    Some(successor + app.config.tokens.access_lifetime + SLACK)
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
