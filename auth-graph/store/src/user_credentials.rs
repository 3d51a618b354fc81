//! Credentials: what a user signs in with, one row for each.
//!
//! A kind that this version does not know is read like any other: the rules about accounts compare all of them, and a
//! newer version may have added it.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{Condition, DeriveValueType, TryFromU64};

use model::values::UserId;

/// A credential of a user.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_credentials")]
pub struct Model {
    /// The user who signs in with it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// The kind of credential.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: Kind,
    /// The identifier among the credentials of this kind; nil for a kind of which a user has at most one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// A hash, or an encrypted secret.
    pub secret: String,
    /// Time of the last change (UTC). A hash that is renewed at a sign-in is no change.
    pub changed_at: DateTimeUtc,
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
    /// A kind by its name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// A password. The secret is its hash in PHC string format, or in the format of the system that it was imported
    /// from. A user has at most one.
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
    /// SeaORM asks this of every primary key; a kind never comes from a counter.
    fn try_from_u64(_: u64) -> Result<Self, DbErr> {
        Err(DbErr::ConvertFromU64("Kind"))
    }
}

/// The table has no relations that this package follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Returns the password of a user.
    #[must_use]
    pub fn password(user_id: UserId, hash: String, now: DateTimeUtc) -> Self {
        Self { user_id, kind: Kind::password(), id: Uuid::nil(), secret: hash, changed_at: now }
    }

    /// Returns whether both are the same credential, whatever its secret is.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        (self.user_id, &self.kind, self.id) == (other.user_id, &other.kind, other.id)
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

/// Writes the difference between the credentials that a user had and those that they have now. The user's row is
/// locked.
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

/// Returns whether a credential is still what it was when it was compared. A `renewed` secret takes its place.
///
/// Lock the user's row by a statement before this one: a change that committed meanwhile is seen then.
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
