//! Transactions that are in each other's way on PostgreSQL: a deadlock, and a lock that is not free in time. Each act
//! is repeated once, whatever it locks. An act that still finds no way is `UNAVAILABLE` and leaves nothing behind.

use std::fmt::Write;
use std::time::Duration;

use engine::accounts::Rank;
use engine::app::App;
use engine::callers::Actor;
use engine::keys::{self, Start};
use model::config::Config;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use store::begin;

use crate::support::{CREATE_WEBHOOK, MailingApp, PASSWORD, ServiceClient, SignedIn, operation};

/// An act on a user of its own, or on an object that all share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    LogIn,
    SignOut,
    SignOutEverywhere,
    EndSession,
    RepeatRefresh,
    ChangePassword,
    UpdateProfile,
    RevokeSessions,
    Disable,
    Delete,
    Merge,
    Impersonate,
    Invite,
    RotateSecret,
    ChangeWebhook,
    RotateKey,
}

const ALL: [Act; 16] = [
    Act::LogIn,
    Act::SignOut,
    Act::SignOutEverywhere,
    Act::EndSession,
    Act::RepeatRefresh,
    Act::ChangePassword,
    Act::UpdateProfile,
    Act::RevokeSessions,
    Act::Disable,
    Act::Delete,
    Act::Merge,
    Act::Impersonate,
    Act::Invite,
    Act::RotateSecret,
    Act::ChangeWebhook,
    Act::RotateKey,
];

/// Acts that lock different rows. A test that waits for each of them takes these.
const SOME: [Act; 6] =
    [Act::SignOut, Act::EndSession, Act::Invite, Act::RotateSecret, Act::ChangeWebhook, Act::RotateKey];

/// Tables to which the acts add rows.
const COUNTED: [&str; 6] = ["audit_events", "changes", "login_events", "mails", "sessions", "signing_keys"];

impl Act {
    /// Returns a table that the act locks or writes early in its transaction, and one that it writes after that.
    fn tables(self) -> (&'static str, &'static str) {
        match self {
            Self::LogIn => ("users", "login_events"),
            Self::SignOut | Self::EndSession => ("sessions", "changes"),
            // It writes nothing: it waits for the user after it has locked the session.
            Self::RepeatRefresh => ("sessions", "users"),
            Self::SignOutEverywhere => ("users", "changes"),
            Self::ChangePassword
            | Self::UpdateProfile
            | Self::RevokeSessions
            | Self::Disable
            | Self::Delete
            | Self::Merge
            | Self::Impersonate => ("users", "audit_events"),
            Self::Invite => ("mails", "audit_events"),
            Self::RotateSecret => ("clients", "audit_events"),
            Self::ChangeWebhook => ("webhooks", "audit_events"),
            Self::RotateKey => ("signing_keys", "audit_events"),
        }
    }
}

struct World {
    mailing: MailingApp,
    root: SignedIn,
    client: ServiceClient,
    webhook: String,
    /// A replica whose transactions are in the way.
    other: App,
    survivor: SignedIn,
}

/// A user with a session that nobody else acts on.
struct Person {
    number: usize,
    device: SignedIn,
}

impl World {
    /// Creates what the acts need, or returns `None` on SQLite, which has one writer and no such conflicts.
    async fn new(change: impl FnOnce(&mut Config)) -> Option<Self> {
        let mailing = MailingApp::with(|config| {
            config.webhooks.allow_loopback = true;
            // PostgreSQL looks for deadlocks after a second.
            let url = config.database.url.expose_secret();
            config.database.url =
                SecretString::from(url.replace("search_path", "deadlock_timeout%3D100ms%20-c%20search_path"));
            change(config);
        })
        .await;
        let test = &mailing.test;
        if test.app.db.get_database_backend() != DbBackend::Postgres {
            return None;
        }
        let root = test.signed_in("root@test.com", Rank::Superuser).await;
        let survivor = test.signed_in("survivor@test.com", Rank::User).await;
        let client = test.service_client("orders", "users:read").await;
        let input = json!({ "input": { "url": "http://127.0.0.1:9/" } });
        let made = root.caller.send(CREATE_WEBHOOK, input).await;
        let webhook = made.data("createWebhook")["webhook"]["id"].as_str().unwrap().to_owned();
        let other = test.replica().await;
        Some(Self { root, client, webhook, other, survivor, mailing })
    }

    async fn person(&self, number: usize) -> Person {
        let device = self.mailing.test.signed_in(&format!("ada{number}@test.com"), Rank::User).await;
        // The token of the first generation is then the predecessor of the newest one.
        self.mailing.test.anonymous().refresh(&device.refresh).await.data("refresh");
        Person { number, device }
    }

    /// Does the act, and returns the extensions of the error if it failed.
    async fn act(&self, act: Act, Person { number, device }: &Person) -> Result<(), Value> {
        let (nobody, id) = (self.mailing.test.anonymous(), device.user.id);
        let root = async |mutation: &str, variables: Value| self.root.caller.send(mutation, variables).await;
        let answer = match act {
            Act::LogIn => nobody.login(device.user.email.as_str(), PASSWORD).await,
            Act::SignOut => nobody.logout(&device.refresh).await,
            Act::SignOutEverywhere => device.caller.send(operation!("logout"), json!({ "everywhere": true })).await,
            Act::EndSession => {
                let session = device.caller.send(operation!("my_login_sessions"), json!({})).await;
                let session = session.data("myLoginSessions")[0]["id"].clone();
                device.caller.send(operation!("revoke_session"), json!({ "id": session })).await
            }
            Act::RepeatRefresh => nobody.refresh(&device.refresh).await,
            Act::ChangePassword => {
                let input = json!({ "currentPassword": PASSWORD, "newPassword": "another long password" });
                device.caller.send(operation!("change_password"), json!({ "input": input })).await
            }
            Act::UpdateProfile => {
                let input = json!({ "firstName": format!("Ada {number}") });
                device.caller.send(operation!("update_profile"), json!({ "input": input })).await
            }
            Act::RevokeSessions => {
                let revoke = "mutation($id: ID!) { revokeUserSessions(userId: $id) { revokedSessions } }";
                root(revoke, json!({ "id": id })).await
            }
            Act::Disable => {
                root("mutation($id: ID!) { disableUser(id: $id) { user { id } } }", json!({ "id": id })).await
            }
            Act::Delete => {
                root("mutation($id: ID!) { deleteUser(id: $id) { user { id } } }", json!({ "id": id })).await
            }
            Act::Merge => {
                let merge = "mutation($input: MergeUsersInput!) { mergeUsers(input: $input) { user { id } } }";
                let input = json!({ "id": id, "into": self.survivor.user.id, "reason": "a test" });
                root(merge, json!({ "input": input })).await
            }
            Act::Impersonate => {
                let impersonate = "mutation($input: ImpersonateInput!) { impersonate(input: $input) { scope } }";
                root(impersonate, json!({ "input": { "id": id, "reason": "a test" } })).await
            }
            Act::Invite => {
                let invite = "mutation($input: InviteUserInput!) { inviteUser(input: $input) { requested } }";
                root(invite, json!({ "input": { "email": format!("new{number}@test.com") } })).await
            }
            Act::RotateSecret => {
                let rotate = "mutation($id: ID!) { rotateClientSecret(id: $id) { secret } }";
                root(rotate, json!({ "id": self.client.id })).await
            }
            Act::ChangeWebhook => {
                let update =
                    "mutation($input: UpdateWebhookInput!) { updateWebhook(input: $input) { webhook { id } } }";
                root(update, json!({ "input": { "id": self.webhook, "description": format!("number {number}") } }))
                    .await
            }
            Act::RotateKey => {
                let rotated = keys::rotate(&self.mailing.test.app, &Actor::operator(), Start::Now).await;
                let extensions = |error: model::error::Error| json!({ "code": error.code().as_str(), "retryAfter": error.retry_after_seconds() });
                return rotated.map(drop).map_err(extensions);
            }
        };
        match &answer.body["errors"] {
            Value::Null => Ok(()),
            errors => Err(errors[0]["extensions"].clone()),
        }
    }

    async fn counts(&self) -> Vec<i64> {
        let mut counts = Vec::new();
        for table in COUNTED {
            let count = Statement::from_string(DbBackend::Postgres, format!("SELECT count(*) FROM {table}"));
            counts.push(self.other.db.query_one_raw(count).await.unwrap().unwrap().try_get_by_index(0).unwrap());
        }
        counts
    }

    /// Returns the number of rows that the act adds when nobody is in its way.
    async fn added_by(&self, act: Act, number: usize) -> Vec<i64> {
        let person = self.person(number).await;
        let before = self.counts().await;
        self.act(act, &person).await.unwrap();
        difference(&before, &self.counts().await)
    }

    /// Begins a transaction that keeps others from writing to a table.
    async fn block(&self, table: &str) -> DatabaseTransaction {
        let txn = begin(&self.other.db).await.unwrap();
        // The victim of a deadlock is the one who looks for it first.
        let mode = if table == "users" { "ACCESS EXCLUSIVE" } else { "SHARE" };
        let lock = format!("SET LOCAL deadlock_timeout = '1min'; LOCK TABLE {table} IN {mode} MODE");
        txn.execute_unprepared(&lock).await.unwrap();
        txn
    }

    /// Waits until a transaction that is not this one wants to write to the table, and returns its number.
    async fn wait_for_another(&self, table: &str, known: Option<&str>) -> String {
        let mut ask = format!("SELECT virtualtransaction FROM pg_locks WHERE relation = '{table}'::regclass");
        ask.push_str(" AND NOT granted");
        if let Some(known) = known {
            write!(ask, " AND virtualtransaction <> '{known}'").unwrap();
        }
        loop {
            let asked = Statement::from_string(DbBackend::Postgres, ask.clone());
            if let Some(row) = self.other.db.query_one_raw(asked).await.unwrap() {
                return row.try_get_by_index(0).unwrap();
            }
        }
    }
}

fn difference(before: &[i64], after: &[i64]) -> Vec<i64> {
    before.iter().zip(after).map(|(before, after)| after - before).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_act_that_loses_a_deadlock_succeeds_at_the_second_attempt_and_is_done_once() {
    let Some(world) = World::new(|_| {}).await else { return };
    for (number, act) in ALL.into_iter().enumerate() {
        let (first, last) = act.tables();
        let added = world.added_by(act, 100 + number).await;
        let person = world.person(number).await;
        let before = world.counts().await;
        let txn = world.block(last).await;
        let (acted, ()) = tokio::join!(world.act(act, &person), async {
            world.wait_for_another(last, None).await;
            // This is granted once the other transaction is the victim.
            txn.execute_unprepared(&format!("LOCK TABLE {first} IN EXCLUSIVE MODE")).await.unwrap();
            txn.rollback().await.unwrap();
        });
        assert_eq!(acted, Ok(()), "{act:?}");
        assert_eq!(difference(&before, &world.counts().await), added, "{act:?}: rows of {COUNTED:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_act_that_waits_too_long_for_a_lock_succeeds_at_the_second_attempt_and_is_done_once() {
    let Some(world) = World::new(|config| config.database.lock_timeout = Duration::from_secs(1)).await else { return };
    for (number, act) in SOME.into_iter().enumerate() {
        let (_, last) = act.tables();
        let added = world.added_by(act, 100 + number).await;
        let person = world.person(number).await;
        let before = world.counts().await;
        let txn = world.block(last).await;
        let (acted, ()) = tokio::join!(world.act(act, &person), async {
            let first = world.wait_for_another(last, None).await;
            world.wait_for_another(last, Some(&first)).await;
            txn.rollback().await.unwrap();
        });
        assert_eq!(acted, Ok(()), "{act:?}");
        assert_eq!(difference(&before, &world.counts().await), added, "{act:?}: rows of {COUNTED:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_act_that_waits_too_long_twice_is_unavailable_and_leaves_nothing_behind() {
    let Some(world) = World::new(|config| config.database.lock_timeout = Duration::from_millis(100)).await else {
        return;
    };
    for (number, act) in ALL.into_iter().enumerate() {
        let (_, last) = act.tables();
        let person = world.person(number).await;
        let before = world.counts().await;
        let txn = world.block(last).await;
        let acted = world.act(act, &person).await;
        txn.rollback().await.unwrap();
        assert_eq!(acted, Err(json!({ "code": "UNAVAILABLE", "retryAfter": 1 })), "{act:?}");
        assert_eq!(world.counts().await, before, "{act:?}: rows of {COUNTED:?}");
        // The caller tries again, and the attempt does not count as a guess.
        assert_eq!(world.act(act, &person).await, Ok(()), "{act:?}");
    }
}
