//! Tests that the rules about accounts hold for a credential in another table, of any kind. The tests use a kind that
//! only they know.

use chrono::Duration;
use model::clock::Clock;
use model::config::{Config, Sources};
use model::values::{Level, NewPassword, Password, Scopes};
use sea_orm::EntityTrait;
use serde_json::json;
use store::user_credentials::{self, Kind};
use store::{audit_events, mails, one_time_tokens, sessions, users};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::boot;
use crate::callers::{Device, Principal, authenticate};
use crate::signing_in::{Identifier, Login, login};

const PASSWORD: &str = "correct horse battery";

struct World {
    app: App,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let flags = [
            ("data_dir", folder.path().to_str().unwrap()),
            ("mail.smtp_url", "smtp://127.0.0.1:1"),
            ("profile", "development"),
        ];
        let flags = flags.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        let mut config = Config::load(&Sources { flags, ..Sources::default() }).unwrap();
        (config.passwords.memory_kib, config.passwords.iterations, config.passwords.threads) = (8, 1, 1);
        Self { app: boot(config, Clock::default()).await.unwrap(), _folder: folder }
    }

    async fn create(&self, email: &str, scopes: &str) -> users::Model {
        let password = NewPassword::parse(PASSWORD.into()).unwrap();
        let plain = NewAccount::plain(email.parse().unwrap(), Some(password));
        let new = NewAccount { scopes: Scopes::parse(scopes).unwrap(), ..plain };
        create(&self.app, &Actor::operator(), new).await.unwrap()
    }

    async fn sign_in(&self, email: &str) -> Principal {
        let (email, password) = (email.parse().unwrap(), Password::from(PASSWORD));
        let login_of = Login { identifier: Identifier::Email(email), password, scope: None, audience: None };
        let pair = login(&self.app, login_of, &Device::default()).await.unwrap();
        authenticate(&self.app, &pair.access_token).await.unwrap()
    }

    /// Adds the credential to an account, by the one function that every change uses.
    async fn add_credential(&self, actor: &Actor, id: UserId) -> Result<users::Model> {
        let credential = user_credentials::Model {
            user_id: id,
            kind: Kind::new("known_to_this_test"),
            id: Uuid::from_u128(7),
            secret: "a secret".to_owned(),
            changed_at: self.app.clock.now(),
            place: None,
        };
        change_account(&self.app, actor, id, "user.test", None, |account| account.set(credential)).await
    }
}

#[tokio::test]
async fn only_an_actor_who_holds_all_that_a_user_holds_changes_their_credentials() {
    let world = World::new().await;
    world.create("helper@test.com", "users:write").await;
    let (peer, other) = (world.create("peer@test.com", "").await, world.create("ada@test.com", "orders:sell").await);
    let helper = Actor::caller(&world.sign_in("helper@test.com").await, &Device::default()).unwrap();
    let refused = world.add_credential(&helper, other.id).await;
    assert!(matches!(refused, Err(Error::Forbidden)), "{refused:?}");
    assert_eq!(user_credentials::of_user(&world.app.db, other.id).await.unwrap().len(), 1, "the password");
    world.add_credential(&helper, peer.id).await.unwrap();
    assert_eq!(user_credentials::of_user(&world.app.db, peer.id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_change_of_a_credential_ends_sessions_and_links_and_is_recorded_and_mailed() {
    let world = World::new().await;
    let ada = world.create("ada@test.com", "").await;
    let principal = world.sign_in("ada@test.com").await;
    let now = world.app.clock.now();
    let link = one_time_tokens::Model {
        hash: "a link".to_owned(),
        purpose: one_time_tokens::Purpose::ResetPassword,
        user_id: Some(ada.id),
        email: ada.email.clone(),
        payload: None,
        created_at: now,
        expires_at: now + Duration::hours(1),
    };
    one_time_tokens::insert(&world.app.db, link).await.unwrap();

    let changed = world.add_credential(&Actor::operator(), ada.id).await.unwrap();

    let db = &world.app.db;
    assert_eq!(changed.version, ada.version + 1, "copies elsewhere are notified");
    let session = sessions::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(session.revoked_reason.as_deref(), Some("factors_changed"));
    assert_eq!((session.auth_time, session.acr), (session.created_at, Some(Level::Aal1)));
    assert!(crate::callers::recheck(&world.app, &principal, world.app.clock.now()).is_err(), "its tokens are refused");
    assert_eq!(one_time_tokens::Entity::find().all(db).await.unwrap().len(), 0);
    let mails = mails::Entity::find().all(db).await.unwrap();
    assert_eq!(mails.iter().map(|mail| &mail.letter).collect::<Vec<_>>(), [&json!({ "kind": "factors_changed" })]);
    let recorded = audit_events::Entity::find().all(db).await.unwrap();
    let last = recorded.iter().find(|event| event.action == "user.test").unwrap();
    let after = last.after.as_ref().unwrap();
    assert_eq!(after["factors"][0]["kind"], "known_to_this_test");
    assert!(!after.to_string().contains("a secret"), "{after}");
}
