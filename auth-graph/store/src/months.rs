//! The partitions of events on PostgreSQL, one for each month. Old events are dropped with their month. SQLite has one
//! table for all months.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

use super::locks::{self, Lock};
use model::values::EventId;

/// Tables that are partitioned by month.
const TABLES: [&str; 2] = ["login_events", "audit_events"];
/// Number of months after the current one for which partitions are prepared.
const AHEAD: u32 = 2;

/// Creates the partitions of the next months that are missing. Returns their number.
///
/// # Errors
/// When the database fails, or a table is in use for too long.
pub async fn prepare(db: &DatabaseConnection, now: DateTime<Utc>) -> Result<usize, DbErr> {
    let mut created = 0;
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(created);
    }
    for table in TABLES {
        let partitions = partitions(db, table).await?;
        // Events of this month may be in the partition that holds all earlier ones.
        for month in (1..=AHEAD).map(|ahead| month(now, ahead)) {
            let name = format!("{table}_{}", month.format("%Y_%m"));
            if !partitions.contains(&name) {
                created += usize::from(create(db, table, &name, month).await?);
            }
        }
    }
    Ok(created)
}

/// Creates a partition for one month, unless another replica was faster. Returns whether it did. Attaching the
/// partition waits for no log-in and holds none up, unlike creating it as a partition.
async fn create(db: &DatabaseConnection, table: &str, name: &str, month: DateTime<Utc>) -> Result<bool, DbErr> {
    let (from, to) = (EventId::lowest(month), EventId::lowest(self::month(month, 1)));
    database::transaction(db, async |txn| {
        locks::lock(txn, Lock::Months).await?;
        if partitions(txn, table).await?.iter().any(|partition| partition == name) {
            return Ok(false);
        }
        txn.execute_unprepared(&format!("CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS)")).await?;
        let attach = format!("ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{from}') TO ('{to}')");
        txn.execute_unprepared(&attach).await?;
        Ok(true)
    })
    .await
}

/// Drops the partitions of a table whose last event is older than a time. Returns their number.
///
/// # Errors
/// When the database fails, or the table is in use for too long.
pub(crate) async fn drop_before(db: &impl ConnectionTrait, table: &str, before: DateTime<Utc>) -> Result<usize, DbErr> {
    let mut dropped = 0;
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(dropped);
    }
    for name in partitions(db, table).await? {
        let Some(first) = name.strip_prefix(table).and_then(first_day) else { continue };
        if month(first, 1) <= before {
            // Log-ins wait behind this, so that it does not wait long for others. Another replica may be faster.
            db.execute_unprepared(&format!("SET LOCAL lock_timeout = '1s'; DROP TABLE IF EXISTS {name}")).await?;
            dropped += 1;
        }
    }
    Ok(dropped)
}

/// Returns the names of the partitions of a table.
async fn partitions(db: &impl ConnectionTrait, table: &str) -> Result<Vec<String>, DbErr> {
    let list = "SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = to_regclass($1)";
    let rows = db.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, list, [table.into()])).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Returns the first moment of the month that is some months after a time.
fn month(time: DateTime<Utc>, after: u32) -> DateTime<Utc> {
    let first = time.date_naive().with_day(1).unwrap_or(NaiveDate::MIN);
    let first = first.checked_add_months(Months::new(after)).unwrap_or(NaiveDate::MAX);
    first.and_time(NaiveTime::MIN).and_utc()
}

/// Returns the first moment of the month that the end of a name tells, such as `_2027_01`.
fn first_day(end: &str) -> Option<DateTime<Utc>> {
    let day = NaiveDate::parse_from_str(&format!("{end}_01"), "_%Y_%m_%d").ok()?;
    Some(day.and_time(NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other_over_the_end_of_a_year() {
        let time: DateTime<Utc> = "2026-11-30T23:59:59Z".parse().unwrap();
        let months: Vec<String> = (0..3).map(|after| month(time, after).to_rfc3339()).collect();
        assert_eq!(months, ["2026-11-01T00:00:00+00:00", "2026-12-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"]);
    }

    #[test]
    fn a_partition_tells_its_month_by_its_name() {
        assert_eq!(first_day("_2027_01").map(|day| day.to_rfc3339()).as_deref(), Some("2027-01-01T00:00:00+00:00"));
        assert_eq!([first_day("_first"), first_day("_other"), first_day("_2027_13")], [None; 3]);
    }
}
