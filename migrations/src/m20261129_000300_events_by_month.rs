//! On PostgreSQL, the events of sign-ins and of the audit log are partitioned by month, so that old ones are dropped
//! and not deleted row by row. The identifiers begin with the time, and are the key of the partitions.
//!
//! The events until the end of this month stay in one partition. Those for which no month was prepared go to a default
//! partition. Older versions serve beside this and see no difference.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &str = "
    DROP TRIGGER audit_events_stay ON audit_events;
    DO $$
    DECLARE
        next_month timestamptz := (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
        edge uuid := (lpad(to_hex((extract(epoch FROM next_month) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
        events text;
    BEGIN
        FOREACH events IN ARRAY ARRAY['login_events', 'audit_events'] LOOP
            EXECUTE format('ALTER TABLE %I RENAME TO %I', events, events || '_first');
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS, PRIMARY KEY (id)) PARTITION BY RANGE (id)',
                events, events || '_first');
            EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', events || '_other', events);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)',
                events, events || '_first', edge);
        END LOOP;
    END $$;
    ALTER INDEX login_events_user_id RENAME TO login_events_first_user_id;
    ALTER INDEX login_events_occurred_at RENAME TO login_events_first_occurred_at;
    ALTER INDEX audit_events_actor_id RENAME TO audit_events_first_actor_id;
    ALTER INDEX audit_events_target_id RENAME TO audit_events_first_target_id;
    CREATE INDEX login_events_user_id ON login_events (user_id, occurred_at);
    CREATE INDEX login_events_occurred_at ON login_events (occurred_at);
    CREATE INDEX audit_events_actor_id ON audit_events (actor_id, id);
    CREATE INDEX audit_events_target_id ON audit_events (target_id, id);
    CREATE TRIGGER audit_events_stay BEFORE UPDATE ON audit_events
        FOR EACH ROW EXECUTE FUNCTION audit_events_stay();";

const DOWN: &str = "
    DROP TRIGGER audit_events_stay ON audit_events;
    DO $$
    DECLARE
        events text;
    BEGIN
        FOREACH events IN ARRAY ARRAY['login_events', 'audit_events'] LOOP
            EXECUTE format('ALTER TABLE %I RENAME TO %I', events, events || '_by_month');
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS)', events, events || '_by_month');
            EXECUTE format('INSERT INTO %I SELECT * FROM %I', events, events || '_by_month');
            EXECUTE format('DROP TABLE %I', events || '_by_month');
            EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (id)', events);
        END LOOP;
    END $$;
    CREATE INDEX login_events_user_id ON login_events (user_id, occurred_at);
    CREATE INDEX login_events_occurred_at ON login_events (occurred_at);
    CREATE INDEX audit_events_actor_id ON audit_events (actor_id, id);
    CREATE INDEX audit_events_target_id ON audit_events (target_id, id);
    CREATE TRIGGER audit_events_stay BEFORE UPDATE ON audit_events
        FOR EACH ROW EXECUTE FUNCTION audit_events_stay();";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::Postgres => manager.get_connection().execute_unprepared(UP).await.map(drop),
            _ => Ok(()),
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::Postgres => manager.get_connection().execute_unprepared(DOWN).await.map(drop),
            _ => Ok(()),
        }
    }
}
