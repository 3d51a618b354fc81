//! Replacing the master secret: no user is signed out before the previous one expires, and no data is lost.

use std::os::unix::fs::PermissionsExt;
use std::pin::pin;

use chrono::Duration;
use engine::accounts::Rank;
use engine::app::App;
use engine::boot;
use engine::callers::Actor;
use engine::callers::Device;
use engine::callers::authenticate;
use engine::feed::outbox;
use engine::keys::{self, Start};
use engine::secrets;
use engine::sessions;
use engine::signing_in::Login;
use engine::webhooks::{self, NewWebhook};
use futures_util::poll;
use model::config::{Config, Sources};
use model::error::{Code, Result};
use model::values::{EventTypes, WebhookUrl};
use sea_orm::ConnectionTrait;
use secrecy::{ExposeSecret, SecretString};
use store::signing_keys;
use tempfile::TempDir;

use crate::command_line::{run, text};
use crate::support::{PASSWORD, TestApp};

const FIRST: &str = "7Pbo4m0y2dQkzR1sXwVt8aJcLhE5uGfN9iKqTzB3xYM=";
const SECOND: &str = "T4+rqSGgo5zNy/KsL0Zla70xty60YbDt6XKEetXYAVg=";
const THIRD: &str = "Ps5QLS3O9QXbShWGoS4JysIieyS9Js+irb7S78OHE1o=";
const WEEK: Duration = Duration::days(7);

/// Returns a process that was restarted with these secrets.
async fn restarted(test: &TestApp, secret: &str, previous: &[&str]) -> Result<App> {
    let mut config = test.app.config.clone();
    config.secret = secret.into();
    config.previous_secrets = previous.iter().map(|secret| (*secret).into()).collect();
    boot(config, test.app.clock.clone()).await
}

async fn refresh(app: &App, token: &str) -> Result<String> {
    let pair = sessions::refresh(app, &token.into(), &Device::default()).await?;
    Ok(pair.refresh_token.expose_secret().to_owned())
}

fn lines(test: &TestApp) -> Vec<String> {
    let path = test.app.config.data_dir.join("secret");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

async fn rotate(test: &TestApp, window: Duration) {
    secrets::rotate(test.app.config.clone(), test.app.clock.clone(), window).await.unwrap();
}

#[tokio::test]
async fn tokens_of_the_previous_secret_are_accepted_while_it_is_configured() {
    let test = TestApp::with(|config| config.secret = FIRST.into()).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let cursor = test.app.cursors.encode("users", ada.user.id.0);
    let both = restarted(&test, SECOND, &[FIRST]).await.unwrap();
    authenticate(&both, &ada.access.clone().into()).await.unwrap();
    assert_eq!(both.cursors.decode("users", "after", &cursor).unwrap(), ada.user.id.0);
    let successor = refresh(&both, &ada.refresh).await.unwrap();

    // The keys are encrypted under the new secret now, so that the old one can be removed.
    let new_only = restarted(&test, SECOND, &[]).await.unwrap();
    authenticate(&new_only, &ada.access.into()).await.unwrap();
    assert_eq!(refresh(&new_only, &ada.refresh).await.unwrap_err().code(), Code::TokenInvalid);
    assert!(new_only.cursors.decode("users", "after", &cursor).is_err());
    refresh(&new_only, &successor).await.unwrap();
    let old_only = restarted(&test, FIRST, &[]).await.unwrap_err();
    assert!(format!("{old_only:?}").contains("cannot be decrypted with this master secret"), "{old_only:?}");
    restarted(&test, THIRD, &[FIRST, SECOND]).await.unwrap();
}

/// The tokens before and after a change of the secret differ, but have the same generation.
#[tokio::test]
async fn both_tokens_of_one_generation_are_valid_and_neither_counts_as_reuse() {
    let test = TestApp::with(|config| config.secret = FIRST.into()).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let before = refresh(&test.app, &ada.refresh).await.unwrap();
    let app = restarted(&test, SECOND, &[FIRST]).await.unwrap();
    let after = refresh(&app, &ada.refresh).await.unwrap();
    assert_ne!(before, after);
    assert_eq!(refresh(&app, &ada.refresh).await.unwrap(), after, "both have the same successor");
    let third = refresh(&app, &before).await.unwrap();
    assert_eq!(refresh(&app, &after).await.unwrap(), third);
    refresh(&app, &third).await.unwrap();
    test.app.clock.advance(chrono::Duration::minutes(1));
    assert_eq!(refresh(&app, &before).await.unwrap_err().code(), Code::TokenReused);
}

#[tokio::test]
async fn the_secret_in_the_file_is_replaced_and_the_previous_one_is_accepted_for_a_while() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let old = lines(&test);
    rotate(&test, WEEK).await;
    let kept = lines(&test);
    assert_eq!(kept.len(), 2);
    assert!(kept[0] != old[0] && kept[1].starts_with(&format!("{} until ", old[0])));

    // The running process keeps the old secret, and its keys although the stored ones are re-encrypted.
    keys::load(&test.app).await.unwrap();
    ada.caller.me().await.data("me");
    let restarted = test.replica().await;
    let successor = refresh(&restarted, &ada.refresh).await.unwrap();
    test.app.clock.advance(WEEK);
    assert_eq!(refresh(&restarted, &ada.refresh).await.unwrap_err().code(), Code::TokenInvalid);
    refresh(&restarted, &successor).await.unwrap();
}

#[tokio::test]
async fn a_process_without_the_new_secret_still_learns_about_withdrawn_keys() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    rotate(&test, WEEK).await;
    let restarted = test.replica().await;
    let unknown = keys::rotate(&restarted, &Actor::operator(), Start::Now).await.unwrap();
    outbox::catch_up(&test.app).await.unwrap();
    ada.caller.me().await.data("me");
    assert!(test.app.tokens.keyring.current().find(&unknown).is_none());
    let known = test.app.tokens.keyring.current().signing(test.app.clock.now()).unwrap().kid.clone();
    keys::retire(&restarted, &Actor::operator(), &known).await.unwrap();
    outbox::catch_up(&test.app).await.unwrap();
    assert_eq!(ada.caller.me().await.code(), "TOKEN_INVALID");
}

#[tokio::test]
async fn a_window_of_zero_signs_all_users_out() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    rotate(&test, Duration::zero()).await;
    let restarted = test.replica().await;
    assert_eq!(refresh(&restarted, &ada.refresh).await.unwrap_err().code(), Code::TokenInvalid);
    authenticate(&restarted, &ada.access.into()).await.unwrap();
}

#[tokio::test]
async fn previous_secrets_are_kept_until_they_expire() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    tokio::join!(rotate(&test, WEEK), rotate(&test, WEEK));
    assert_eq!(lines(&test).len(), 3);
    refresh(&test.replica().await, &ada.refresh).await.unwrap();
    test.app.clock.advance(Duration::days(8));
    rotate(&test, WEEK).await;
    assert_eq!(lines(&test).len(), 2);
    test.replica().await;
}

/// It has read the old secret, but not yet the keys, which are encrypted under the new one.
#[tokio::test]
async fn a_process_starts_while_another_replaces_the_secret() {
    let test = TestApp::new().await;
    let mut starting = pin!(boot(test.app.config.clone(), test.app.clock.clone()));
    assert!(poll!(&mut starting).is_pending());
    rotate(&test, WEEK).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    authenticate(&starting.await.unwrap(), &ada.access.into()).await.unwrap();
}

#[tokio::test]
async fn only_keys_in_use_are_re_encrypted() {
    let test = TestApp::new().await;
    let first = test.app.tokens.keyring.current().signing(test.app.clock.now()).unwrap().kid.clone();
    keys::rotate(&test.app, &Actor::operator(), Start::Now).await.unwrap();
    keys::retire(&test.app, &Actor::operator(), &first).await.unwrap();
    let before = signing_keys::all(&test.app.db).await.unwrap();
    rotate(&test, WEEK).await;
    let after = signing_keys::all(&test.app.db).await.unwrap();
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.kid == first, before.private_key == after.private_key, "{before:?}");
    }
}

#[tokio::test]
async fn a_configured_secret_is_not_replaced_in_the_file() {
    let test = TestApp::with(|config| config.secret = FIRST.into()).await;
    let refused = secrets::rotate(test.app.config.clone(), test.app.clock.clone(), WEEK).await.unwrap_err();
    assert_eq!(refused.code(), Code::Conflict);
    assert!(!test.app.config.data_dir.join("secret").exists());
}

#[test]
fn previous_secrets_of_the_configuration_are_checked_and_never_shown() {
    let load = |settings: &[(&str, &str)]| {
        let flags = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Config::load(&Sources { flags, ..Sources::default() })
    };
    let list = format!("[\"{FIRST}\", \"{SECOND}\"]");
    let config = load(&[("secret", THIRD), ("previous_secrets", &list)]).unwrap();
    assert!(config.to_toml().contains(r#"previous_secrets = ["***", "***"]"#), "{}", config.to_toml());
    let one = load(&[("secret", THIRD), ("previous_secrets", FIRST)]).unwrap();
    assert_eq!(one.previous_secrets.len(), 1, "a single one needs no list");
    for settings in [
        &[("previous_secrets", list.as_str())][..],
        &[("secret", THIRD), ("previous_secrets", "[\"c2hvcnQ=\"]")],
        &[("secret", THIRD), ("previous_secrets", "{c2hvcnQ=1}")],
    ] {
        let problems = load(settings).unwrap_err();
        assert_eq!(problems.0[0].key.split('.').next(), Some("previous_secrets"), "{problems}");
        let shown = problems.to_string();
        assert!(!shown.contains("7Pbo") && !shown.contains(": c2hv"), "{shown}");
    }
}

#[test]
fn the_secret_is_replaced_from_the_command_line() {
    let folder = TempDir::new().unwrap();
    let list = || {
        let listed = run(folder.path(), &["keys", "list"], "");
        assert!(listed.status.success(), "{}", text(&listed.stderr));
        text(&listed.stdout)
    };
    let before = list();
    let rotated = run(folder.path(), &["secrets", "rotate", "--window", "7d"], "");
    assert!(text(&rotated.stdout).contains("restart the service"), "{}", text(&rotated.stderr));
    assert_eq!(list(), before);
    let path = folder.path().join("data/secret");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let written: SecretString = std::fs::read_to_string(&path).unwrap().into();
    let first = written.expose_secret().lines().next().unwrap().to_owned();
    for output in [&rotated.stdout, &rotated.stderr] {
        assert!(!text(output).contains(&first));
    }
    std::fs::write(&path, format!("{first}\n{first} for ever\n")).unwrap();
    let broken = run(folder.path(), &["keys", "list"], "");
    assert_eq!(broken.status.code(), Some(1));
    assert!(text(&broken.stderr).contains("until") && !text(&broken.stderr).contains(&first));
    assert_eq!(run(folder.path(), &["secrets", "rotate", "--window", "soon"], "").status.code(), Some(2));
}

/// Data that it encrypted cannot be decrypted. The test follows the guide.
#[tokio::test]
async fn a_lost_secret_costs_the_keys_the_sessions_and_the_webhooks() {
    let test = TestApp::with(|config| config.secret = FIRST.into()).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let (url, event_types) = (WebhookUrl::parse("https://example.com/hooks").unwrap(), EventTypes::default());
    let endpoint = NewWebhook { url, description: String::new(), event_types };
    webhooks::create(&test.app, &Actor::operator(), endpoint).await.unwrap();
    restarted(&test, SECOND, &[]).await.unwrap_err();
    for statement in ["DELETE FROM signing_keys", "DELETE FROM webhooks"] {
        test.app.db.execute_unprepared(statement).await.unwrap();
    }
    let anew = restarted(&test, SECOND, &[]).await.unwrap();
    assert_eq!(refresh(&anew, &ada.refresh).await.unwrap_err().code(), Code::TokenInvalid);
    let login = Login { identifier: ada.user.email.into(), password: PASSWORD.into(), scope: None, audience: None };
    let pair = engine::signing_in::login(&anew, login, &Device::default()).await.unwrap();
    authenticate(&anew, &pair.access_token).await.unwrap();
}
