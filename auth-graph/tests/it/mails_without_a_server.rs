//! Mails without a configured SMTP server.

use engine::accounts::Rank;
use model::config::{Profile, Registration};
use serde_json::json;
use tempfile::TempDir;

use crate::command_line::{run, text};
use crate::support::{PASSWORD, Process, TestApp, operation};

#[tokio::test]
async fn in_development_mails_are_printed_with_a_working_link() {
    let folder = TempDir::new().unwrap();
    let service = Process::start_with(folder.path(), None, &["--set", "accounts.registration=open"]);
    let input = json!({ "email": "ada@test.com", "password": PASSWORD });
    let registered = service.send(operation!("register"), json!({ "input": input })).await;
    assert_eq!(registered["data"]["register"]["status"], "CONFIRMATION_SENT", "{registered}");
    let token = service.recv("http://auth.localhost/verify-email#token=");
    let confirmed = service.send(operation!("verify_email"), json!({ "token": token, "password": PASSWORD })).await;
    assert_eq!(confirmed["data"]["verifyEmail"]["email"], "ada@test.com", "{confirmed}");
}

#[tokio::test]
async fn in_production_operations_that_need_a_mail_are_forbidden() {
    let test = TestApp::with(|config| {
        config.profile = Profile::Production;
        config.accounts.registration = Registration::Invitation;
    })
    .await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await.caller;
    let email = json!({ "email": "ada@test.com" });
    let forgotten = test.anonymous().send(operation!("request_password_reset"), email.clone()).await;
    assert_eq!(forgotten.code(), "FORBIDDEN");
    let invite = "mutation($email: String!) { inviteUser(input: { email: $email }) { requested } }";
    assert_eq!(root.send(invite, email).await.code(), "FORBIDDEN");
}

#[test]
fn an_operator_is_informed_that_the_user_gets_no_mail() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), &["user", "create", "ada@test.com"], PASSWORD);
    let reset = |profile| {
        let profile = format!("profile={profile}");
        let output = run(folder.path(), &["user", "force-reset", "ada@test.com", "--set", &profile], "");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stderr).contains("the user gets no mail")
    };
    assert!(reset("production"));
    assert!(!reset("development"));
}
