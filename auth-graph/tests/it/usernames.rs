//! Signing in with a user name, where the operator accepts user names.

use engine::accounts::Rank;
use engine::transfer::{self, Batch, Existing, Hashes, Import, Label, Record, Refused, Row, UnusableHash, Writing};
use serde_json::{Value, json};

use crate::support::{Answer, Caller, MailingApp, PASSWORD, SignedIn, TestApp, operation};

const CREATE: &str = "mutation ($input: CreateUserInput!) { createUser(input: $input) { user { id email username } } }";
const UPDATE: &str = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { email username } } }";
/// "an old password", as Django hashes it.
const HASH: &str = "pbkdf2_sha256$1000$salt$BlRkV6h6lCP3Rex7ZTSfnuzMiq2RYLj+GnCssi6qJRE=";

async fn started() -> (TestApp, SignedIn) {
    let test = TestApp::with(|config| {
        config.accounts.usernames = true;
        config.rest.enabled = true;
        config.rest.user_fields.insert("username".to_owned().try_into().unwrap(), "username".parse().unwrap());
        config.limits.account_attempts = 3;
    })
    .await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    (test, root)
}

async fn login(caller: &Caller, input: Value) -> Answer {
    caller.send(operation!("login"), json!({ "input": input })).await
}

fn by_name(name: &str) -> Value {
    json!({ "username": name, "password": PASSWORD })
}

async fn create(root: &SignedIn, input: Value) -> Value {
    root.caller.send(CREATE, json!({ "input": input })).await.data("createUser")["user"].clone()
}

#[tokio::test]
async fn a_user_signs_in_with_the_address_or_the_name() {
    let (test, root) = started().await;
    create(&root, json!({ "email": "ada@test.com", "username": "Ada", "password": PASSWORD })).await;
    let caller = test.anonymous();
    for input in [by_name("Ada"), by_name(" Ada "), json!({ "email": "ADA@test.com", "password": PASSWORD })] {
        assert_eq!(login(&caller, input).await.data("login")["user"]["email"], "ada@test.com");
    }
    let rest = caller.post("/auth/token/", by_name("Ada")).await;
    assert_eq!(rest.status, 200, "{}", rest.text);
    let account = test.bearer(rest.body["access"].as_str().unwrap()).get("/auth/user/").await;
    assert_eq!(account.body["username"], "Ada");
    let change = json!({ "username": "Ada", "password": PASSWORD, "new_password": "another long password" });
    assert_eq!(caller.post("/auth/password-change/", change).await.status, 200);
    caller.login("ada@test.com", "another long password").await.data("login");
}

/// Django compares user names exactly.
#[tokio::test]
async fn a_name_in_another_case_an_unknown_one_and_a_wrong_password_get_one_answer() {
    let (test, root) = started().await;
    create(&root, json!({ "email": "ada@test.com", "username": "Ada", "password": PASSWORD })).await;
    let caller = test.anonymous();
    let wrong = json!({ "username": "Ada", "password": "wrong" });
    let by_address_of_nobody = json!({ "email": "x@nobody.invalid", "password": PASSWORD });
    for input in [by_name("ada"), by_name("eve"), wrong] {
        assert_eq!(login(&caller, input).await.code(), "INVALID_CREDENTIALS");
    }
    for input in [
        by_address_of_nobody,
        by_name(""),
        by_name("a b"),
        json!({ "password": PASSWORD }),
        json!({ "email": "ada@test.com", "username": "Ada", "password": PASSWORD }),
    ] {
        assert_eq!(login(&caller, input.clone()).await.code(), "VALIDATION_FAILED", "{input}");
    }
    for body in [by_name("ada"), by_name("a b")] {
        assert_eq!(caller.post("/auth/token/", body).await.status, 401);
    }
}

#[tokio::test]
async fn attempts_by_name_and_by_address_count_for_one_account() {
    let (test, root) = started().await;
    create(&root, json!({ "email": "ada@test.com", "username": "Ada", "password": PASSWORD })).await;
    let caller = test.anonymous();
    for input in [
        json!({ "username": "Ada", "password": "wrong" }),
        json!({ "email": "ada@test.com", "password": "wrong" }),
        json!({ "username": "Ada", "password": "wrong" }),
    ] {
        assert_eq!(login(&caller, input).await.code(), "INVALID_CREDENTIALS");
    }
    for input in [by_name("Ada"), json!({ "email": "ada@test.com", "password": PASSWORD })] {
        assert_eq!(login(&caller, input).await.code(), "RATE_LIMITED");
    }
    for _ in 0..3 {
        assert_eq!(login(&caller, by_name("nobody")).await.code(), "INVALID_CREDENTIALS");
    }
    assert_eq!(login(&caller, by_name("nobody")).await.code(), "RATE_LIMITED", "unknown names are limited alike");
}

#[tokio::test]
async fn a_user_without_an_address_has_an_empty_one_everywhere() {
    let (test, root) = started().await;
    let made = create(&root, json!({ "username": "jdoe", "password": PASSWORD })).await;
    assert_eq!((&made["email"], &made["username"]), (&json!(""), &json!("jdoe")));
    create(&root, json!({ "username": "another", "password": PASSWORD })).await;
    let pair = login(&test.anonymous(), by_name("jdoe")).await;
    let caller = test.bearer(pair.data("login")["accessToken"].as_str().unwrap());
    let me = caller.send("{ me { email emailVerified username } }", json!({})).await;
    assert_eq!(me.data("me"), &json!({ "email": "", "emailVerified": false, "username": "jdoe" }));
    assert_eq!(caller.get("/auth/user/").await.body["email"], "");
    let snapshots = test.feed_reader().await.send(operation!("user_snapshots"), json!({})).await;
    let facts = root.caller.send(operation!("audit_events"), json!({})).await;
    for text in [&snapshots.text, &facts.text, &pair.text] {
        assert!(!text.contains(".invalid"), "{text}");
    }
    let placeholder = format!("{}@no-address.invalid", made["id"].as_str().unwrap());
    let by_address = json!({ "email": placeholder, "password": PASSWORD });
    assert_eq!(login(&test.anonymous(), by_address).await.code(), "VALIDATION_FAILED");

    let removed = json!({ "input": { "id": made["id"], "username": "" } });
    assert_eq!(root.caller.send(UPDATE, removed.clone()).await.code(), "VALIDATION_FAILED");
    let address = json!({ "input": { "id": made["id"], "email": "jdoe@test.com" } });
    root.caller.send(UPDATE, address).await.data("updateUser");
    assert_eq!(root.caller.send(UPDATE, removed).await.data("updateUser")["user"]["username"], Value::Null);
    let neither = root.caller.send(CREATE, json!({ "input": { "password": PASSWORD } })).await;
    assert_eq!(neither.code(), "VALIDATION_FAILED");
}

#[tokio::test]
async fn a_user_without_an_address_gets_no_mail_and_can_add_an_address() {
    let site = MailingApp::with(|config| config.accounts.usernames = true).await;
    let root = site.test.signed_in("root@test.com", Rank::Superuser).await;
    let made = create(&root, json!({ "username": "jdoe", "password": PASSWORD })).await;
    let pair = login(&site.test.anonymous(), by_name("jdoe")).await;
    let caller = site.test.bearer(pair.data("login")["accessToken"].as_str().unwrap());
    caller.send(operation!("request_email_verification"), json!({})).await;
    let id = made["id"].clone();
    let set = "mutation ($input: SetUserPasswordInput!) { setUserPassword(input: $input) { user { id } } }";
    let password = json!({ "input": { "id": id, "password": "another long password" } });
    root.caller.send(set, password).await.data("setUserPassword");
    assert!(site.mails().await.is_empty());

    let again = json!({ "username": "jdoe", "password": "another long password" });
    let pair = login(&site.test.anonymous(), again).await;
    let caller = site.test.bearer(pair.data("login")["accessToken"].as_str().unwrap());
    let change = json!({ "input": { "email": "jdoe@test.com" } });
    caller.send(operation!("change_email"), change).await.data("changeEmail");
    let mails = site.mails().await;
    assert_eq!(mails.len(), 1, "only the new address gets a mail");
    let confirmed = site.test.anonymous().confirm_with(mails[0].token(), Some("another long password")).await;
    confirmed.data("verifyEmail");
    let me = caller.send("{ me { email emailVerified } }", json!({})).await;
    assert_eq!(me.data("me"), &json!({ "email": "jdoe@test.com", "emailVerified": true }));
}

#[tokio::test]
async fn a_name_belongs_to_one_user_and_is_free_after_a_permanent_deletion() {
    let (_test, root) = started().await;
    let ada = create(&root, json!({ "username": "Ada", "password": PASSWORD })).await;
    let again = json!({ "input": { "username": "Ada", "email": "eve@test.com" } });
    let taken = root.caller.send(CREATE, again.clone()).await;
    assert_eq!((taken.code(), &taken.error()["message"]), ("CONFLICT", &json!("This user name is taken.")));
    create(&root, json!({ "username": "ada" })).await;
    let delete = "mutation ($id: ID!, $forGood: Boolean) { deleteUser(id: $id, forGood: $forGood) { user { id } } }";
    root.caller.send(delete, json!({ "id": ada["id"] })).await.data("deleteUser");
    assert_eq!(root.caller.send(CREATE, again.clone()).await.code(), "CONFLICT", "a deleted user can be restored");
    root.caller.send(delete, json!({ "id": ada["id"], "forGood": true })).await.data("deleteUser");
    root.caller.send(CREATE, again).await.data("createUser");
}

#[tokio::test]
async fn names_are_refused_unless_the_operator_accepts_them() {
    let test = TestApp::with(|config| config.rest.enabled = true).await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    assert_eq!(login(&test.anonymous(), by_name("root")).await.code(), "VALIDATION_FAILED");
    let rest = test.anonymous().post("/auth/token/", by_name("root")).await;
    assert_eq!((rest.status.as_u16(), &rest.body["email"]), (400, &json!(["This field is required."])));
    for (query, input) in [
        (CREATE, json!({ "email": "ada@test.com", "username": "Ada" })),
        (UPDATE, json!({ "id": root.user.id, "username": "Ada" })),
    ] {
        let refused = root.caller.send(query, json!({ "input": input })).await;
        assert_eq!(refused.code(), "VALIDATION_FAILED");
        assert!(refused.text.contains("not accepted"), "{}", refused.text);
    }
}

#[tokio::test]
async fn a_password_must_not_be_like_the_user_name() {
    let (test, root) = started().await;
    let made = create(&root, json!({ "username": "graceHopper", "password": PASSWORD })).await;
    let set = "mutation ($input: SetUserPasswordInput!) { setUserPassword(input: $input) { user { id } } }";
    let refused = root.caller.send(set, json!({ "input": { "id": made["id"], "password": "gracehopper1" } })).await;
    assert!(refused.code() == "VALIDATION_FAILED" && refused.text.contains("too much like"), "{}", refused.text);
    let update = json!({ "input": { "id": made["id"], "email": "amazing@test.com" } });
    root.caller.send(UPDATE, update).await.data("updateUser");
    // The caller names the account by one of its identifiers; the other one counts too.
    for by in [json!({ "username": "graceHopper" }), json!({ "email": "amazing@test.com" })] {
        for new in ["Gracehopper-77", "amazing@test.c"] {
            let mut body = by.clone();
            (body["password"], body["new_password"]) = (json!(PASSWORD), json!(new));
            let answer = test.anonymous().post("/auth/password-change/", body).await;
            let reason = answer.body["new_password"][0].as_str().unwrap_or_default();
            assert!(answer.status == 400 && reason.contains("too much like"), "{by} {new}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn users_are_found_by_name() {
    let (_test, root) = started().await;
    create(&root, json!({ "username": "jdoe" })).await;
    let find = "query ($filter: UserFilter) { users(filter: $filter, first: 10) { totalCount nodes { username } } }";
    for (name, count) in [("jdoe", 1), ("JDOE", 0)] {
        let found = root.caller.send(find, json!({ "filter": { "username": name } })).await;
        assert_eq!(found.data("users")["totalCount"], count, "{name}");
    }
}

/// Imports users, and returns the codes of the refused rows and the number of users who exist already.
async fn import(test: &TestApp, source: &str, records: Vec<Record>) -> (Vec<Refused>, u64) {
    let rows = records.into_iter().map(|record| Row { label: Label::default(), record: Ok(record) }).collect();
    let mut import = Import::open(&test.app, source, Writing::Commit, Existing::Keep).await.unwrap();
    let batch = Batch { rows, position: "1".to_owned() }.prepare(&test.app, UnusableHash::Refuse);
    import.write(&test.app, &batch).await.unwrap();
    import.settle(&test.app).await.unwrap();
    (import.take_rejected().into_iter().map(|row| row.refusal.code).collect(), import.here_already())
}

fn record(number: i64, email: &str, username: &str) -> Record {
    let (email, username) = (email.to_owned(), Some(username.to_owned()));
    Record {
        number: Some(number),
        email,
        username,
        password_hash: Some(HASH.to_owned()),
        is_active: true,
        ..Record::default()
    }
}

#[tokio::test]
async fn users_of_django_keep_their_names_and_need_no_address() {
    let (test, _) = started().await;
    let records = || vec![record(1, "", "jdoe"), record(2, "ada@test.com", "Ada"), record(3, "", "eve@test.com")];
    assert_eq!(import(&test, "first", records()).await, (vec![], 0));
    assert_eq!(import(&test, "again", records()).await, (vec![], 3));
    let (taken, _) = import(&test, "others", vec![record(4, "", "jdoe"), record(5, "x@test.com", "Ada")]).await;
    assert_eq!(taken, [Refused::UsernameTaken; 2]);
    let (bad, _) = import(&test, "bad", vec![record(6, "", "a b"), record(7, "", "")]).await;
    assert_eq!(bad, [Refused::InvalidValue, Refused::InvalidEmail]);
    for (name, email) in [("jdoe", ""), ("Ada", "ada@test.com"), ("eve@test.com", "eve@test.com")] {
        let pair = login(&test.anonymous(), json!({ "username": name, "password": "an old password" })).await;
        assert_eq!(pair.data("login")["user"]["email"], email, "{name}");
    }
    let exported = transfer::export(&test.app, None, Hashes::Omit).await.unwrap();
    let names: Vec<_> =
        exported.iter().map(|(_, record)| (record.email.as_str(), record.username.as_deref())).collect();
    assert!(names.contains(&("", Some("jdoe"))), "{names:?}");
}

#[tokio::test]
async fn an_import_keeps_names_as_metadata_where_they_are_not_accepted() {
    let test = TestApp::new().await;
    let (refused, _) = import(&test, "first", vec![record(1, "ada@test.com", "Ada"), record(2, "", "jdoe")]).await;
    assert_eq!(refused, [Refused::InvalidEmail]);
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let users = root.caller.send("{ users(first: 9) { nodes { username metadata } } }", json!({})).await;
    let ada = json!({ "username": null, "metadata": { "_username": "Ada" } });
    assert!(users.data("users")["nodes"].as_array().unwrap().contains(&ada), "{}", users.text);
}
