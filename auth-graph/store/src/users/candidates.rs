//! Finds the user who may sign in with an address, and the decoy hash that is compared without such a user.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use sea_orm::entity::prelude::*;
use sea_orm::{FromQueryResult, IdenStatic, Iterable, Statement};

use super::Model;
use crate::user_credentials;
use model::values::{Email, UserId};

/// The result of a lookup by an address.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// User who has the address.
    pub user: Option<Model>,
    /// Password of that user, if they have one.
    pub password: Option<user_credentials::Model>,
    /// Password hash of another user, which is compared when the account has none. It is always the same for one
    /// address, and its format is as frequent as among all users. It is looked up in any case, because the lookup takes
    /// time too.
    pub decoy: Option<String>,
}

impl Candidate {
    fn none() -> Self {
        Self { user: None, password: None, decoy: None }
    }
}

/// Finds the user who may sign in with this address, and the decoy.
pub async fn candidate(db: &impl ConnectionTrait, email: &Email) -> Result<Candidate, DbErr> {
    // The limits are not parameters, because SQLite would plan the statement again each time.
    static FIND: LazyLock<String> = LazyLock::new(|| {
        let columns = super::Column::iter().map(|column| format!("users.{}", column.as_str()));
        format!(
            "SELECT ends.first, ends.last, {}, user_credentials.secret, user_credentials.changed_at FROM (SELECT \
             (SELECT id FROM users ORDER BY id LIMIT 1) AS first, \
             (SELECT id FROM users ORDER BY id DESC LIMIT 1) AS last) AS ends \
             LEFT JOIN users ON users.email = $1 AND users.deleted_at IS NULL \
             LEFT JOIN user_credentials ON user_credentials.user_id = users.id AND user_credentials.kind = 'password'",
            columns.collect::<Vec<_>>().join(", ")
        )
    });
    const AFTER: &str = "SELECT secret FROM user_credentials WHERE user_id >= $1 AND kind = 'password' \
                         ORDER BY user_id LIMIT 1";
    let backend = db.get_database_backend();
    let find = Statement::from_sql_and_values(backend, FIND.as_str(), [email.clone().into()]);
    let Some(found) = db.query_one_raw(find).await? else { return Ok(Candidate::none()) };
    let (Some(first), Some(last)) = (found.try_get("", "first")?, found.try_get("", "last")?) else {
        return Ok(Candidate::none());
    };
    let id: Option<UserId> = found.try_get("", "id")?;
    let user = id.map(|_| Model::from_query_result(&found, "")).transpose()?;
    let after = Statement::from_sql_and_values(backend, AFTER, [place_of(email, first, last).into()]);
    let decoy = db.query_one_raw(after).await?.map(|row| row.try_get_by_index(0)).transpose()?;
    let hash: Option<String> = found.try_get("", "secret")?;
    let password = match (id, hash) {
        (Some(user_id), Some(hash)) => {
            Some(user_credentials::Model::password(user_id, hash, found.try_get("", "changed_at")?))
        }
        _ => None,
    };
    Ok(Candidate { user, password, decoy })
}

/// Returns an identifier between these two, which is always the same for one address.
fn place_of(email: &Email, first: Uuid, last: Uuid) -> Uuid {
    let name = digest(&SHA256, email.as_str().as_bytes());
    let share = name.as_ref().iter().take(4).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    Uuid::from_u128(first.as_u128() + (last.as_u128() - first.as_u128()) / (1 << 32) * share)
}
