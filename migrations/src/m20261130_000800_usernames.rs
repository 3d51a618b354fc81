//! Names that users sign in with in addition to the address.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = ColumnDef::new(Users::Username).text().to_owned();
        manager.alter_table(Table::alter().table(Users::Table).add_column(column).to_owned()).await?;
        // Most users have no user name: the index holds those who have one.
        let index = "CREATE UNIQUE INDEX users_username ON users (username) WHERE username IS NOT NULL";
        manager.get_connection().execute_unprepared(index).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP INDEX users_username").await?;
        manager.alter_table(Table::alter().table(Users::Table).drop_column(Users::Username).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Users {
    Table,
    Username,
}
