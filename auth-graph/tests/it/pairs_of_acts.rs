//! Pairs of acts at two replicas at the same moment, drawn at random: none of them is a deadlock, and none fails.
//!
//! `PAIRS=5000` makes the run longer, and `SEED=7` draws the same pairs again. The seed does not decide how the acts
//! interleave.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

use chrono::TimeDelta;
use engine::accounts::Rank;
use engine::purge;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::users::Model as User;
use url::Url;
use uuid::Uuid;

use crate::support::{PASSWORD, SignedIn, TestApp, operation};

/// Number of pairs, unless `PAIRS` is set. Each pair is four requests.
const PAIRS: u64 = 40;

#[derive(Clone, Copy, Debug)]
enum Act {
    LogIn,
    Refresh,
    SignOut,
    SignOutEverywhere,
    RevokeSessions,
    ChangePassword,
    Disable,
    Enable,
    Delete,
    Restore,
    Merge,
    MergeBack,
    SetRoles,
    Impersonate,
    Purge,
}

const ACTS: [Act; 15] = [
    Act::LogIn,
    Act::Refresh,
    Act::SignOut,
    Act::SignOutEverywhere,
    Act::RevokeSessions,
    Act::ChangePassword,
    Act::Disable,
    Act::Enable,
    Act::Delete,
    Act::Restore,
    Act::Merge,
    Act::MergeBack,
    Act::SetRoles,
    Act::Impersonate,
    Act::Purge,
];

/// A random generator with a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn act(&mut self) -> Act {
        ACTS[usize::try_from(self.next() % ACTS.len() as u64).unwrap()]
    }
}

/// The users of one pair of acts.
struct Round {
    number: u64,
    first: SignedIn,
    second: SignedIn,
    other: User,
}

impl Round {
    async fn begin(test: &TestApp, number: u64) -> Self {
        let first = test.signed_in(&format!("ada{number}@test.com"), Rank::User).await;
        let second = test.sign_in(first.user.clone()).await;
        let other = test.create_user(&format!("eve{number}@test.com")).await;
        Self { number, first, second, other }
    }

    /// Does an act at a replica, and returns the code of the error, if there is one.
    async fn act(&self, act: Act, replica: &TestApp, root: &str, device: &SignedIn) -> Option<String> {
        let address = format!("198.51.{}.{}", self.number / 250 % 250, self.number % 250);
        let nobody = replica.anonymous().at_address(&address);
        let caller = replica.bearer(&device.access).at_address(&address);
        let root = replica.bearer(root);
        let (ada, eve) = (self.first.user.id, self.other.id);
        let on_user = |mutation: &str| format!("mutation($id: ID!) {{ {mutation}(id: $id) {{ user {{ id }} }} }}");
        let merge = async |id, into| {
            let merge = "mutation($input: MergeUsersInput!) { mergeUsers(input: $input) { user { id } } }";
            root.send(merge, json!({ "input": { "id": id, "into": into, "reason": "a test" } })).await
        };
        let answer = match act {
            Act::LogIn => nobody.login(self.first.user.email.as_str(), PASSWORD).await,
            Act::Refresh => nobody.refresh(&device.refresh).await,
            Act::SignOut => nobody.logout(&device.refresh).await,
            Act::SignOutEverywhere => {
                let everywhere = json!({ "refreshToken": device.refresh, "everywhere": true });
                nobody.send(operation!("logout"), everywhere).await
            }
            Act::RevokeSessions => {
                let revoke = "mutation($id: ID!) { revokeUserSessions(userId: $id) { revokedSessions } }";
                root.send(revoke, json!({ "id": ada })).await
            }
            Act::ChangePassword => {
                let input = json!({ "currentPassword": PASSWORD, "newPassword": "another long password" });
                caller.send(operation!("change_password"), json!({ "input": input })).await
            }
            Act::Disable => root.send(&on_user("disableUser"), json!({ "id": ada })).await,
            Act::Enable => root.send(&on_user("enableUser"), json!({ "id": ada })).await,
            Act::Delete => root.send(&on_user("deleteUser"), json!({ "id": ada })).await,
            Act::Restore => root.send(&on_user("restoreUser"), json!({ "id": ada })).await,
            Act::Merge => merge(ada, eve).await,
            Act::MergeBack => merge(eve, ada).await,
            Act::SetRoles => {
                let set = "mutation($input: SetUserRolesInput!) { setUserRoles(input: $input) { user { id } } }";
                let scopes = [format!("orders:{}", self.number)];
                root.send(set, json!({ "input": { "id": ada, "roles": [], "scopes": scopes } })).await
            }
            Act::Impersonate => {
                let impersonate = "mutation($input: ImpersonateInput!) { impersonate(input: $input) { scope } }";
                root.send(impersonate, json!({ "input": { "id": ada, "reason": "a test" } })).await
            }
            Act::Purge => {
                // Counters of attempts are free again by then, those of this moment among them.
                let tomorrow = replica.app.clock.now() + TimeDelta::days(1);
                return purge(&replica.app, tomorrow).await.err().map(|error| error.code().as_str().to_owned());
            }
        };
        match &answer.body["errors"] {
            Value::Null => None,
            errors => Some(errors[0]["extensions"]["code"].as_str().unwrap().to_owned()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_two_acts_at_two_replicas_are_a_deadlock() {
    let Some((server, database)) = database_of_its_own().await else { return };
    let number_of = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = number_of("SEED").unwrap_or_else(|| RandomState::new().hash_one(0) % 1_000_000);
    let pairs = number_of("PAIRS").unwrap_or(PAIRS);
    println!("SEED={seed} PAIRS={pairs}");
    let one = TestApp::with(|config| config.database.url = SecretString::from(database)).await;
    let two = TestApp::with(|config| *config = one.app.config.clone()).await;
    let root = one.signed_in("root@test.com", Rank::Superuser).await.access;
    let (mut random, mut broken) = (Random(seed), BTreeSet::new());
    for number in 0..pairs {
        let round = Round::begin(&one, number).await;
        let (left, right) = (random.act(), random.act());
        let (codes, others) = tokio::join!(
            async {
                tokio::join!(round.act(left, &one, &root, &round.first), round.act(right, &two, &root, &round.second))
            },
            async {
                tokio::join!(round.act(left, &two, &root, &round.second), round.act(right, &one, &root, &round.first))
            },
        );
        for code in [codes.0, codes.1, others.0, others.1].into_iter().flatten() {
            if matches!(code.as_str(), "INTERNAL" | "UNAVAILABLE") {
                broken.insert(format!("{left:?} with {right:?}: {code}"));
            }
        }
    }
    assert!(broken.is_empty(), "SEED={seed} PAIRS={pairs}: {broken:#?}");
    let name = database_name(&one.app.db).await;
    for app in [one.app.clone(), two.app.clone()] {
        for db in [&app.db, &app.relaxed_db, &app.live_db] {
            db.clone().close().await.unwrap();
        }
    }
    drop((one, two));
    assert_eq!(deadlocks(&server, &name).await, 0, "SEED={seed} PAIRS={pairs}");
}

/// Creates a database, as PostgreSQL counts deadlocks of whole databases. Returns a connection to another one, and its
/// URL; `None` for SQLite.
async fn database_of_its_own() -> Option<(DatabaseConnection, String)> {
    let server = std::env::var("TEST_DATABASE_URL").ok()?;
    let db = Database::connect(&server).await.unwrap();
    let name = format!("pairs_{}", Uuid::new_v4().simple());
    db.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    let mut url = Url::parse(&server).unwrap();
    url.set_path(&name);
    Some((db, url.into()))
}

async fn database_name(db: &DatabaseConnection) -> String {
    let ask = Statement::from_string(DbBackend::Postgres, "SELECT current_database()::text");
    db.query_one_raw(ask).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Returns the number of deadlocks in a database. A connection reports them when it has ended.
async fn deadlocks(server: &DatabaseConnection, database: &str) -> i64 {
    let ask = async |sql: String| -> i64 {
        let row = server.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    };
    while ask(format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'")).await > 0 {}
    ask(format!("SELECT deadlocks FROM pg_stat_database WHERE datname = '{database}'")).await
}
