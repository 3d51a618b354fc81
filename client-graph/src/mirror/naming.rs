//! The names of the mirror's table and columns, and the statements on them.

use sea_orm::sea_query::{
    Alias, DeleteStatement, Expr, ExprTrait, InsertStatement, IntoColumnRef, LockType, OnConflict, Query,
    SelectStatement,
};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, IdenStatic, Iterable, ModelTrait};
use uuid::Uuid;

use super::entity::{Column, Model};
use super::progress::IdRange;

/// The names of the mirror in the service's database. By default the table is `mirrored_users`, and its columns have
/// the names of auth-graph's fields, such as `email`.
///
/// The table may have additional columns of the service. They need a default or must be nullable, because rows are
/// inserted and updated without them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    pub(super) table: String,
    pub(super) prefix: String,
}

/// The columns that a statement updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Columns {
    All,
    /// The columns that mark a row as deleted.
    Deletion,
}

/// The rows that a statement may overwrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overwrite {
    OlderVersion,
    Always,
}

impl Naming {
    /// Returns the names of a table with this name and no column prefix.
    #[must_use]
    pub fn table(name: impl Into<String>) -> Self {
        Self { table: name.into(), prefix: String::new() }
    }

    /// Sets a prefix for the mirror's columns, such as `auth_`; the key is `auth_id` then. It keeps them apart from the
    /// service's own columns.
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

    fn select(&self) -> SelectStatement {
        let mut select = Query::select();
        select.from(self.table_name());
        for column in Column::iter() {
            select.expr_as(Expr::col(self.column(column)), Alias::new(column.as_str()));
        }
        select
    }

    /// Returns the row of a user who is not deleted.
    pub(super) async fn find(&self, db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, DbErr> {
        let mut select = self.select();
        select.and_where(Expr::col(self.column(Column::Id)).eq(id));
        select.and_where(Expr::col(self.column(Column::DeletedAt)).is_null());
        db.query_one(&select).await?.map(|row| Model::from_query_result(&row, "")).transpose()
    }

    /// Returns the rows of those users who are not deleted.
    pub(super) async fn find_among(
        &self,
        db: &impl ConnectionTrait,
        ids: impl Iterator<Item = Uuid>,
    ) -> Result<Vec<Model>, DbErr> {
        let mut select = self.select();
        select.and_where(Expr::col(self.column(Column::Id)).is_in(ids));
        select.and_where(Expr::col(self.column(Column::DeletedAt)).is_null());
        self.all(db, &select).await
    }

    /// Returns the rows of users, locked until the transaction ends.
    pub(super) async fn find_locked(
        &self,
        txn: &impl ConnectionTrait,
        ids: impl Iterator<Item = Uuid>,
    ) -> Result<Vec<Model>, DbErr> {
        let mut select = self.select();
        select.and_where(Expr::col(self.column(Column::Id)).is_in(ids)).lock(LockType::Update);
        self.all(txn, &select).await
    }

    /// Returns the rows in a range whose users are not among those present and do not exist any more, locked until the
    /// transaction ends.
    pub(super) async fn find_missing(
        &self,
        txn: &impl ConnectionTrait,
        range: &IdRange,
        gone: &[Uuid],
        present: impl Iterator<Item = Uuid>,
    ) -> Result<Vec<Model>, DbErr> {
        let settled = Expr::col(self.column(Column::MirroredAt)).lt(range.settled());
        let gone = Expr::col(self.column(Column::Id)).is_in(gone.iter().copied());
        let mut select = self.select_absent(range, present);
        select.and_where(settled.or(gone)).lock(LockType::Update);
        self.all(txn, &select).await
    }

    /// Returns the rows in a range whose users are not among those present and may be newer than these.
    pub(super) async fn find_unsettled(
        &self,
        db: &impl ConnectionTrait,
        range: &IdRange,
        present: impl Iterator<Item = Uuid>,
    ) -> Result<Vec<Model>, DbErr> {
        let mut select = self.select_absent(range, present);
        select.and_where(Expr::col(self.column(Column::MirroredAt)).gte(range.settled()));
        self.all(db, &select).await
    }

    /// Selects the rows in a range whose users are not among those present.
    fn select_absent(&self, range: &IdRange, present: impl Iterator<Item = Uuid>) -> SelectStatement {
        let id = || Expr::col(self.column(Column::Id));
        let mut select = self.select();
        select
            .and_where_option(range.after.map(|after| id().gt(after)))
            .and_where_option(range.through.map(|through| id().lte(through)))
            .and_where(Expr::col(self.column(Column::DeletedAt)).is_null())
            .and_where(id().is_not_in(present));
        select
    }

    async fn all(&self, txn: &impl ConnectionTrait, select: &SelectStatement) -> Result<Vec<Model>, DbErr> {
        let rows = txn.query_all(select).await?;
        rows.iter().map(|row| Model::from_query_result(row, "")).collect()
    }

    /// Writes rows with one statement, so that one of several parallel writers inserts a row and the others update it.
    /// Returns the ids of the rows that changed.
    pub(super) async fn upsert(
        &self,
        txn: &impl ConnectionTrait,
        rows: &[Model],
        columns: Columns,
        overwrite: Overwrite,
    ) -> Result<Vec<Uuid>, DbErr> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut insert = self.insert(rows)?;
        let updated = Column::iter().filter(|column| match columns {
            Columns::All => !matches!(column, Column::Id),
            Columns::Deletion => column.marks_deletion(),
        });
        let mut on_conflict = OnConflict::column(self.column(Column::Id));
        on_conflict.update_columns(updated.map(|column| self.column(column)));
        if overwrite == Overwrite::OlderVersion {
            let new = Expr::col((Alias::new("excluded"), self.column(Column::Version)));
            on_conflict.action_and_where(new.gt(Expr::col(self.of_table(Column::Version))));
        }
        insert.on_conflict(on_conflict).returning_col(self.column(Column::Id));
        let keys = txn.query_all(&insert).await?;
        keys.iter().map(|key| key.try_get_by_index(0)).collect()
    }

    /// Deletes rows, with the rows that the database deletes with them, and inserts these instead.
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
    fn marks_deletion(self) -> bool {
        matches!(self, Self::IsActive | Self::UpdatedAt | Self::Version | Self::DeletedAt | Self::MirroredAt)
    }
}
