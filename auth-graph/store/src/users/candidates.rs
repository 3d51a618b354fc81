//! Who may sign in by an address, and what is compared with when nobody may.

use aws_lc_rs::digest::{SHA256, digest};
use sea_orm::entity::prelude::*;
use sea_orm::{FromQueryResult, Statement};

use super::Model;
use model::values::{Email, UserId};

/// Somebody who may sign in by an address.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Whose address it is.
    pub user: Option<Model>,
    /// The password hash of somebody, for comparing with when there is none: always the same for one address, and as
    /// often of one kind as users have it. It was looked up whether it is needed or not: that too takes time.
    pub decoy: Option<String>,
}

impl Candidate {
    /// What the password is compared with, if there is a user who has one.
    #[must_use]
    pub fn hash(&self) -> Option<&str> {
        self.user.as_ref()?.password_hash.as_deref()
    }
}

/// Who may sign in by this address.
///
/// # Errors
/// When the database fails.
pub async fn candidate(db: &impl ConnectionTrait, email: &Email) -> Result<Candidate, DbErr> {
    // Limits are not bound: SQLite would plan these anew each time.
    const FIND: &str = "SELECT ends.first, ends.last, users.* FROM (SELECT \
                        (SELECT id FROM users ORDER BY id LIMIT 1) AS first, \
                        (SELECT id FROM users ORDER BY id DESC LIMIT 1) AS last) AS ends \
                        LEFT JOIN users ON users.email = $1 AND users.deleted_at IS NULL";
    const AFTER: &str = "SELECT password_hash FROM users WHERE id >= $1 AND password_hash IS NOT NULL \
                         ORDER BY id LIMIT 1";
    let backend = db.get_database_backend();
    let find = Statement::from_sql_and_values(backend, FIND, [email.clone().into()]);
    let Some(found) = db.query_one_raw(find).await? else { return Ok(Candidate { user: None, decoy: None }) };
    let (Some(first), Some(last)) = (found.try_get("", "first")?, found.try_get("", "last")?) else {
        return Ok(Candidate { user: None, decoy: None });
    };
    let id: Option<UserId> = found.try_get("", "id")?;
    let user = id.map(|_| Model::from_query_result(&found, "")).transpose()?;
    let after = Statement::from_sql_and_values(backend, AFTER, [place_of(email, first, last).into()]);
    let decoy = db.query_one_raw(after).await?.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(Candidate { user, decoy })
}

/// Where an address is among identifiers: anywhere between these two, and always at the same place.
fn place_of(email: &Email, first: Uuid, last: Uuid) -> Uuid {
    let name = digest(&SHA256, email.as_str().as_bytes());
    let share = name.as_ref().iter().take(4).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    Uuid::from_u128(first.as_u128() + (last.as_u128() - first.as_u128()) / (1 << 32) * share)
}
