//! Sends the requests of the virtual users, and writes each into the history.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::history::{Account, Act, Event, History, Outcome, WITHOUT_CODE};
use crate::secrets::Secrets;

/// The time after which a user gives a request up.
const PATIENCE: Duration = Duration::from_secs(4);
/// The time after which the client of a delayed request has gone.
const SHORT_PATIENCE: Duration = Duration::from_millis(200);

/// Where a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// To a replica; the answer comes.
    Replica(usize),
    /// To a replica; the answer is lost.
    Losing(usize),
    /// To a replica; the request is delayed beyond the patience of the client.
    Delaying(usize),
    /// To a client service.
    Service(usize),
}

/// A GraphQL request.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The document.
    pub document: &'a str,
    /// The variables.
    pub variables: Value,
    /// The access token.
    pub bearer: Option<&'a SecretString>,
}

/// Who does something to which account.
#[derive(Clone, Copy, Debug)]
pub struct Deed {
    /// Who does it.
    pub who: &'static str,
    /// The account.
    pub account: usize,
    /// The session.
    pub session: Option<usize>,
}

/// The tokens of an answer.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The access token.
    pub access: SecretString,
    /// The refresh token.
    pub refresh: SecretString,
    /// The session, for a log-in.
    pub session: Option<usize>,
}

/// An answer to a user.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What came of the request.
    pub outcome: Outcome,
    /// The tokens.
    pub pair: Option<Pair>,
    /// The first field of the data.
    pub data: Value,
}

/// The addresses of all processes.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// Of each replica: with its answers, without them, and with delays.
    pub replicas: Vec<[SocketAddr; 3]>,
    /// Of each client service.
    pub services: Vec<SocketAddr>,
}

/// What the users share. A copy is the same.
#[derive(Clone)]
pub struct Calls {
    /// The addresses.
    pub addresses: Arc<Addresses>,
    /// The passwords and tokens so far.
    pub secrets: Arc<Secrets>,
    history: Arc<Mutex<History>>,
    tokens: Arc<Mutex<HashMap<usize, SecretString>>>,
    begun: Instant,
    http: reqwest::Client,
}

impl Calls {
    /// Begins a history.
    ///
    /// # Errors
    /// When no HTTP client can be built.
    pub fn begin(addresses: Addresses, secrets: Arc<Secrets>) -> reqwest::Result<Self> {
        // One connection for each request, so that a fault hits one request.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build()?;
        let (history, tokens, begun) = (Arc::default(), Arc::default(), Instant::now());
        Ok(Self { addresses: Arc::new(addresses), secrets, history, tokens, begun, http })
    }

    /// Adds an account, and returns its number.
    pub fn add_account(&self, email: &str) -> usize {
        self.with(|history| {
            history.accounts.push(Account { email: email.to_owned(), id: None });
            history.accounts.len() - 1
        })
    }

    /// Returns the identifier of an account, if an answer has named it.
    #[must_use]
    pub fn id_of(&self, account: usize) -> Option<String> {
        self.with(|history| history.accounts[account].id.clone())
    }

    /// Returns whether anything has tried to disable an account.
    #[must_use]
    pub fn has_been_disabled(&self, account: usize) -> bool {
        self.with(|history| history.of_account(account).any(|event| matches!(event.act, Act::Disable { .. })))
    }

    /// Returns a copy of the history so far, in the order of the beginnings.
    #[must_use]
    pub fn history(&self) -> History {
        let mut history = self.with(|history| history.clone());
        history.events.sort_by_key(|event| event.start);
        history
    }

    /// Returns the newest access token of each session, with which its end can be tried.
    #[must_use]
    pub fn access_tokens(&self) -> HashMap<usize, SecretString> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the time since the beginning.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Writes a fault into the history that began at this time and ends now.
    pub fn record_fault(&self, start: Duration, what: String, outcome: Outcome) {
        let (end, act, place) = (self.now(), Act::Fault(what), String::new());
        let event = Event { start, end, who: "fault", account: None, session: None, act, place, outcome };
        self.with(|history| history.events.push(event));
    }

    /// Sends a request once, and writes it into the history.
    pub async fn act(&self, deed: Deed, act: Act, place: Place, request: Request<'_>) -> Answer {
        let start = self.now();
        let mut answer = self.send(place, &request).await;
        let Deed { who, account, mut session } = deed;
        let place = self.name_of(place);
        if let Some(pair) = &mut answer.pair {
            let fingerprint = self.secrets.add("a refresh token", pair.refresh.expose_secret());
            self.secrets.add("an access token", pair.access.expose_secret());
            answer.outcome = Outcome::Pair(fingerprint);
        }
        let end = self.now();
        self.with(|history| {
            if let (Act::LogIn { .. }, Some(pair)) = (&act, &mut answer.pair) {
                history.sessions.push(account);
                session = Some(history.sessions.len() - 1);
                pair.session = session;
            }
            if let Some(id) = answer.data["user"]["id"].as_str() {
                history.accounts[account].id = Some(id.to_owned());
            }
            let outcome = answer.outcome.clone();
            history.events.push(Event { start, end, who, account: Some(account), session, act, place, outcome });
        });
        if let (Some(session), Some(pair)) = (session, &answer.pair) {
            let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            tokens.insert(session, pair.access.clone());
        }
        answer
    }

    /// Sends a request once.
    pub async fn send(&self, place: Place, request: &Request<'_>) -> Answer {
        let body = json!({ "query": request.document, "variables": request.variables });
        let mut post = self.http.post(format!("http://{}/graphql", self.address_of(place))).json(&body);
        if let Some(token) = request.bearer {
            post = post.bearer_auth(token.expose_secret());
        }
        let patience = if matches!(place, Place::Delaying(_)) { SHORT_PATIENCE } else { PATIENCE };
        let answer = async { post.send().await?.json::<Value>().await };
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(body)) => read(&body),
            Ok(Err(_)) => Answer { outcome: Outcome::Cut, pair: None, data: Value::Null },
            Err(_) => Answer { outcome: Outcome::GivenUp, pair: None, data: Value::Null },
        }
    }

    fn address_of(&self, place: Place) -> SocketAddr {
        match place {
            Place::Replica(number) => self.addresses.replicas[number][0],
            Place::Losing(number) => self.addresses.replicas[number][1],
            Place::Delaying(number) => self.addresses.replicas[number][2],
            Place::Service(number) => self.addresses.services[number],
        }
    }

    fn name_of(&self, place: Place) -> String {
        match place {
            Place::Replica(number) => format!("replica {number}"),
            Place::Losing(number) => format!("replica {number}, which loses the answer"),
            Place::Delaying(number) => format!("replica {number}, which gets it late"),
            Place::Service(number) => format!("service {number}"),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut History) -> T) -> T {
        work(&mut self.history.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads the body of a GraphQL response.
fn read(body: &Value) -> Answer {
    let data = body["data"].as_object().and_then(|data| data.values().next()).cloned().unwrap_or_default();
    if let Some(error) = body["errors"].get(0) {
        let code = error["extensions"]["code"].as_str().unwrap_or(WITHOUT_CODE);
        return Answer { outcome: Outcome::Refused(code.to_owned()), pair: None, data: Value::Null };
    }
    let token = |name: &str| data[name].as_str().map(SecretString::from);
    let pair = token("accessToken").zip(token("refreshToken"));
    let pair = pair.map(|(access, refresh)| Pair { access, refresh, session: None });
    Answer { outcome: Outcome::Done, pair, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_with_its_code_or_its_tokens() {
        let refused = read(&json!({ "data": null, "errors": [{ "extensions": { "code": "TOKEN_REVOKED" } }] }));
        assert_eq!(refused.outcome, Outcome::Refused("TOKEN_REVOKED".to_owned()));
        let pair = read(&json!({ "data": { "refresh": { "accessToken": "a", "refreshToken": "r" } } })).pair.unwrap();
        assert_eq!((pair.access.expose_secret(), pair.refresh.expose_secret()), ("a", "r"));
    }
}
