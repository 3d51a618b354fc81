//! Users. A deleted user keeps their row, so that the identifier is never reused. Only functions whose name says so
//! find deleted users.

mod candidates;
mod deleted;
mod listing;
mod search_keys;

use std::collections::HashMap;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{QueryOrder, QuerySelect, QueryTrait, Select};

use super::unique;
use model::values::{Email, Locale, Scopes, UserId, Username, folded};

pub use candidates::{Candidate, candidate};
pub use deleted::{deleted_page, find_deleted_by_email};
pub use listing::{Filter, count, filtered, page};
pub use search_keys::fill as fill_search_keys;

/// A user.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// Identifier, which never changes.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// E-mail address, unique and in lower case. A user who has none has a placeholder.
    #[sea_orm(unique)]
    pub email: Email,
    /// Name to sign in with, unique and compared exactly.
    #[sea_orm(unique)]
    pub username: Option<Username>,
    /// Given name; may be empty.
    pub first_name: String,
    /// Family name; may be empty.
    pub last_name: String,
    /// Phone number, in the form of E.164 if the user set it here. A number of an administrator or of an import stays
    /// as it was written.
    pub phone_number: Option<String>,
    /// Language that the user reads.
    pub locale: Option<Locale>,
    /// True if the user may sign in.
    pub is_active: bool,
    /// True if the user has the role `staff`.
    pub is_staff: bool,
    /// True if the user has the role `superuser`.
    pub is_superuser: bool,
    /// True if the user has verified the address.
    pub email_verified: bool,
    /// Further roles.
    pub roles: Json,
    /// Scopes in addition to those of the roles.
    pub scopes: Scopes,
    /// Metadata that services store with the user.
    pub metadata: Json,
    /// Metadata that only administrators see.
    pub private_metadata: Json,
    /// Time of creation (UTC).
    pub date_joined: DateTimeUtc,
    /// Time of the last sign-in (UTC). A sign-in changes neither `version` nor `updated_at`.
    pub last_login: Option<DateTimeUtc>,
    /// Time of the last change (UTC).
    pub updated_at: DateTimeUtc,
    /// Number of changes. Of two copies, the one with the higher version is newer.
    pub version: i64,
    /// Time of the deletion (UTC).
    pub deleted_at: Option<DateTimeUtc>,
    /// Time at which all personal data was removed (UTC). The user cannot be restored then.
    pub erased_at: Option<DateTimeUtc>,
    /// User whose account has replaced this one.
    pub merged_into: Option<UserId>,
    /// Text in which the user is searched. This package computes it whenever it writes a user.
    pub search_key: Option<String>,
}

/// The table has no relations that this package follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Builds an active user who has an address and nothing else.
    #[must_use]
    pub fn new(id: UserId, email: Email, now: DateTimeUtc) -> Self {
        Self {
            id,
            email,
            username: None,
            first_name: String::new(),
            last_name: String::new(),
            phone_number: None,
            locale: None,
            is_active: true,
            is_staff: false,
            is_superuser: false,
            email_verified: false,
            roles: Json::Array(Vec::new()),
            scopes: Scopes::default(),
            metadata: Json::Object(serde_json::Map::new()),
            private_metadata: Json::Object(serde_json::Map::new()),
            date_joined: now,
            last_login: None,
            updated_at: now,
            version: 1,
            deleted_at: None,
            erased_at: None,
            merged_into: None,
            search_key: None,
        }
    }

    /// Returns the names of the roles of the user, including those that flags express.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        let flags = [("staff", self.is_staff), ("superuser", self.is_superuser)];
        let flags = flags.into_iter().filter(|(_, held)| *held).map(|(role, _)| role.to_owned());
        let listed = self.roles.as_array().into_iter().flatten().filter_map(|role| role.as_str().map(str::to_owned));
        let mut roles: Vec<String> = flags.chain(listed).collect();
        roles.sort();
        roles.dedup();
        roles
    }
}

/// Returns whether a flag expresses this role, so that it is not listed among the roles.
#[must_use]
pub fn is_flag(role: &str) -> bool {
    matches!(role, "staff" | "superuser")
}

/// Selects the users that are not deleted.
pub fn existing() -> Select<Entity> {
    Entity::find().filter(Column::DeletedAt.is_null())
}

/// Returns the user with this identifier.
pub async fn find(db: &impl ConnectionTrait, id: UserId) -> Result<Option<Model>, DbErr> {
    unique(existing().filter(Column::Id.eq(id)), db).await
}

/// Returns the user with this identifier, or the user whom that account was merged into.
pub async fn find_or_successor(db: &impl ConnectionTrait, id: UserId) -> Result<Option<Model>, DbErr> {
    let mut next = Some(id);
    // The loop ends, because no account is merged into one that was itself merged.
    while let Some(id) = next {
        match unique(Entity::find_by_id(id), db).await? {
            Some(user) if user.deleted_at.is_some() => next = user.merged_into,
            found => return Ok(found),
        }
    }
    Ok(None)
}

/// Returns the users with these identifiers, in no order.
pub async fn find_among(db: &impl ConnectionTrait, ids: Vec<UserId>) -> Result<Vec<Model>, DbErr> {
    existing().filter(Column::Id.is_in(ids)).all(db).await
}

/// Returns the users with these identifiers, or the users whom those accounts were merged into, by the requested
/// identifiers. Usually it takes one query; each step from merged accounts to their successors takes one more for all
/// of them.
pub async fn find_among_or_successors(
    db: &impl ConnectionTrait,
    ids: Vec<UserId>,
) -> Result<HashMap<UserId, Model>, DbErr> {
    let mut found = HashMap::with_capacity(ids.len());
    let mut asked: HashMap<UserId, Vec<UserId>> = ids.into_iter().map(|id| (id, vec![id])).collect();
    while !asked.is_empty() {
        let users = with_deleted(db, &asked.keys().copied().collect::<Vec<_>>()).await?;
        let mut next: HashMap<UserId, Vec<UserId>> = HashMap::new();
        for user in users {
            let mut by = asked.remove(&user.id).unwrap_or_default();
            match (user.deleted_at, user.merged_into) {
                (None, _) => {
                    // Usually one identifier leads to a user, who then needs no copy.
                    let last = by.pop();
                    found.extend(by.into_iter().map(|id| (id, user.clone())));
                    found.extend(last.map(|id| (id, user)));
                }
                (Some(_), Some(successor)) => next.entry(successor).or_default().extend(by),
                (Some(_), None) => {}
            }
        }
        asked = next;
    }
    Ok(found)
}

/// Returns the user with this address.
pub async fn find_by_email(db: &impl ConnectionTrait, email: &Email) -> Result<Option<Model>, DbErr> {
    unique(existing().filter(Column::Email.eq(email.clone())), db).await
}

/// Returns the user with this user name.
pub async fn find_by_username(db: &impl ConnectionTrait, name: &Username) -> Result<Option<Model>, DbErr> {
    unique(existing().filter(Column::Username.eq(name.clone())), db).await
}

/// Returns the address, or its placeholder, of the user with this user name.
pub async fn email_of_username(db: &impl ConnectionTrait, name: &Username) -> Result<Option<Email>, DbErr> {
    let query = existing().select_only().column(Column::Email).filter(Column::Username.eq(name.clone()));
    query.into_tuple().one(db).await
}

/// Returns the users with these identifiers, including deleted ones, for the feed, which reports deletions.
pub async fn with_deleted(db: &impl ConnectionTrait, ids: &[UserId]) -> Result<Vec<Model>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Entity::find().filter(Column::Id.is_in(ids.iter().copied())).all(db).await
}

/// Returns the users after this identifier in the order of the identifiers, including deleted ones.
pub async fn page_with_deleted(
    db: &impl ConnectionTrait,
    after: Option<UserId>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let query = Entity::find().apply_if(after, |query, id| query.filter(Column::Id.gt(id)));
    query.order_by_asc(Column::Id).limit(limit).all(db).await
}

/// Returns the text in which a user is searched: the address, the address as people read it, the user name, and the
/// names.
fn search_key_of(user: &Model) -> String {
    let read = user.email.to_unicode();
    let mut parts = vec![user.email.shown(), &user.first_name, &user.last_name];
    if read != user.email.as_str() {
        parts.insert(1, &read);
    }
    parts.extend(user.username.as_ref().map(Username::as_str));
    folded(&parts.join(" "))
}

/// Returns the row of a user, with all columns.
fn row(user: Model) -> ActiveModel {
    let search_key = Some(search_key_of(&user));
    ActiveModel::from(Model { search_key, ..user }).reset_all()
}

/// Adds a user.
///
/// # Errors
/// When the address is taken (a unique violation), or the database fails.
pub async fn insert(txn: &impl ConnectionTrait, user: &Model) -> Result<(), DbErr> {
    Entity::insert(row(user.clone())).exec_without_returning(txn).await.map(drop)
}

/// Adds many users at once.
///
/// # Errors
/// When an address or an identifier is taken (a unique violation), or the database fails.
pub async fn insert_many(txn: &impl ConnectionTrait, users: impl IntoIterator<Item = Model>) -> Result<(), DbErr> {
    Entity::insert_many(users.into_iter().map(row)).exec_without_returning(txn).await.map(drop)
}

/// Returns the users who have these addresses, including deleted ones.
pub async fn ids_by_email(db: &impl ConnectionTrait, emails: &[Email]) -> Result<Vec<(Email, UserId)>, DbErr> {
    let query = Entity::find().select_only().columns([Column::Email, Column::Id]);
    query.filter(Column::Email.is_in(emails.iter().cloned())).into_tuple().all(db).await
}

/// Returns the users who have these user names, including deleted ones.
pub async fn ids_by_username(db: &impl ConnectionTrait, names: &[Username]) -> Result<Vec<(Username, UserId)>, DbErr> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let query = Entity::find().select_only().columns([Column::Username, Column::Id]);
    query.filter(Column::Username.is_in(names.iter().cloned())).into_tuple().all(db).await
}

/// Returns the identifiers among these that are taken, including those of deleted users.
pub async fn known_ids(db: &impl ConnectionTrait, ids: &[UserId]) -> Result<Vec<UserId>, DbErr> {
    let query = Entity::find().select_only().column(Column::Id);
    query.filter(Column::Id.is_in(ids.iter().copied())).into_tuple().all(db).await
}

/// Records a sign-in and returns the user, if they are still active. The row is locked until the transaction ends.
pub async fn record_login(txn: &impl ConnectionTrait, id: UserId, now: DateTimeUtc) -> Result<Option<Model>, DbErr> {
    let updated = Entity::update_many()
        .col_expr(Column::LastLogin, Expr::value(now))
        .filter(Column::Id.eq(id))
        .filter(Column::IsActive.eq(true))
        .filter(Column::DeletedAt.is_null())
        .exec_with_returning(txn)
        .await?;
    Ok(updated.into_iter().next())
}

/// Returns the user with this identifier, locked until the transaction ends.
pub async fn find_locked(txn: &impl ConnectionTrait, id: UserId) -> Result<Option<Model>, DbErr> {
    // SQLite has no row locks and needs none, because the transaction already holds the write lock.
    unique(existing().filter(Column::Id.eq(id)).lock_exclusive(), txn).await
}

/// Writes a user whose row is locked.
///
/// # Errors
/// When the address is taken (a unique violation), or the database fails.
pub async fn update(txn: &impl ConnectionTrait, user: &Model) -> Result<(), DbErr> {
    Entity::update(row(user.clone())).exec(txn).await.map(drop)
}

/// Raises the version of every user by `by`, and at least to `least`, including deleted users.
pub async fn raise_versions(txn: &impl ConnectionTrait, by: i64, least: i64) -> Result<(), DbErr> {
    let raised = Func::greatest([Expr::col(Column::Version).add(by), Expr::value(least)]);
    Entity::update_many().col_expr(Column::Version, raised.into()).exec(txn).await.map(drop)
}

/// Returns the number of superusers who may sign in.
pub async fn count_superusers(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    existing().filter(Column::IsSuperuser.eq(true)).filter(Column::IsActive.eq(true)).count(db).await
}

/// Returns the user with this identifier, even if they are deleted but can be restored, locked until the transaction
/// ends.
pub async fn find_unerased_locked(txn: &impl ConnectionTrait, id: UserId) -> Result<Option<Model>, DbErr> {
    unique(Entity::find_by_id(id).filter(Column::ErasedAt.is_null()).lock_exclusive(), txn).await
}

/// Returns the deleted user with this identifier who can be restored, locked until the transaction ends.
pub async fn find_deleted_locked(txn: &impl ConnectionTrait, id: UserId) -> Result<Option<Model>, DbErr> {
    Ok(find_unerased_locked(txn, id).await?.filter(|user| user.deleted_at.is_some()))
}
