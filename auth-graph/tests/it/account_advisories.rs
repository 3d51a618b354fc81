//! Faults of other services with accounts, each under its public name. Some are tested in the file of their subject.

use axum::body::Body;
use axum::http::Request;
use engine::accounts::Rank;
use engine::administration::{self, NewAccount};
use engine::callers::Actor;
use serde_json::{Value, json};
use store::user_credentials;

use crate::support::{Answer, Caller, ISSUER, MailingApp, PASSWORD, TestApp, operation};

const NEW_PASSWORD: &str = "another long password";

/// Also next-auth#1840, better-auth#9690, FusionAuth#629 and Ghost#12347: mail scanners opened the links in mails, and
/// used up the tokens. Here no request that only reads uses up a token.
#[tokio::test]
async fn supabase_1214_opening_a_link_uses_nothing_up() {
    let site = MailingApp::with(|config| config.graphql.queries_by_get = true).await;
    let caller = site.test.anonymous();
    caller.register("ada@test.com").await.data("register");
    let mail = site.mail().await;
    let (page, _) = mail.link().split_once('#').unwrap();
    let mutation = format!("mutation%7BverifyEmail(token:%22{}%22)%7Bemail%7D%7D", mail.token());
    let with_token = format!("/verify-email?token={}", mail.token());
    let by_get = format!("/graphql?query={mutation}");
    for method in ["GET", "HEAD"] {
        for path in [&page[ISSUER.len()..], &with_token, &by_get] {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            let answer = caller.request(request).await;
            assert_eq!(answer.status.is_success(), path != by_get, "{method} {path}");
            assert!(!answer.text.contains(mail.token()), "{method} {path}");
        }
    }
    caller.confirm(mail.token()).await.data("verifyEmail");
}

/// GHSA-g38m-r43w-p2q7, GHSA-qq9h-g4jm-xgf3: an attacker who registered the address of another person kept the password
/// after the owner had confirmed the address.
#[tokio::test]
async fn cve_2026_35511_and_cve_2026_53516_an_account_belongs_to_the_owner_of_the_address() {
    let site = MailingApp::with(|config| {
        config.rest.enabled = true;
        config.rest.create_user = true;
    })
    .await;
    let caller = site.test.anonymous();
    let account = json!({ "email": "ada@test.com", "password": PASSWORD });
    assert_eq!(caller.post("/auth/create-user/", account).await.status, 201);
    let pair = caller.login("ada@test.com", PASSWORD).await.data("login").clone();
    let thief = site.test.bearer(pair["accessToken"].as_str().unwrap());
    thief.change_email("thief@test.com").await.data("changeEmail");
    let link = site.mails().await.pop().unwrap();
    assert_eq!(link.to, "thief@test.com");

    caller.request_reset("ada@test.com").await.data("requestPasswordReset");
    caller.reset(site.mail().await.token(), NEW_PASSWORD).await.data("resetPassword");
    assert_eq!(thief.me().await.code(), "TOKEN_REVOKED");
    assert_eq!(caller.refresh(pair["refreshToken"].as_str().unwrap()).await.code(), "TOKEN_REVOKED");
    assert_eq!(caller.login("ada@test.com", PASSWORD).await.code(), "INVALID_CREDENTIALS");
    assert_eq!(caller.confirm(link.token()).await.code(), "ONE_TIME_TOKEN_INVALID");
    caller.login("ada@test.com", NEW_PASSWORD).await.data("login");
}

/// The classes of "Pre-hijacked accounts" (Sudhodanan and Paverd, USENIX Security 2022): an attacker makes an account
/// with the address of another person before that person does. Here the attack is the classic-federated merge without
/// federation: the owner of the address confirms it, and the password of the attacker stays.
#[tokio::test]
async fn pre_hijacking_classic_merge_a_link_does_not_bless_a_password_that_somebody_else_chose() {
    let site = MailingApp::new().await;
    let caller = site.test.anonymous();
    caller.register("ada@test.com").await.data("register");
    let mail = site.mail().await;
    assert_eq!(caller.confirm_with(mail.token(), None).await.code(), "REAUTHENTICATION_REQUIRED");
    let refused = caller.confirm_with(mail.token(), Some(NEW_PASSWORD)).await;
    assert_eq!((refused.code(), &refused.error()["extensions"]["field"]), ("INVALID_CREDENTIALS", &json!("password")));
    assert_eq!(caller.login("ada@test.com", PASSWORD).await.code(), "INVALID_CREDENTIALS");

    // The owner registers. The registration of the attacker is of no use after that.
    let input = json!({ "email": "ada@test.com", "password": NEW_PASSWORD });
    caller.send(operation!("register"), json!({ "input": input })).await.data("register");
    let own = site.mail().await;
    caller.confirm_with(own.token(), Some(NEW_PASSWORD)).await.data("verifyEmail");
    assert_eq!(caller.confirm(mail.token()).await.code(), "CONFLICT");
    assert_eq!(caller.login("ada@test.com", PASSWORD).await.code(), "INVALID_CREDENTIALS");
    caller.login("ada@test.com", NEW_PASSWORD).await.data("login");
}

#[tokio::test]
async fn pre_hijacking_unexpired_session_nothing_of_the_attacker_is_left_when_the_owner_takes_the_account_over() {
    let site = MailingApp::with(|config| {
        config.rest.enabled = true;
        config.rest.create_user = true;
    })
    .await;
    let caller = site.test.anonymous();
    let account = json!({ "email": "ada@test.com", "password": PASSWORD });
    assert_eq!(caller.post("/auth/create-user/", account).await.status, 201);
    let pair = caller.login("ada@test.com", PASSWORD).await.data("login").clone();
    let attacker = site.test.bearer(pair["accessToken"].as_str().unwrap());
    let link = site.mail().await;
    assert!(link.text.contains("If it was not you"), "{}", link.text);
    assert_eq!(caller.confirm_with(link.token(), None).await.code(), "REAUTHENTICATION_REQUIRED");
    assert_eq!(caller.confirm_with(link.token(), Some(NEW_PASSWORD)).await.code(), "INVALID_CREDENTIALS");
    assert_eq!(attacker.me().await.data("me")["emailVerified"], false);

    // Another way to sign in that the attacker has added.
    let id = attacker.me().await.data("me")["id"].as_str().unwrap().parse().unwrap();
    let db = &site.test.app.db;
    let password = user_credentials::of_user(db, id).await.unwrap().remove(0);
    let factor = user_credentials::Model { kind: user_credentials::Kind::new("known_to_this_test"), ..password };
    user_credentials::insert_many(db, vec![factor]).await.unwrap();

    caller.request_reset("ada@test.com").await.data("requestPasswordReset");
    caller.reset(site.mail().await.token(), NEW_PASSWORD).await.data("resetPassword");
    assert_eq!(attacker.me().await.code(), "TOKEN_REVOKED");
    assert_eq!(caller.login("ada@test.com", PASSWORD).await.code(), "INVALID_CREDENTIALS");
    assert_eq!(caller.confirm(link.token()).await.code(), "ONE_TIME_TOKEN_INVALID");
    let left = user_credentials::of_user(db, id).await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test]
async fn pre_hijacking_unexpired_email_change_a_link_does_not_move_an_account_to_another_person() {
    let site = MailingApp::new().await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await;
    ada.caller.change_email("victim@test.com").await.data("changeEmail");
    let link = site.mail().await;
    let victim = site.test.anonymous();
    assert_eq!(victim.confirm_with(link.token(), None).await.code(), "REAUTHENTICATION_REQUIRED");
    assert_eq!(victim.confirm_with(link.token(), Some(NEW_PASSWORD)).await.code(), "INVALID_CREDENTIALS");
    let eve = site.test.signed_in("eve@test.com", Rank::User).await;
    assert_eq!(eve.caller.confirm_with(link.token(), None).await.code(), "REAUTHENTICATION_REQUIRED");
    assert_eq!(ada.caller.me().await.data("me")["email"], "ada@test.com");
    // The user of the account needs no password while signed in.
    ada.caller.confirm_with(link.token(), None).await.data("verifyEmail");
    assert_eq!(ada.caller.me().await.data("me")["email"], "victim@test.com");
}

/// An administrator has made it, and nobody has signed in to it.
#[tokio::test]
async fn the_address_of_an_account_without_a_password_is_confirmed_by_its_link_alone() {
    let site = MailingApp::new().await;
    let new = NewAccount::plain("ada@test.com".parse().unwrap(), None);
    let user = administration::create(&site.test.app, &Actor::operator(), new).await.unwrap();
    let root = site.test.signed_in("root@test.com", Rank::Superuser).await.caller;
    let input = json!({ "id": user.id, "reason": "a test" });
    let document = "mutation($input: ImpersonateInput!) { impersonate(input: $input) { accessToken } }";
    let answer = root.send(document, json!({ "input": input })).await;
    let acting = site.test.bearer(answer.data("impersonate")["accessToken"].as_str().unwrap());
    acting.send(operation!("request_email_verification"), json!({})).await.data("requestEmailVerification");
    let link = site.mail().await;
    site.test.anonymous().confirm_with(link.token(), None).await.data("verifyEmail");
}

/// A user with the replacement address of a deleted user prevented the deletion.
#[tokio::test]
async fn no_address_of_another_user_prevents_a_deletion() {
    let site = MailingApp::with(|config| {
        config.rest.enabled = true;
        config.rest.create_user = true;
    })
    .await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await;
    let email = format!("{}@Deleted.Invalid", ada.user.id);
    let account = json!({ "email": email, "password": PASSWORD });
    assert_eq!(ada.caller.post("/auth/create-user/", account).await.status, 400);
    let deleted = ada.caller.send(operation!("delete_account"), json!({ "password": PASSWORD })).await;
    assert_eq!(*deleted.data("deleteAccount"), json!({ "deleted": true }));
}

/// Responses contained the codes that are sent by mail.
#[tokio::test]
async fn cve_2026_105211_no_response_contains_a_token_that_is_sent_by_mail() {
    let site = MailingApp::new().await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await.caller;
    let answers = [
        ada.register("new@test.com").await,
        ada.request_reset("ada@test.com").await,
        ada.change_email("other@test.com").await,
        ada.send(operation!("request_email_verification"), json!({})).await,
    ];
    let mails = site.mails().await;
    assert_eq!(mails.len(), answers.len());
    for answer in answers {
        assert!(answer.body["errors"].is_null(), "{}", answer.text);
        let headers = format!("{:?}", answer.headers);
        for mail in &mails {
            let secret = mail.token().strip_prefix("ago_").unwrap();
            assert!(!answer.text.contains(secret) && !headers.contains(secret), "{}", answer.text);
        }
    }
}

/// Input was inserted into SQL statements without escaping.
#[tokio::test]
async fn ghsa_jfwg_rxf3_p7r9_input_never_becomes_a_statement() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await.caller;
    for text in ["' OR '1'='1", "'; DROP TABLE users; --", "\" OR \"\"=\"", "%' OR email LIKE '%", "\\", "\u{0}"] {
        let email = format!("{text}@test.com");
        for (answer, code) in [
            (ada.login(text, PASSWORD).await, "VALIDATION_FAILED"),
            (ada.login(&email, PASSWORD).await, "VALIDATION_FAILED"),
            (ada.login("ada@test.com", text).await, "INVALID_CREDENTIALS"),
            (ada.request_reset(&email).await, "VALIDATION_FAILED"),
            (ada.confirm(text).await, "ONE_TIME_TOKEN_INVALID"),
            (ada.reset(text, NEW_PASSWORD).await, "ONE_TIME_TOKEN_INVALID"),
            (ada.refresh(text).await, "TOKEN_INVALID"),
            (update(&ada, json!({ "phoneNumber": text })).await, "VALIDATION_FAILED"),
        ] {
            assert_eq!(answer.code(), code, "{text}");
        }
    }
    ada.me().await.data("me");
}

async fn update(caller: &Caller, input: Value) -> Answer {
    caller.send(operation!("update_profile"), json!({ "input": input })).await
}
