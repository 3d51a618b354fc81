//! Addresses in international domains: two spellings, one account, at every door.

use engine::accounts::Rank;
use engine::transfer::{Batch, Existing, Import, Record, UnusableHash, Writing};
use serde_json::json;

use crate::import::row;
use crate::support::{MailingApp, PASSWORD, operation};

const STORED: &str = "info@xn--bcher-kva.example";
const SPELLINGS: [&str; 4] = [STORED, "info@bücher.example", "Info@BÜCHER.example", "info@bu\u{308}cher.example"];

#[tokio::test]
async fn an_address_in_an_international_domain_is_one_account() {
    let site = MailingApp::with(|config| config.rest.enabled = true).await;
    let (test, caller) = (&site.test, site.test.anonymous());
    caller.register("info@bücher.example").await.data("register");
    let mail = site.mail().await;
    assert_eq!(mail.to, STORED, "every server can deliver it");
    assert_eq!(caller.confirm(mail.token()).await.data("verifyEmail")["email"], STORED);
    let root = test.create("root@test.com", Rank::Superuser).await;
    for email in SPELLINGS {
        let root = test.sign_in(root.clone()).await.caller;
        assert_eq!(caller.login(email, PASSWORD).await.data("login")["user"]["email"], STORED, "{email}");
        let token = caller.post("/auth/token/", json!({ "email": email, "password": PASSWORD })).await;
        assert_eq!(token.status, 200, "{email}");
        let found = root.send(operation!("users"), json!({ "filter": { "email": email } })).await;
        assert_eq!(found.data("users")["totalCount"], 1, "{email}");
        caller.register(email).await.data("register");
        assert_eq!(site.mail().await.subject, "You already have an account", "{email}");
        caller.request_reset(email).await.data("requestPasswordReset");
        assert_eq!(site.mail().await.to, STORED, "{email}");
        let create = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } } }";
        assert_eq!(root.send(create, json!({ "input": { "email": email } })).await.code(), "CONFLICT", "{email}");
        test.app.clock.advance(chrono::Duration::hours(1));
    }
}

#[tokio::test]
async fn an_import_knows_both_spellings_of_an_address() {
    let site = MailingApp::new().await;
    let app = &site.test.app;
    let mut import = Import::open(app, "spellings", Writing::Commit, Existing::Keep).await.unwrap();
    let record = |email: &str| Record { email: email.to_owned(), is_active: true, ..Record::default() };
    let rows = SPELLINGS.iter().rev().map(|email| row(email, record(email)));
    let batch = Batch { rows: rows.collect(), position: "end".to_owned() };
    import.write(app, &batch.prepare(app, UnusableHash::Refuse)).await.unwrap();
    import.settle(app).await.unwrap();
    assert_eq!((import.imported(), import.refused()), (1, 3));
    assert!(store::users::find_by_email(&app.db, &STORED.parse().unwrap()).await.unwrap().is_some());
}
