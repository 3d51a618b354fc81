//! Registering, confirming addresses, changing profiles and deleting accounts, with the mails that are sent.

use chrono::Duration;
use engine::accounts::Rank;
use futures_util::future::join_all;
use model::config::Registration;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use store::changes::Kind;
use store::{outbox, user_credentials, users};

use crate::support::{Answer, Caller, ISSUER, MailingApp, PASSWORD, TestApp, operation};

const CREATE: &str = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } } }";
const INVITE: &str = "mutation($input: InviteUserInput!) { inviteUser(input: $input) { requested } }";

async fn register_with(caller: &Caller, input: Value) -> Answer {
    caller.send(operation!("register"), json!({ "input": input })).await
}

#[tokio::test]
async fn an_account_is_created_when_its_address_is_confirmed() {
    let site = MailingApp::new().await;
    let caller = site.test.anonymous();
    assert_eq!(caller.register("Ada@Test.com").await.data("register")["status"], "CONFIRMATION_SENT");
    assert_eq!(caller.login("ada@test.com", PASSWORD).await.code(), "INVALID_CREDENTIALS");

    let mail = site.mail().await;
    assert_eq!(mail.to, "ada@test.com");
    assert!(mail.link().starts_with("https://auth.test/verify-email#token=ago_"), "{}", mail.link());
    assert!(mail.text.contains(&format!("copy it into your browser:\n\n{}\n", mail.link())), "{}", mail.text);
    assert_eq!(caller.confirm(mail.token()).await.data("verifyEmail")["email"], "ada@test.com");
    let user = &caller.login("ada@test.com", PASSWORD).await.data("login")["user"].clone();
    assert_eq!((&user["firstName"], &user["emailVerified"]), (&json!("Ada"), &json!(true)));
    assert_eq!(caller.confirm(mail.token()).await.code(), "ONE_TIME_TOKEN_INVALID");
}

#[tokio::test]
async fn registering_a_known_address_gets_the_same_answer_at_the_same_cost_and_notifies_the_owner() {
    let site = MailingApp::new().await;
    site.test.create_user("ada@test.com").await;
    let mut seen = Vec::new();
    for email in ["ada@test.com", "nobody@test.com"] {
        let before = site.test.app.passwords.pool.computed();
        let answer = site.test.anonymous().register(email).await;
        seen.push((answer.text, site.test.app.passwords.pool.computed() - before));
    }
    assert_eq!(seen[0], seen[1]);
    let mails = site.mails().await;
    assert_eq!(mails[0].subject, "You already have an account");
    assert!(!mails[0].text.contains("token"));
    assert_eq!(mails[1].subject, "Confirm your e-mail address");
}

#[tokio::test]
async fn fifty_parallel_confirmations_create_one_account() {
    let site = MailingApp::with(|config| config.limits.account_attempts = 50).await;
    let caller = site.test.anonymous();
    caller.register("ada@test.com").await;
    let mail = site.mail().await;
    let answers = join_all((0..50).map(|_| caller.confirm(mail.token()))).await;
    let good = answers.iter().filter(|answer| answer.body["errors"].is_null()).count();
    assert_eq!(good, 1);
    assert!(
        answers
            .iter()
            .filter(|answer| !answer.body["errors"].is_null())
            .all(|answer| answer.code() == "ONE_TIME_TOKEN_INVALID")
    );
    assert_eq!(users::Entity::find().all(&site.test.app.db).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_expires_and_is_stored_only_as_a_hash() {
    let site = MailingApp::new().await;
    site.test.anonymous().register("ada@test.com").await;
    let mail = site.mail().await;
    let kept = store::one_time_tokens::Entity::find().all(&site.test.app.db).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert!(!format!("{kept:?}").contains(mail.token()));
    site.test.app.clock.advance(Duration::days(1));
    assert_eq!(site.test.anonymous().confirm(mail.token()).await.code(), "ONE_TIME_TOKEN_INVALID");
    engine::purge(&site.test.app, site.test.app.clock.now()).await.unwrap();
    assert!(store::one_time_tokens::Entity::find().all(&site.test.app.db).await.unwrap().is_empty());
}

#[tokio::test]
async fn registration_is_off_by_default() {
    let test = TestApp::new().await;
    assert_eq!(test.anonymous().register("ada@test.com").await.code(), "FORBIDDEN");
    let invited = MailingApp::with(|config| config.accounts.registration = Registration::Invitation).await;
    assert_eq!(invited.test.anonymous().register("ada@test.com").await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn ghsa_9qwp_jf7p_vr7h_and_ghsa_fmh4_wcc4_5jm3_an_invitation_is_for_one_address_once() {
    let site = MailingApp::with(|config| config.accounts.registration = Registration::Invitation).await;
    let caller = site.test.anonymous();
    let root = site.test.signed_in("root@test.com", Rank::Superuser).await.caller;
    let invite = async |by: &Caller, email: &str| by.send(INVITE, json!({ "input": { "email": email } })).await;
    assert_eq!(invite(&caller, "ada@test.com").await.code(), "UNAUTHENTICATED");
    invite(&root, "root@test.com").await.data("inviteUser");
    assert!(site.mails().await.is_empty(), "a user with an account needs no invitation");
    assert_eq!(invite(&root, "ada@test.com").await.data("inviteUser")["requested"], true);
    let mail = site.mail().await;
    assert!(mail.link().starts_with(&format!("{ISSUER}/register#token=")));
    let accept = async |email: &str| {
        let input = json!({ "email": email, "password": PASSWORD, "invitation": mail.token() });
        register_with(&caller, input).await
    };
    assert_eq!(accept("eve@test.com").await.code(), "ONE_TIME_TOKEN_INVALID");
    assert_eq!(accept("ada@test.com").await.data("register")["status"], "COMPLETED");
    assert_eq!(accept("ada@test.com").await.code(), "ONE_TIME_TOKEN_INVALID");
    caller.login("ada@test.com", PASSWORD).await.data("login");

    let closed = MailingApp::with(|config| config.accounts.registration = Registration::Off).await;
    let root = closed.test.signed_in("root@test.com", Rank::Superuser).await.caller;
    assert_eq!(invite(&root, "ada@test.com").await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn ghsa_3529_5m8x_rpv3_hostile_host_headers_are_in_no_link() {
    let site = MailingApp::with(|config| config.accounts.pages_url = "https://app.test/account/".to_owned()).await;
    let caller = ["host", "x-forwarded-host", "forwarded", "x-forwarded-proto"]
        .into_iter()
        .fold(site.test.anonymous(), |caller, name| caller.with_header(name, "host=evil.test"));
    caller.register("ada@test.com").await.data("register");
    let mail = site.mail().await;
    assert!(mail.link().starts_with("https://app.test/account/verify-email#token="), "{}", mail.link());
    assert!(!mail.raw.contains("evil.test"));
}

#[tokio::test]
async fn an_address_changes_when_the_new_one_is_confirmed_and_the_old_one_is_notified() {
    let site = MailingApp::new().await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await;
    ada.caller.change_email("lovelace@test.com").await.data("changeEmail");
    let mail = site.mail().await;
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("lovelace@test.com", "Confirm your new e-mail address"));
    assert_eq!(ada.caller.me().await.data("me")["email"], "ada@test.com");
    site.test.anonymous().confirm(mail.token()).await.data("verifyEmail");
    let me = ada.caller.me().await.data("me").clone();
    assert_eq!((&me["email"], &me["emailVerified"]), (&json!("lovelace@test.com"), &json!(true)));
    let received = site.mail().await;
    assert_eq!((received.to.as_str(), received.subject.as_str()), ("ada@test.com", "Your e-mail address was changed"));
}

#[tokio::test]
async fn changing_to_a_taken_address_looks_the_same_and_changes_nothing() {
    let site = MailingApp::new().await;
    site.test.create_user("eve@test.com").await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await;
    let taken = ada.caller.change_email("eve@test.com").await.text;
    assert_eq!(taken, ada.caller.change_email("free@test.com").await.text);
    let mails = site.mails().await;
    assert_eq!((mails[0].to.as_str(), mails[0].subject.as_str()), ("eve@test.com", "You already have an account"));
    assert!(!mails[0].text.contains("token"));
}

#[tokio::test]
async fn a_user_verifies_their_address() {
    let site = MailingApp::new().await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await;
    let ask = async || ada.caller.send(operation!("request_email_verification"), json!({})).await;
    ask().await.data("requestEmailVerification");
    site.test.anonymous().confirm(site.mail().await.token()).await.data("verifyEmail");
    assert_eq!(ada.caller.me().await.data("me")["emailVerified"], true);
    ask().await.data("requestEmailVerification");
    assert!(site.mails().await.is_empty());
}

#[tokio::test]
async fn cve_2025_62425_sensitive_changes_need_a_recent_sign_in_or_the_password() {
    let site = MailingApp::new().await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await;
    site.test.app.clock.advance(Duration::minutes(16));
    let refreshed = site.test.anonymous().refresh(&ada.refresh).await;
    let ada = site.test.bearer(refreshed.data("refresh")["accessToken"].as_str().unwrap());
    let delete = async |password: Value| ada.send(operation!("delete_account"), json!({ "password": password })).await;
    let change = json!({ "input": { "email": "new@test.com" } });
    assert_eq!(ada.send(operation!("change_email"), change).await.code(), "REAUTHENTICATION_REQUIRED");
    assert_eq!(delete(Value::Null).await.code(), "REAUTHENTICATION_REQUIRED");
    assert_eq!(delete(json!("a wrong one")).await.code(), "INVALID_CREDENTIALS");
    delete(json!(PASSWORD)).await.data("deleteAccount");
}

#[tokio::test]
async fn ghsa_2vg6_77g8_24mp_deleting_an_account_ends_its_sessions_and_leaves_a_tombstone() {
    let site = MailingApp::new().await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await;
    ada.caller.send(operation!("delete_account"), json!({})).await.data("deleteAccount");
    assert_eq!(ada.caller.me().await.code(), "TOKEN_REVOKED");
    assert_eq!(site.test.anonymous().refresh(&ada.refresh).await.code(), "TOKEN_REVOKED");
    assert_eq!(site.test.anonymous().login("ada@test.com", PASSWORD).await.code(), "INVALID_CREDENTIALS");
    let last = outbox::after(&site.test.app.db, 0, 100).await.unwrap().pop().unwrap();
    assert_eq!((last.kind, last.changed_user(), last.version), (Kind::UserDeleted, Some(ada.user.id), 2));
    let row = users::Entity::find_by_id(ada.user.id).one(&site.test.app.db).await.unwrap().unwrap();
    assert!(row.deleted_at.is_some());
    assert_eq!(user_credentials::of_user(&site.test.app.db, ada.user.id).await.unwrap(), []);
    assert!(!format!("{row:?}").contains("Ada") && !format!("{row:?}").contains("ada@test.com"));
    assert_eq!(site.mail().await.subject, "Your account was deleted");
    let again = site.test.create_user("ada@test.com").await;
    assert_ne!(again.id, ada.user.id);
}

#[tokio::test]
async fn the_last_superuser_stays() {
    let test = TestApp::new().await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    assert_eq!(root.caller.send(operation!("delete_account"), json!({})).await.code(), "CONFLICT");
    test.create("second@test.com", Rank::Superuser).await;
    root.caller.send(operation!("delete_account"), json!({})).await.data("deleteAccount");
}

#[tokio::test]
async fn a_profile_is_changed_in_parts() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let update = async |input: Value| ada.caller.send(operation!("update_profile"), json!({ "input": input })).await;
    let input = json!({ "lastName": " King ", "phoneNumber": "+49 (170) 123-4567", "locale": "de-AT" });
    let user = update(input).await.data("updateProfile")["user"].clone();
    assert_eq!((&user["firstName"], &user["lastName"]), (&json!("Ada"), &json!("King")));
    assert_eq!((&user["phoneNumber"], &user["version"]), (&json!("+491701234567"), &json!(2)));
    assert_eq!(update(json!({ "phoneNumber": null })).await.data("updateProfile")["user"]["phoneNumber"], Value::Null);
    assert_eq!(update(json!({})).await.data("updateProfile")["user"]["version"], 3, "nothing was changed");
    for (field, value) in [("phoneNumber", "0170"), ("locale", "x"), ("firstName", "a\r\nBcc: eve@test.com")] {
        let refused = update(json!({ field: value })).await;
        assert_eq!(refused.code(), "VALIDATION_FAILED");
        assert!(refused.error()["message"].as_str().unwrap().starts_with(field), "{}", refused.text);
    }
}

#[tokio::test]
async fn an_error_about_a_name_has_the_name_of_the_argument() {
    let site = MailingApp::new().await;
    let root = site.test.signed_in("root@test.com", Rank::Superuser).await.caller;
    for field in ["firstName", "lastName"] {
        let input = json!({ "email": "ada@test.com", "password": PASSWORD, field: "a".repeat(151) });
        let refused = register_with(&site.test.anonymous(), input.clone()).await;
        assert_eq!((refused.code(), &refused.error()["extensions"]["field"]), ("VALIDATION_FAILED", &json!(field)));
        let refused = root.send(CREATE, json!({ "input": input })).await;
        assert_eq!((refused.code(), &refused.error()["extensions"]["field"]), ("VALIDATION_FAILED", &json!(field)));
    }
}

#[tokio::test]
async fn metadata_is_merged_and_users_cannot_set_reserved_keys() {
    let test = TestApp::with(|config| config.accounts.reserved_metadata = vec!["plan".to_owned()]).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let set =
        async |metadata: Value| ada.caller.send(operation!("set_metadata"), json!({ "metadata": metadata })).await;
    set(json!({ "theme": "dark", "city": "London" })).await.data("setMetadata");
    let user = set(json!({ "city": null })).await.data("setMetadata")["user"].clone();
    assert_eq!(user["metadata"], json!({ "theme": "dark" }));
    for refused in [
        json!({ "plan": 1 }),
        json!({ "_app_metadata": {} }),
        json!({ "_accessGroup": null }),
        json!([]),
        json!({ "a": "x".repeat(17_000) }),
    ] {
        assert_eq!(set(refused).await.code(), "VALIDATION_FAILED");
    }
}

#[tokio::test]
async fn changes_by_one_user_to_their_own_account_are_limited() {
    let site = MailingApp::with(|config| config.limits.write_burst = 3).await;
    let test = &site.test;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let profile = json!({ "input": { "firstName": "Ada" } });
    let metadata = json!({ "metadata": { "theme": "dark" } });
    let email = json!({ "input": { "email": "new@test.com", "password": PASSWORD } });
    let writes = [
        (operation!("update_profile"), profile),
        (operation!("set_metadata"), metadata),
        (operation!("change_email"), email),
    ];
    for (document, variables) in &writes {
        let answer = ada.caller.send(document, variables.clone()).await;
        assert!(answer.body["errors"].is_null(), "{}", answer.text);
    }
    for (document, variables) in &writes {
        let refused = ada.caller.send(document, variables.clone()).await;
        assert_eq!(refused.code(), "RATE_LIMITED", "{document}");
        assert_eq!(refused.error()["extensions"]["retryAfter"], 60);
    }
    let eve = test.signed_in("eve@test.com", Rank::User).await;
    eve.caller.send(operation!("set_metadata"), json!({ "metadata": { "theme": "dark" } })).await.data("setMetadata");
    test.app.clock.advance(Duration::minutes(1));
    ada.caller.send(writes[0].0, writes[0].1.clone()).await.data("updateProfile");
}
