//! A schema of its own for each test, where the tests run on PostgreSQL. The server is a throw-away one: nobody drops
//! the schemas.

use sea_orm::{ConnectionTrait, Database};
use url::Url;
use uuid::Uuid;

/// The URL of an empty schema; none: use SQLite.
pub async fn fresh() -> Option<String> {
    let server = std::env::var("TEST_DATABASE_URL").ok()?;
    let schema = format!("test_{}", Uuid::new_v4().simple());
    let db = Database::connect(&server).await.unwrap();
    db.execute_unprepared(&format!("CREATE SCHEMA {schema}")).await.unwrap();
    db.close().await.unwrap();
    let mut url = Url::parse(&server).unwrap();
    url.query_pairs_mut().append_pair("options", &format!("-c search_path={schema}"));
    // A space is written as a plus sign by forms only.
    Some(url.to_string().replace('+', "%20"))
}
