//! Mails: their content, and their reliable delivery.

use chrono::Duration;
use engine::accounts::Rank;
use engine::administration::{self, Update};
use engine::callers::Actor;
use engine::mail::send_due;
use engine::mailer::Mailer;
use futures_util::future::join_all;
use mailin_embedded::response::{AUTHENTICATION_REQUIRED, INVALID_CREDENTIALS, NO_MAILBOX};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::json;

use crate::support::{MailingApp, TestApp, operation};

async fn waiting(test: &TestApp) -> Vec<store::mails::Model> {
    store::mails::Entity::find().all(&test.app.db).await.unwrap()
}

#[tokio::test]
async fn no_mail_is_lost_during_an_outage_of_the_server() {
    let site = MailingApp::new().await;
    let test = &site.test;
    test.create_user("ada@test.com").await;
    let mut away = test.app.config.clone();
    away.mail.smtp_url = "smtp://127.0.0.1:1".to_owned().into();
    let without_server = engine::boot(away, test.app.clock.clone()).await.unwrap();
    test.anonymous().request_reset("ada@test.com").await.data("requestPasswordReset");
    assert_eq!(send_due(&without_server).await.unwrap(), 0);
    assert_eq!(waiting(test).await[0].attempts, 1);
    assert!(site.mails().await.is_empty(), "it is not due yet");
    test.app.clock.advance(Duration::minutes(1));
    assert_eq!(site.mail().await.to, "ada@test.com");
    assert!(waiting(test).await.is_empty());
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_tried_again_until_the_mail_is_given_up() {
    let test = TestApp::with(|config| config.mail.smtp_url = "smtp://127.0.0.1:1".to_owned().into()).await;
    test.create_user("ada@test.com").await;
    test.anonymous().request_reset("ada@test.com").await.data("requestPasswordReset");
    send_due(&test.app).await.unwrap();
    assert!(waiting(&test).await[0].failed_at.is_none());
    test.app.clock.advance(Duration::days(2));
    send_due(&test.app).await.unwrap();
    assert!(waiting(&test).await[0].failed_at.is_some());
    test.app.clock.advance(Duration::days(15));
    engine::purge(&test.app, test.app.clock.now()).await.unwrap();
    assert!(waiting(&test).await.is_empty());
}

#[tokio::test]
async fn replicas_send_each_mail_once() {
    let site = MailingApp::new().await;
    let other = site.test.replica().await;
    for number in 0..5 {
        let email = format!("user{number}@test.com");
        site.test.create_user(&email).await;
        site.test.anonymous().request_reset(&email).await.data("requestPasswordReset");
    }
    let sent = join_all([send_due(&site.test.app), send_due(&other)]).await;
    assert_eq!(sent.into_iter().map(Result::unwrap).sum::<usize>(), 5);
    assert_eq!(site.mails().await.len(), 5);
}

#[tokio::test]
async fn no_stored_mail_contains_a_token() {
    let site = MailingApp::new().await;
    site.test.create_user("ada@test.com").await;
    site.test.anonymous().request_reset("ada@test.com").await.data("requestPasswordReset");
    let rows = waiting(&site.test).await;
    assert_eq!(rows[0].letter, json!({ "kind": "reset_password" }));
}

#[tokio::test]
async fn authorizer_574_a_name_is_escaped_in_html_and_not_in_a_header() {
    let site = MailingApp::new().await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await;
    let input = json!({ "firstName": "<img src=x onerror=alert(1)>{{ 7 * 7 }}" });
    ada.caller.send(operation!("update_profile"), json!({ "input": input })).await.data("updateProfile");
    let ask = async || site.test.anonymous().request_reset("ada@test.com").await;
    ask().await.data("requestPasswordReset");
    let mail = site.mail().await;
    assert!(!mail.text.contains("img"), "the address is not verified: {}", mail.text);
    let proven = Update { email_verified: Some(true), ..Update::default() };
    administration::update(&site.test.app, &Actor::operator(), ada.user.id, proven).await.unwrap();
    ask().await.data("requestPasswordReset");
    let mail = site.mail().await;
    assert!(mail.text.contains("<img src=x onerror=alert(1)>{{ 7 * 7 }}"));
    assert!(!mail.html.contains("<img") && mail.html.contains("&lt;img"), "{}", mail.html);
    let headers = mail.raw.split("\r\n\r\n").next().unwrap();
    assert!(!headers.contains("img") && headers.contains("Auto-Submitted: auto-generated"), "{headers}");
}

/// Receivers such as Gmail reject mails without an identifier, and show a mail once that arrives twice.
#[tokio::test]
async fn a_mail_that_is_tried_again_keeps_its_identifier() {
    let site = MailingApp::with(|config| config.mail.from = "Ada's Shop <no-reply@example.org>".to_owned()).await;
    site.test.create_user("ada@test.com").await;
    site.test.anonymous().request_reset("ada@test.com").await.data("requestPasswordReset");
    let row = waiting(&site.test).await.remove(0);
    let first = site.mail().await.header("Message-ID");
    assert_eq!(first, format!("<{}@example.org>", row.id));
    // The answer of the server was lost, so that the mail still waits.
    store::mails::insert(&site.test.app.db, row).await.unwrap();
    let again = site.mail().await;
    assert_eq!(again.header("Message-ID"), first);
    for required in ["Date", "From", "To"] {
        assert!(!again.header(required).is_empty(), "RFC 5322 section 3.6: {required}");
    }
}

#[tokio::test]
async fn a_mail_is_in_the_language_of_its_recipient() {
    let site = MailingApp::new().await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await;
    for (locale, subject) in [
        ("de-AT", "Wählen Sie ein neues Passwort"),
        ("fr", "Choisissez un nouveau mot de passe"),
        ("ja", "Choose a new password"),
    ] {
        let input = json!({ "locale": locale });
        ada.caller.send(operation!("update_profile"), json!({ "input": input })).await.data("updateProfile");
        site.test.anonymous().request_reset("ada@test.com").await.data("requestPasswordReset");
        assert_eq!(site.mail().await.subject, subject);
    }
}

#[tokio::test]
async fn texts_and_layouts_are_replaced_from_a_folder() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("layout.html"), "<b>{{ subject }}</b>").unwrap();
    let site = MailingApp::with(|config| config.mail.templates = folder.path().to_owned()).await;
    site.test.create_user("ada@test.com").await;
    site.test.anonymous().request_reset("ada@test.com").await.data("requestPasswordReset");
    assert_eq!(site.mail().await.html.trim(), "<b>Choose a new password</b>");

    std::fs::write(folder.path().join("de.toml"), "greeting = \"{{ unclosed\"\nuntil = \"\"\n").unwrap();
    assert!(Mailer::new(&site.test.app.config).is_err(), "an invalid text prevents the start");

    std::fs::remove_file(folder.path().join("de.toml")).unwrap();
    let texts = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/engine/mail/en.toml")).unwrap();
    let good = "greeting = \"Hello{% if name %} {{ name }}{% endif %},\"";
    assert!(texts.contains(good) && Mailer::new(&site.test.app.config).is_ok());
    let broken = texts.replace(good, "greeting = \"Hello{% if name %} {{ name | unknown }}{% endif %},\"");
    std::fs::write(folder.path().join("en.toml"), broken).unwrap();
    assert!(Mailer::new(&site.test.app.config).is_err(), "so does one that is invalid only with a name");
}

/// A language can have texts for one country, whose file is named in any of the usual forms.
#[tokio::test]
async fn a_mail_is_in_the_language_of_its_country_if_there_are_texts() {
    let folder = tempfile::TempDir::new().unwrap();
    let texts = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/engine/mail/en.toml")).unwrap();
    let write = |file: &str, hello: &str| {
        std::fs::write(folder.path().join(file), texts.replace("greeting = \"Hello", &format!("greeting = \"{hello}")))
    };
    write("pt_BR.toml", "Oi").unwrap();
    write("pt.toml", "Viva").unwrap();
    let site = MailingApp::with(|config| config.mail.templates = folder.path().to_owned()).await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await;
    for (locale, hello) in [("pt_br", "Oi"), ("pt-PT", "Viva"), ("ja", "Hello")] {
        let input = json!({ "locale": locale });
        ada.caller.send(operation!("update_profile"), json!({ "input": input })).await.data("updateProfile");
        site.test.anonymous().request_reset("ada@test.com").await.data("requestPasswordReset");
        let text = site.mail().await.text;
        assert!(text.starts_with(hello), "{locale}: {text}");
    }
}

/// Another version may run at the same time during an update, and write mails that this one does not know.
#[tokio::test]
async fn a_mail_that_cannot_be_composed_delays_no_other_and_is_given_up() {
    let site = MailingApp::new().await;
    let test = &site.test;
    for email in ["ada@test.com", "eve@test.com"] {
        test.create_user(email).await;
        test.anonymous().request_reset(email).await.data("requestPasswordReset");
    }
    let mut unknown = waiting(test).await.remove(0).into_active_model();
    unknown.letter = Set(json!({ "kind": "of_another_version" }));
    unknown.update(&test.app.db).await.unwrap();
    assert_eq!(site.mail().await.to, "eve@test.com");
    assert_eq!((waiting(test).await[0].attempts, waiting(test).await[0].failed_at), (1, None));
    test.app.clock.advance(Duration::days(2));
    assert!(site.mails().await.is_empty());
    assert!(waiting(test).await[0].failed_at.is_some());
}

/// The status 550 is about the mail. A rejected password of the service is not: mails wait until it is corrected.
#[tokio::test]
async fn a_mail_is_given_up_at_once_only_if_the_mail_itself_is_rejected() {
    let site = MailingApp::new().await;
    let test = &site.test;
    test.create_user("ada@test.com").await;
    for (refusal, at_once) in [(INVALID_CREDENTIALS, false), (AUTHENTICATION_REQUIRED, false), (NO_MAILBOX, true)] {
        let code = refusal.code;
        site.sink.refuse(refusal);
        test.anonymous().request_reset("ada@test.com").await.data("requestPasswordReset");
        assert!(site.mails().await.is_empty());
        let last = waiting(test).await.pop().unwrap();
        assert_eq!((last.attempts, last.failed_at.is_some()), (1, at_once), "{code}");
    }
}

#[tokio::test]
async fn the_limit_of_mails_is_the_same_for_known_and_unknown_addresses() {
    let site = MailingApp::new().await;
    site.test.create_user("ada@test.com").await;
    for email in ["ada@test.com", "nobody@test.com"] {
        for _ in 0..5 {
            site.test.anonymous().request_reset(email).await.data("requestPasswordReset");
        }
        assert_eq!(site.test.anonymous().request_reset(email).await.code(), "RATE_LIMITED");
    }
    assert_eq!(site.mails().await.len(), 5);
}
