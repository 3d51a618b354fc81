//! Finds the user who may sign in with an address, and the decoy hash that is compared without such a user.

use std::sync::LazyLock;

use sea_orm::entity::prelude::*;
use sea_orm::{FromQueryResult, IdenStatic, Iterable, Statement};

use super::Model;
use crate::user_credentials;
use model::values::Email;

/// The result of a lookup by an address.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// User who has the address.
    pub user: Option<Model>,
    /// Password of that user, if they have one.
    pub password: Option<user_credentials::Model>,
    /// Password hash of another user, which is compared when the account has none. It is always the same for one
    /// address, and its format is as frequent as among all users: it is that of the next place in an even order. It is
    /// looked up in any case, because the lookup takes time too.
    pub decoy: Option<String>,
}

/// Finds the user who may sign in with this address, and the decoy.
pub async fn candidate(db: &impl ConnectionTrait, email: &Email) -> Result<Candidate, DbErr> {
    static FIND: LazyLock<String> = LazyLock::new(|| {
        let columns = super::Column::iter().map(|column| format!("users.{}", column.as_str()));
        format!(
            "SELECT {}, user_credentials.secret, user_credentials.changed_at FROM users \
             LEFT JOIN user_credentials ON user_credentials.user_id = users.id AND user_credentials.kind = 'password' \
             WHERE users.email = $1 AND users.deleted_at IS NULL",
            columns.collect::<Vec<_>>().join(", ")
        )
    });
    // The limits are not parameters, because SQLite would plan the statement again each time.
    const NEXT: &str = "SELECT coalesce(\
        (SELECT secret FROM user_credentials WHERE kind = 'password' AND place >= $1 ORDER BY place LIMIT 1), \
        (SELECT secret FROM user_credentials WHERE kind = 'password' ORDER BY place LIMIT 1))";
    let backend = db.get_database_backend();
    let find = Statement::from_sql_and_values(backend, FIND.as_str(), [email.clone().into()]);
    let found = db.query_one_raw(find).await?;
    let place = user_credentials::place_of(email.as_str().as_bytes());
    let next = Statement::from_sql_and_values(backend, NEXT, [place.into()]);
    let decoy: Option<String> = match db.query_one_raw(next).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => None,
    };
    let Some(found) = found else { return Ok(Candidate { user: None, password: None, decoy }) };
    let user = Model::from_query_result(&found, "")?;
    let hash: Option<String> = found.try_get("", "secret")?;
    let password = match hash {
        Some(hash) => Some(user_credentials::Model::password(user.id, hash, found.try_get("", "changed_at")?)),
        None => None,
    };
    Ok(Candidate { user: Some(user), password, decoy })
}
