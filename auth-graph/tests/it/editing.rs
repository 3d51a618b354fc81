//! Changes to users: each change is recorded and has its consequences, independent of the actor.

use chrono::Duration;
use engine::accounts::Rank;
use engine::administration;
use engine::callers::Actor;
use engine::purge;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use store::{audit_events, login_events, mails, one_time_tokens, sessions, user_credentials, users};

use crate::support::{MailingApp, PASSWORD, TestApp, operation};

const NEW_PASSWORD: &str = "another long password";
const DELETE: &str = "mutation($id: ID!, $forGood: Boolean) { deleteUser(id: $id, forGood: $forGood) { user { id } } }";
const DISABLE: &str = "mutation($id: ID!) { disableUser(id: $id) { user { id } } }";
const ENABLE: &str = "mutation($id: ID!) { enableUser(id: $id) { user { id } } }";
const RESTORE: &str = "mutation($id: ID!) { restoreUser(id: $id) { user { email } } }";
const UPDATE: &str = "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }";
const FORCE_RESET: &str = "mutation($id: ID!) { forcePasswordReset(id: $id) { user { id } } }";
const SET_PASSWORD: &str = "mutation($input: SetUserPasswordInput!) { setUserPassword(input: $input) { user { id } } }";
const IMPERSONATE: &str = "mutation($input: ImpersonateInput!) { impersonate(input: $input) { accessToken } }";

async fn recorded(test: &TestApp, target: &str) -> Vec<audit_events::Model> {
    let all = audit_events::Entity::find().order_by_asc(audit_events::Column::Id).all(&test.app.db).await.unwrap();
    all.into_iter().filter(|event| event.target_id == target).collect()
}

#[tokio::test]
async fn changes_of_users_to_their_own_account_are_recorded() {
    let site = MailingApp::new().await;
    let test = &site.test;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let caller = ada.caller.clone().with_header("x-request-id", "chosen");
    let input = json!({ "input": { "firstName": "Augusta" } });
    caller.send(operation!("update_profile"), input.clone()).await.data("updateProfile");
    caller.send(operation!("update_profile"), input).await.data("updateProfile");
    caller.send(operation!("set_metadata"), json!({ "metadata": { "theme": "dark" } })).await.data("setMetadata");
    caller.send(operation!("request_email_verification"), json!({})).await;
    test.anonymous().confirm(site.mail().await.token()).await.data("verifyEmail");
    let input = json!({ "input": { "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD } });
    caller.send(operation!("change_password"), input).await.data("changePassword");
    let found = recorded(test, &ada.user.id.to_string()).await;
    let actions: Vec<&str> = found.iter().map(|event| event.action.as_str()).collect();
    let expected = ["user.create", "user.update", "user.set_metadata", "user.verify_email", "user.change_password"];
    assert_eq!(actions, expected, "an update without a difference is not recorded");
    assert!(found[1..].iter().all(|event| event.actor_id == Some(ada.user.id.0)));
    let update = &found[1];
    assert_eq!(update.before, Some(json!({ "firstName": "Ada" })));
    assert_eq!(update.after, Some(json!({ "firstName": "Augusta" })));
    assert_eq!(update.request_id.as_ref().unwrap().len(), 32, "the caller does not choose it");
    let all = format!("{found:?}");
    assert!(!all.contains("argon2") && !all.contains(NEW_PASSWORD), "{all}");
}

#[tokio::test]
async fn registering_and_resetting_are_recorded() {
    let site = MailingApp::new().await;
    let caller = site.test.anonymous();
    let input = json!({ "input": { "email": "ada@test.com", "password": PASSWORD } });
    caller.send(operation!("register"), input).await.data("register");
    caller.confirm(site.mail().await.token()).await.data("verifyEmail");
    let email = json!({ "email": "ada@test.com" });
    caller.send(operation!("request_password_reset"), email).await.data("requestPasswordReset");
    let input = json!({ "input": { "token": site.mail().await.token(), "newPassword": NEW_PASSWORD } });
    caller.send(operation!("reset_password"), input).await.data("resetPassword");
    let user = users::Entity::find().one(&site.test.app.db).await.unwrap().unwrap();
    let found = recorded(&site.test, &user.id.to_string()).await;
    let actions: Vec<&str> = found.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["user.register", "user.reset_password"]);
    assert!(found.iter().all(|event| event.actor_id == Some(user.id.0)));
}

#[tokio::test]
async fn the_impersonator_is_recorded_and_not_the_user() {
    let test = TestApp::new().await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let input = json!({ "input": { "id": ada.user.id.to_string(), "reason": "ticket 7" } });
    let granted = root.caller.send(IMPERSONATE, input).await;
    let acting = test.bearer(granted.data("impersonate")["accessToken"].as_str().unwrap());
    let input = json!({ "input": { "firstName": "Augusta" } });
    acting.send(operation!("update_profile"), input).await.data("updateProfile");
    let last = recorded(&test, &ada.user.id.to_string()).await.pop().unwrap();
    assert_eq!((last.action.as_str(), last.actor_id), ("user.update", Some(root.user.id.0)));
}

#[tokio::test]
async fn of_the_last_two_superusers_one_always_remains() {
    let test = TestApp::new().await;
    let [one, other] = [
        test.signed_in("one@test.com", Rank::Superuser).await,
        test.signed_in("other@test.com", Rank::Superuser).await,
    ];
    let step_down = json!({ "input": { "id": other.user.id.to_string(), "isSuperuser": false } });
    let (deleted, demoted) =
        tokio::join!(one.caller.send(operation!("delete_account"), json!({})), other.caller.send(UPDATE, step_down),);
    let conflicts = [&deleted, &demoted].into_iter().filter(|answer| answer.text.contains("\"CONFLICT\"")).count();
    assert_eq!(conflicts, 1, "{} {}", deleted.text, demoted.text);
    assert_eq!(users::count_superusers(&test.app.db).await.unwrap(), 1);
}

#[tokio::test]
async fn a_permanently_deleted_user_is_not_restored_and_their_data_not_recorded() {
    let site = MailingApp::new().await;
    let test = &site.test;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let id = json!({ "id": ada.user.id.to_string() });
    root.caller.send(DELETE, id.clone()).await.data("deleteUser");
    assert_eq!(site.mail().await.subject, "Your account was deleted");
    let restored = root.caller.send(RESTORE, id.clone()).await;
    assert_eq!(restored.data("restoreUser")["user"]["email"], "ada@test.com");
    root.caller.send(DELETE, json!({ "id": id["id"], "forGood": true })).await.data("deleteUser");
    assert_eq!(root.caller.send(RESTORE, id).await.code(), "NOT_FOUND");
    let last = recorded(test, &ada.user.id.to_string()).await.pop().unwrap();
    assert_eq!(last.before, Some(json!({ "deleted": false })), "no data about a deleted person");
    test.create_user("ada@test.com").await;
    test.app.clock.advance(Duration::days(401));
    purge(&test.app, test.app.clock.now()).await.unwrap();
    assert!(recorded(test, &ada.user.id.to_string()).await.is_empty());
}

#[tokio::test]
async fn a_deleted_user_can_still_be_deleted_permanently() {
    let site = MailingApp::new().await;
    let test = &site.test;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let id = json!({ "id": ada.user.id.to_string() });
    let for_good = json!({ "id": id["id"], "forGood": true });
    root.caller.send(DELETE, id.clone()).await.data("deleteUser");
    assert_eq!(root.caller.send(DELETE, id.clone()).await.code(), "NOT_FOUND");
    root.caller.send(DELETE, for_good.clone()).await.data("deleteUser");
    assert_eq!(root.caller.send(RESTORE, id).await.code(), "NOT_FOUND");
    assert_eq!(root.caller.send(DELETE, for_good).await.code(), "NOT_FOUND", "the user was deleted permanently before");
    let left = users::with_deleted(&test.app.db, &[ada.user.id]).await.unwrap().pop().unwrap();
    assert_eq!((left.first_name.as_str(), left.erased_at.is_some()), ("", true));
    assert_eq!(user_credentials::of_user(&test.app.db, ada.user.id).await.unwrap(), []);
    assert!(left.version > ada.user.version + 1, "copies are notified");
    let last = recorded(test, &ada.user.id.to_string()).await.pop().unwrap();
    assert_eq!(last.after, Some(json!({ "erased": true, "mergedInto": null })));
    let waiting = mails::Entity::find().all(&test.app.db).await.unwrap();
    assert_eq!(
        waiting.iter().map(|mail| &mail.letter["kind"]).collect::<Vec<_>>(),
        ["account_deleted"],
        "one notification"
    );
    test.create_user("ada@test.com").await;
}

#[tokio::test]
async fn a_permanent_deletion_removes_devices_and_waiting_mails() {
    let site = MailingApp::new().await;
    let test = &site.test;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let ada = test.create_user("ada@test.com").await;
    let caller = test.anonymous().with_header("user-agent", "a telephone");
    caller.login("ada@test.com", PASSWORD).await.data("login");
    let email = json!({ "email": "ada@test.com" });
    caller.send(operation!("request_password_reset"), email).await.data("requestPasswordReset");
    let devices = async || {
        let events = login_events::Entity::find().filter(login_events::Column::UserId.eq(ada.id));
        let sessions = sessions::Entity::find().filter(sessions::Column::UserId.eq(ada.id));
        let event = events.one(&test.app.db).await.unwrap().unwrap();
        let session = sessions.one(&test.app.db).await.unwrap().unwrap();
        [event.user_agent, event.ip_address, session.user_agent, session.ip_address]
    };
    assert_eq!(devices().await.map(Option::unwrap), ["a telephone", "192.0.2.1", "a telephone", "192.0.2.1"]);
    let id = json!({ "id": ada.id.to_string(), "forGood": true });
    root.caller.send(DELETE, id).await.data("deleteUser");
    assert_eq!(devices().await, [const { None }; 4]);
    let waiting = mails::Entity::find().all(&test.app.db).await.unwrap();
    assert_eq!(waiting.iter().map(|mail| &mail.letter["kind"]).collect::<Vec<_>>(), ["account_deleted"]);
}

#[tokio::test]
async fn a_user_who_must_set_another_password_gets_a_mail_with_a_link() {
    let site = MailingApp::new().await;
    let test = &site.test;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let id = ada.user.id.to_string();
    let email = json!({ "email": "ada@test.com" });
    test.anonymous().send(operation!("request_password_reset"), email).await.data("requestPasswordReset");
    let earlier = site.mail().await;
    root.caller.send(FORCE_RESET, json!({ "id": id })).await.data("forcePasswordReset");
    let mail = site.mail().await;
    assert!(mail.text.contains("ask you to choose a new password"), "{}", mail.text);
    let reset = async |token: &str| {
        let input = json!({ "input": { "token": token, "newPassword": NEW_PASSWORD } });
        test.anonymous().send(operation!("reset_password"), input).await
    };
    assert_eq!(reset(earlier.token()).await.code(), "ONE_TIME_TOKEN_INVALID");
    reset(mail.token()).await.data("resetPassword");
    test.anonymous().login("ada@test.com", NEW_PASSWORD).await.data("login");
    assert_eq!(site.mail().await.subject, "Your password was changed");
    let input = json!({ "input": { "id": id, "password": PASSWORD } });
    root.caller.send(SET_PASSWORD, input).await.data("setUserPassword");
    assert_eq!(site.mail().await.subject, "Your password was changed", "independent of the actor");
    let input: Value = json!({ "input": { "id": id, "email": "new@test.com" } });
    root.caller.send(UPDATE, input).await.data("updateUser");
    let received = site.mail().await;
    assert_eq!((received.to.as_str(), received.subject.as_str()), ("ada@test.com", "Your e-mail address was changed"));
}

/// An attacker who took over an account may have a link that changes its address.
#[tokio::test]
async fn an_earlier_link_does_not_work_after_an_account_was_disabled_and_enabled() {
    let site = MailingApp::new().await;
    let test = &site.test;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    ada.caller.change_email("thief@test.com").await.data("changeEmail");
    let mail = site.mail().await;
    for mutation in [DISABLE, ENABLE] {
        root.caller.send(mutation, json!({ "id": ada.user.id.to_string() })).await;
    }
    assert_eq!(test.anonymous().confirm(mail.token()).await.code(), "ONE_TIME_TOKEN_INVALID");
    test.anonymous().login("ada@test.com", PASSWORD).await.data("login");
}

#[tokio::test]
async fn a_waiting_link_is_withdrawn_together_with_sent_links() {
    let site = MailingApp::new().await;
    let test = &site.test;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    ada.caller.change_email("thief@test.com").await.data("changeEmail");
    let input = json!({ "input": { "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD } });
    ada.caller.send(operation!("change_password"), input).await.data("changePassword");
    let received = site.mail().await;
    assert_eq!((received.to.as_str(), received.subject.as_str()), ("ada@test.com", "Your password was changed"));
    assert!(one_time_tokens::Entity::find().all(&test.app.db).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_waiting_reset_is_withdrawn_and_notifications_are_kept() {
    let site = MailingApp::new().await;
    let test = &site.test;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    test.create_user("bob@test.com").await;
    for email in ["ada@test.com", "bob@test.com"] {
        test.anonymous().request_reset(email).await.data("requestPasswordReset");
    }
    let input = json!({ "input": { "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD } });
    ada.caller.send(operation!("change_password"), input).await.data("changePassword");
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let input = json!({ "input": { "id": ada.user.id.to_string(), "password": PASSWORD } });
    root.caller.send(SET_PASSWORD, input).await.data("setUserPassword");
    let received: Vec<_> = site.mails().await.into_iter().map(|mail| (mail.to, mail.subject)).collect();
    let changed = ("ada@test.com".to_owned(), "Your password was changed".to_owned());
    let bobs = ("bob@test.com".to_owned(), "Choose a new password".to_owned());
    assert_eq!(received, [bobs, changed.clone(), changed]);
}

/// Each of the two sees the other one until the commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_superusers_who_remove_each_other_at_once_do_not_both_succeed() {
    for round in 0..10 {
        let test = TestApp::new().await;
        let replica = test.replica().await;
        let ada = test.create("ada@test.com", Rank::Superuser).await.id;
        let eve = test.create("eve@test.com", Rank::Superuser).await.id;
        let operator = Actor::operator();
        let (one, other) = tokio::join!(
            administration::disable(&test.app, &operator, ada, None),
            administration::disable(&replica, &operator, eve, None),
        );
        assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|is_done| **is_done).count(), 1, "{round}");
    }
}
