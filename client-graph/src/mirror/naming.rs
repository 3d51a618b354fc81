//! How the mirror's table and its columns are called, and the statements on them.

use sea_orm::sea_query::{
    Alias, DeleteStatement, Expr, ExprTrait, InsertStatement, IntoColumnRef, LockType, OnConflict, Query,
    SelectStatement,
};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, IdenStatic, Iterable, ModelTrait};
use uuid::Uuid;

use super::entity::{Column, Model};
use super::place::Stretch;

/// The names in the service's own database. By default the table is `mirrored_users`, and a column is called as it is
/// in auth-graph: `email`.
///
/// The table may have columns of the service's own beside, which need a default or must be nullable: rows are made and
/// changed without them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    pub(super) table: String,
    pub(super) prefix: String,
}

/// Which of the columns a deletion writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// All.
    Everything,
    /// That the user is gone, and since when.
    TheDeletion,
}

/// Whether a row is written over one that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// Over an older one.
    Older,
    /// Over any.
    Any,
}

impl Naming {
    /// A table of this name.
    #[must_use]
    pub fn table(name: impl Into<String>) -> Self {
        Self { table: name.into(), prefix: String::new() }
    }

    /// Lets the mirror's columns begin with this, such as `auth_`, the key `auth_id` too: so that they can not be
    /// mistaken for the service's own.
    #[must_use]
    pub fn column_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    pub(super) fn table_name(&self) -> Alias {
        Alias::new(&self.table)
    }

    pub(super) fn column(&self, column: Column) -> Alias {
        Alias::new(format!("{}{}", self.prefix, column.as_str()))
    }

    fn of_table(&self, column: Column) -> impl IntoColumnRef + use<> {
        (self.table_name(), self.column(column))
    }

    /// All rows; to be narrowed.
    fn select(&self) -> SelectStatement {
        let mut select = Query::select();
        select.from(self.table_name());
        for column in Column::iter() {
            select.expr_as(Expr::col(self.column(column)), Alias::new(column.as_str()));
        }
        select
    }

    /// The row of a user who is not deleted.
    pub(super) async fn find(&self, db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, DbErr> {
        let mut select = self.select();
        select.and_where(Expr::col(self.column(Column::Id)).eq(id));
        select.and_where(Expr::col(self.column(Column::DeletedAt)).is_null());
        db.query_one(&select).await?.map(|row| Model::from_query_result(&row, "")).transpose()
    }

    /// The rows of users, which nobody else changes until the transaction ends.
    pub(super) async fn find_locked(
        &self,
        txn: &impl ConnectionTrait,
        ids: impl Iterator<Item = Uuid>,
    ) -> Result<Vec<Model>, DbErr> {
        let mut select = self.select();
        select.and_where(Expr::col(self.column(Column::Id)).is_in(ids)).lock(LockType::Update);
        self.all(txn, &select).await
    }

    /// The rows in a stretch whose users are not among those that there are, locked as well.
    pub(super) async fn find_missing(
        &self,
        txn: &impl ConnectionTrait,
        stretch: &Stretch,
        there: impl Iterator<Item = Uuid>,
    ) -> Result<Vec<Model>, DbErr> {
        let id = || Expr::col(self.column(Column::Id));
        let mut select = self.select();
        select
            .and_where_option(stretch.after.map(|after| id().gt(after)))
            .and_where_option(stretch.through.map(|through| id().lte(through)))
            .and_where(Expr::col(self.column(Column::DeletedAt)).is_null())
            .and_where(Expr::col(self.column(Column::MirroredAt)).lt(stretch.settled()))
            .and_where(id().is_not_in(there))
            .lock(LockType::Update);
        self.all(txn, &select).await
    }

    async fn all(&self, txn: &impl ConnectionTrait, select: &SelectStatement) -> Result<Vec<Model>, DbErr> {
        let rows = txn.query_all(select).await?;
        rows.iter().map(|row| Model::from_query_result(row, "")).collect()
    }

    /// Writes rows by one statement, so that of parallel writers one makes a row and the others find it. Tells which it
    /// wrote.
    pub(super) async fn upsert(
        &self,
        txn: &impl ConnectionTrait,
        rows: &[Model],
        written: Written,
        over: Over,
    ) -> Result<Vec<Uuid>, DbErr> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut insert = self.insert(rows)?;
        let columns = Column::iter().filter(|column| match written {
            Written::Everything => !matches!(column, Column::Id),
            Written::TheDeletion => column.is_of_deletion(),
        });
        let mut on_conflict = OnConflict::column(self.column(Column::Id));
        on_conflict.update_columns(columns.map(|column| self.column(column)));
        if over == Over::Older {
            let new = Expr::col((Alias::new("excluded"), self.column(Column::Version)));
            on_conflict.action_and_where(new.gt(Expr::col(self.of_table(Column::Version))));
        }
        insert.on_conflict(on_conflict).returning_col(self.column(Column::Id));
        let keys = txn.query_all(&insert).await?;
        keys.iter().map(|key| key.try_get_by_index(0)).collect()
    }

    /// Deletes rows, with whatever the database deletes with them, and puts these in their places.
    pub(super) async fn replace(&self, txn: &impl ConnectionTrait, rows: &[Model]) -> Result<(), DbErr> {
        let mut delete = DeleteStatement::new();
        let ids = rows.iter().map(|row| row.id);
        delete.from_table(self.table_name()).and_where(Expr::col(self.column(Column::Id)).is_in(ids));
        txn.execute(&delete).await?;
        txn.execute(&self.insert(rows)?).await.map(drop)
    }

    fn insert(&self, rows: &[Model]) -> Result<InsertStatement, DbErr> {
        let mut insert = Query::insert();
        insert.into_table(self.table_name()).columns(Column::iter().map(|column| self.column(column)));
        for row in rows {
            let values = Column::iter().map(|column| Expr::val(row.get(column)));
            insert.values(values).map_err(|error| DbErr::Query(sea_orm::RuntimeErr::Internal(error.to_string())))?;
        }
        Ok(insert)
    }
}

impl Default for Naming {
    fn default() -> Self {
        Self::table("mirrored_users")
    }
}

impl Column {
    fn is_of_deletion(self) -> bool {
        matches!(self, Self::IsActive | Self::UpdatedAt | Self::Version | Self::DeletedAt | Self::MirroredAt)
    }
}
