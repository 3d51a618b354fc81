//! The administrator, who creates, disables, enables and deletes accounts, and repeats each act until it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::calls::{Answer, Calls, Deed, Place, Request};
use crate::documents::{CREATE, DELETE, DISABLE, ENABLE, LOGIN};
use crate::history::{Act, Outcome};
use crate::random::Random;

/// A session is replaced before its access token expires.
const RENEWED_AFTER: Duration = Duration::from_secs(120);
/// Number of tries of one act.
const TRIES: usize = 25;

/// The administrator. A copy is the same.
#[derive(Clone)]
pub struct Administrator {
    calls: Calls,
    email: Arc<str>,
    password: SecretString,
    token: Arc<Mutex<Option<(SecretString, Instant)>>>,
    acts: Arc<AtomicU32>,
}

impl Administrator {
    /// Describes the administrator.
    #[must_use]
    pub fn new(calls: Calls, email: &str, password: SecretString) -> Self {
        Self { calls, email: email.into(), password, token: Arc::default(), acts: Arc::default() }
    }

    /// Creates an account with its first password. Returns false if no try was answered.
    pub async fn create(&self, account: usize, email: &str, password: &SecretString, random: &mut Random) -> bool {
        let input = json!({ "email": email, "password": password.expose_secret(), "firstName": "name-0" });
        let answer = self.insist(account, Act::Create, CREATE, json!({ "input": input }), random).await;
        // An earlier try has created it.
        answer.outcome.is_success() || answer.outcome.is_refused_with(errors::Code::Conflict)
    }

    /// Disables an account.
    pub async fn disable(&self, account: usize, random: &mut Random) {
        let number = self.next();
        self.change(account, Act::Disable { number }, DISABLE, Some(number), random).await;
    }

    /// Enables an account.
    pub async fn enable(&self, account: usize, random: &mut Random) {
        self.change(account, Act::Enable, ENABLE, None, random).await;
    }

    /// Deletes an account. It can be restored, but nobody does.
    pub async fn delete(&self, account: usize, random: &mut Random) {
        let number = self.next();
        self.change(account, Act::Delete { number }, DELETE, Some(number), random).await;
    }

    fn next(&self) -> u32 {
        self.acts.fetch_add(1, Ordering::SeqCst)
    }

    async fn change(&self, account: usize, act: Act, document: &str, reason: Option<u32>, random: &mut Random) {
        let Some(id) = self.calls.id_of(account) else { return };
        let variables = match reason {
            Some(number) => json!({ "id": id, "reason": reason_of(number) }),
            None => json!({ "id": id }),
        };
        self.insist(account, act, document, variables, random).await;
    }

    /// Repeats an act until it is answered.
    async fn insist(&self, account: usize, act: Act, document: &str, variables: Value, random: &mut Random) -> Answer {
        let deed = Deed { who: "administrator", account, session: None };
        let mut answer = Answer { outcome: Outcome::Cut, pair: None, data: Value::Null };
        for attempt in 0..TRIES {
            let replica = random.below(self.calls.addresses.replicas.len());
            let place =
                if attempt == 0 && random.percent(20) { Place::Losing(replica) } else { Place::Replica(replica) };
            let Some(token) = self.token(random).await else { continue };
            let request = Request { document, variables: variables.clone(), bearer: Some(&token) };
            answer = self.calls.act(deed, act.clone(), place, request).await;
            if !answer.outcome.asks_for_another_try() {
                break;
            }
            tokio::time::sleep(random.milliseconds(50..500)).await;
        }
        answer
    }

    /// Returns an access token, and logs in when it is old.
    async fn token(&self, random: &mut Random) -> Option<SecretString> {
        let mut token = self.token.lock().await;
        if let Some((token, since)) = &*token
            && since.elapsed() < RENEWED_AFTER
        {
            return Some(token.clone());
        }
        for _ in 0..TRIES {
            let place = Place::Replica(random.below(self.calls.addresses.replicas.len()));
            let input = json!({ "email": &*self.email, "password": self.password.expose_secret() });
            let request = Request { document: LOGIN, variables: json!({ "input": input }), bearer: None };
            if let Some(pair) = self.calls.send(place, &request).await.pair {
                self.calls.secrets.add("an access token", pair.access.expose_secret());
                self.calls.secrets.add("a refresh token", pair.refresh.expose_secret());
                *token = Some((pair.access.clone(), Instant::now()));
                return Some(pair.access);
            }
            tokio::time::sleep(random.milliseconds(50..500)).await;
        }
        None
    }
}

/// Returns the reason that the audit log shows for the act with this number.
#[must_use]
pub fn reason_of(number: u32) -> String {
    format!("act {number}")
}
