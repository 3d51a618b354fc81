//! A schema for each test on PostgreSQL. The schemas are not dropped, because the server is temporary.

use sea_orm::{ConnectionTrait, Database};
use url::Url;
use uuid::Uuid;

/// Returns the URL of an empty schema, or `None` for SQLite.
pub async fn fresh() -> Option<String> {
    let server = std::env::var("TEST_DATABASE_URL").ok()?;
    let schema = format!("test_{}", Uuid::new_v4().simple());
    let db = Database::connect(&server).await.unwrap();
    db.execute_unprepared(&format!("CREATE SCHEMA {schema}")).await.unwrap();
    db.close().await.unwrap();
    let mut url = Url::parse(&server).unwrap();
    url.query_pairs_mut().append_pair("options", &format!("-c search_path={schema}"));
    // Only forms encode a space as a plus sign.
    Some(url.to_string().replace('+', "%20"))
}
