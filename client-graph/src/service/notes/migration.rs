//! Creates the table `notes`, which refers to the table of the mirror.

use sea_orm_migration::prelude::*;

pub(in crate::service) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "client_service_0001_notes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let author = ForeignKey::create()
            .name("notes_author")
            .from(Notes::Table, Notes::AuthorId)
            .to(Alias::new("mirrored_users"), Alias::new("id"))
            .to_owned();
        let table = Table::create()
            .table(Notes::Table)
            .col(ColumnDef::new(Notes::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(Notes::AuthorId).uuid().not_null())
            .col(ColumnDef::new(Notes::Text).text().not_null())
            .col(ColumnDef::new(Notes::CreatedAt).timestamp_with_time_zone().not_null())
            .foreign_key(&mut author.clone())
            .to_owned();
        manager.create_table(table).await?;
        let by_author =
            Index::create().name("notes_author_id").table(Notes::Table).col(Notes::AuthorId).col(Notes::Id).to_owned();
        manager.create_index(by_author).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Notes::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Notes {
    Table,
    Id,
    AuthorId,
    Text,
    CreatedAt,
}
