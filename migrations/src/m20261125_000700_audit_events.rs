//! The audit log: who changed what. Rows are added and, when their time is over, deleted; the database itself refuses
//! to change one.
//!
//! There is no foreign key: the record outlives what it is about.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const SQLITE: &str = "CREATE TRIGGER audit_events_stay BEFORE UPDATE ON audit_events
    BEGIN SELECT RAISE(ABORT, 'an audit event is never changed'); END";

const POSTGRES: &str = "CREATE FUNCTION audit_events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'an audit event is never changed'; END $$;
    CREATE TRIGGER audit_events_stay BEFORE UPDATE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_stay()";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(AuditEvents::Table)
                    .col(ColumnDef::new(AuditEvents::Id).uuid().not_null().primary_key())
                    .col(ColumnDef::new(AuditEvents::OccurredAt).timestamp_with_time_zone().not_null())
                    .col(ColumnDef::new(AuditEvents::Action).text().not_null())
                    .col(ColumnDef::new(AuditEvents::ActorKind).text().not_null())
                    .col(ColumnDef::new(AuditEvents::ActorId).uuid())
                    .col(ColumnDef::new(AuditEvents::TargetKind).text().not_null())
                    .col(ColumnDef::new(AuditEvents::TargetId).text().not_null())
                    .col(ColumnDef::new(AuditEvents::Before).json_binary())
                    .col(ColumnDef::new(AuditEvents::After).json_binary())
                    .col(ColumnDef::new(AuditEvents::Reason).text())
                    .col(ColumnDef::new(AuditEvents::RequestId).text())
                    .col(ColumnDef::new(AuditEvents::IpAddress).text())
                    .to_owned(),
            )
            .await?;
        for (name, column) in
            [("audit_events_actor_id", AuditEvents::ActorId), ("audit_events_target_id", AuditEvents::TargetId)]
        {
            let index =
                Index::create().name(name).table(AuditEvents::Table).col(column).col(AuditEvents::Id).to_owned();
            manager.create_index(index).await?;
        }
        manager
            .create_index(
                Index::create()
                    .name("login_events_occurred_at")
                    .table(LoginEvents::Table)
                    .col(LoginEvents::OccurredAt)
                    .to_owned(),
            )
            .await?;
        let trigger = if manager.get_database_backend() == DbBackend::Postgres { POSTGRES } else { SQLITE };
        manager.get_connection().execute_unprepared(trigger).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("login_events_occurred_at").table(LoginEvents::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(AuditEvents::Table).to_owned()).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared("DROP FUNCTION audit_events_stay").await?;
        }
        Ok(())
    }
}

#[derive(DeriveIden)]
enum AuditEvents {
    Table,
    Id,
    OccurredAt,
    Action,
    ActorKind,
    ActorId,
    TargetKind,
    TargetId,
    Before,
    After,
    Reason,
    RequestId,
    IpAddress,
}

#[derive(DeriveIden)]
enum LoginEvents {
    Table,
    OccurredAt,
}
