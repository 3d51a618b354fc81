//! Importing in batches: one batch is committed while the next one is written.

use engine::app::App;
use engine::transfer::{Batch, Existing, Import, PreparedBatch, Record, UnusableHash, Writing};
use sea_orm::EntityTrait;
use store::{changes, outbox, users};

use crate::import::{codes, row};
use crate::support::TestApp;

fn batch(app: &App, names: &[&str]) -> PreparedBatch {
    let record = |name: &&str| Record { email: format!("{name}@test.com"), is_active: true, ..Record::default() };
    let rows = names.iter().map(|name| row(name, record(name)));
    let batch = Batch { rows: rows.collect(), position: names.concat() };
    batch.prepare(app, UnusableHash::Refuse)
}

fn refused(import: &mut Import) -> Vec<String> {
    codes(&import.take_rejected())
}

#[tokio::test]
async fn batches_overlap_and_each_user_is_created_once() {
    let test = TestApp::new().await;
    let app = &test.app;
    let mut import = Import::open(app, "batches", Writing::Commit, Existing::Keep).await.unwrap();
    // The commit of a batch may run while the next one is written.
    for names in [&["ann", "ben"][..], &["cat", "ann", "dan"], &["eve"]] {
        import.write(app, &batch(app, names)).await.unwrap();
    }
    import.settle(app).await.unwrap();
    assert_eq!(refused(&mut import), ["ann EMAIL_TAKEN"]);
    assert_eq!((import.imported(), import.refused()), (5, 1));
    assert_eq!(Import::open(app, "batches", Writing::Commit, Existing::Keep).await.unwrap().position(), "eve");

    let changes = outbox::after(&app.db, 0, 100).await.unwrap();
    let mut emails = Vec::new();
    for (change, position) in changes.iter().zip(1..) {
        assert_eq!(change.position, position);
        if change.kind == changes::Kind::UserCreated {
            let user = users::find(&app.db, change.changed_user().unwrap()).await.unwrap().unwrap();
            emails.push(user.email.as_str().to_owned());
        }
    }
    assert_eq!(emails, ["ann", "ben", "cat", "dan", "eve"].map(|name| format!("{name}@test.com")));
}

/// A rejection is not reported when the commit of its batch fails.
#[tokio::test]
async fn rejections_are_reported_when_their_batch_is_committed() {
    let test = TestApp::new().await;
    let app = &test.app;
    let mut import = Import::open(app, "reported", Writing::Commit, Existing::Keep).await.unwrap();
    import.write(app, &batch(app, &["ann", "no address"])).await.unwrap();
    assert!(refused(&mut import).is_empty());
    import.settle(app).await.unwrap();
    assert_eq!(refused(&mut import), ["no address INVALID_EMAIL"]);
    assert!(refused(&mut import).is_empty(), "it is reported once");
}

#[tokio::test]
async fn a_dry_run_writes_no_user() {
    let test = TestApp::new().await;
    let app = &test.app;
    let mut import = Import::open(app, "dry", Writing::DryRun, Existing::Keep).await.unwrap();
    import.write(app, &batch(app, &["ann"])).await.unwrap();
    import.settle(app).await.unwrap();
    assert!(import.take_rejected().is_empty());
    assert!(users::Entity::find().all(&app.db).await.unwrap().is_empty());
    assert_eq!(Import::open(app, "dry", Writing::Commit, Existing::Keep).await.unwrap().position(), "");
}
