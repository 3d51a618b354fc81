//! The credentials that users sign in with, one row for each.
//!
//! A kind that this version does not know is read like any other, because a newer version may have added it. The rules
//! about accounts compare all credentials.

use aws_lc_rs::digest::{SHA256, digest};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{CaseStatement, Expr};
use sea_orm::{Condition, DeriveValueType, QuerySelect, TryFromU64};

use model::values::UserId;

/// A credential of a user.
#[derive(Clone, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_credentials")]
pub struct Model {
    /// User who signs in with the credential.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// Kind of the credential.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: Kind,
    /// Identifier among the credentials of this kind; nil for a kind of which a user has at most one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// A hash, or an encrypted secret.
    pub secret: String,
    /// Time of the last change (UTC). Renewing a hash at a sign-in is not a change.
    pub changed_at: DateTimeUtc,
    /// Place of a password in the order from which decoys are drawn: see [`place_of`]. `None` for other kinds, and for
    /// rows of older versions until they get theirs.
    pub place: Option<i64>,
}

impl PartialEq for Model {
    /// The place says nothing about the credential.
    fn eq(&self, other: &Self) -> bool {
        self.is(other) && (&self.secret, self.changed_at) == (&other.secret, other.changed_at)
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { user_id, kind, id, .. } = self;
        let mut credential = formatter.debug_struct("Credential");
        credential.field("user_id", user_id).field("kind", kind).field("id", id).finish_non_exhaustive()
    }
}

/// A kind of credential.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct Kind(String);

impl Kind {
    /// Builds a kind from its name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Returns the kind of passwords. The secret is the hash in PHC string format, or in the format of the system that
    /// it was imported from. A user has at most one password.
    #[must_use]
    pub fn password() -> Self {
        Self::new("password")
    }

    /// Returns the name, as it is stored and recorded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFromU64 for Kind {
    /// SeaORM requires this function for every primary key. A kind is never a number.
    fn try_from_u64(_: u64) -> Result<Self, DbErr> {
        Err(DbErr::ConvertFromU64("Kind"))
    }
}

/// The table has no relations that this package follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Builds the password credential of a user.
    #[must_use]
    pub fn password(user_id: UserId, hash: String, now: DateTimeUtc) -> Self {
        let place = Some(place_of(user_id.0.as_bytes()));
        Self { user_id, kind: Kind::password(), id: Uuid::nil(), secret: hash, changed_at: now, place }
    }

    /// Returns whether both are the same credential, even if the secrets differ.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        (self.user_id, &self.kind, self.id) == (other.user_id, &other.kind, other.id)
    }
}

/// Returns the place of a user, or of an address that has no account, in the order from which decoys are drawn. It is
/// a hash, so that the places of all users are spread evenly, whatever their identifiers are.
#[must_use]
pub fn place_of(name: &[u8]) -> i64 {
    let digest = digest(&SHA256, name);
    digest.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | i64::from(*byte))
}

/// Gives a place to passwords of older versions that have none. Returns their number.
pub async fn place_missing(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    const BATCH: u64 = 500;
    let mut total = 0;
    loop {
        let missing = Entity::find().select_only().column(Column::UserId).filter(Column::Place.is_null());
        let missing = missing.filter(Column::Kind.eq(Kind::password())).limit(BATCH);
        let users: Vec<UserId> = missing.into_tuple().all(db).await?;
        if users.is_empty() {
            return Ok(total);
        }
        let places = users.iter().fold(CaseStatement::new(), |places, user| {
            places.case(Column::UserId.eq(*user), place_of(user.0.as_bytes()))
        });
        let placed = Entity::update_many()
            .col_expr(Column::Place, places.into())
            .filter(Column::UserId.is_in(users))
            .filter(Column::Kind.eq(Kind::password()))
            .exec(db)
            .await?;
        total += placed.rows_affected;
    }
}

/// Returns every credential of a user.
pub async fn of_user(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::UserId.eq(user)).all(db).await
}

/// Returns the passwords of many users, in no order.
pub async fn passwords_of(db: &impl ConnectionTrait, users: &[UserId]) -> Result<Vec<Model>, DbErr> {
    let query = Entity::find().filter(Column::UserId.is_in(users.iter().copied()));
    query.filter(Column::Kind.eq(Kind::password())).all(db).await
}

/// Inserts the credentials of many users.
pub async fn insert_many(txn: &impl ConnectionTrait, rows: Vec<Model>) -> Result<(), DbErr> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows.into_iter().map(|row| ActiveModel::from(row).reset_all());
    Entity::insert_many(rows).exec_without_returning(txn).await.map(drop)
}

/// Writes the differences between the previous and the current credentials of a user, whose row is locked.
pub async fn replace(txn: &impl ConnectionTrait, before: &[Model], after: &[Model]) -> Result<(), DbErr> {
    for gone in before.iter().filter(|one| !after.iter().any(|other| other.is(one))) {
        Entity::delete_by_id((gone.user_id, gone.kind.clone(), gone.id)).exec(txn).await?;
    }
    for changed in after.iter().filter(|one| before.iter().any(|other| other.is(one) && other != *one)) {
        Entity::update(ActiveModel::from(changed.clone()).reset_all()).exec(txn).await?;
    }
    let new = after.iter().filter(|one| !before.iter().any(|other| other.is(one))).cloned();
    insert_many(txn, new.collect()).await
}

/// Returns whether a credential has not changed since it was compared. A `renewed` secret replaces its secret.
///
/// The caller locks the row of the user with an earlier statement, so that a change that was committed meanwhile is
/// visible.
pub async fn confirm(txn: &impl ConnectionTrait, compared: &Model, renewed: Option<&str>) -> Result<bool, DbErr> {
    let same = Condition::all()
        .add(Column::UserId.eq(compared.user_id))
        .add(Column::Kind.eq(compared.kind.clone()))
        .add(Column::Id.eq(compared.id))
        .add(Column::Secret.eq(&compared.secret));
    let Some(renewed) = renewed else {
        return Ok(!Entity::find().filter(same).all(txn).await?.is_empty());
    };
    let updated = Entity::update_many().col_expr(Column::Secret, Expr::value(renewed)).filter(same).exec(txn).await?;
    Ok(updated.rows_affected == 1)
}
