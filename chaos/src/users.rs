//! The virtual users. Each has one account at a time and up to two devices, and does one thing after the other, some of
//! them twice at the same moment: two tabs refresh, or an administrator disables the account meanwhile.

mod device;
mod others;

use std::time::Instant;

use errors::Code;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::administrator::Administrator;
use crate::calls::{Answer, Calls, Deed, Place, Request};
use crate::documents::{CHANGE_PASSWORD, LOGIN, LOGOUT, ME, REFRESH, UPDATE_PROFILE, WHOAMI};
use crate::history::{Act, Outcome};
use crate::random::Random;

use device::{Device, THEFT};

/// Number of tries of one request.
const TRIES: usize = 20;

/// The end of a user's work.
#[derive(Clone, Copy, Debug)]
pub enum Length {
    /// After this many steps.
    Steps(usize),
    /// At this time.
    Until(Instant),
}

/// What a user does next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Refresh,
    TwoTabs,
    AskAuthGraph,
    AskService,
    Rename,
    SecondDevice,
    LogOut,
    LogOutEverywhere,
    ChangePassword,
    Disable,
    Delete,
    PromptThief,
    Thief,
}

/// How often each step is drawn.
const STEPS: [(Step, usize); 13] = [
    (Step::Refresh, 32),
    (Step::TwoTabs, 12),
    (Step::AskAuthGraph, 10),
    (Step::AskService, 18),
    (Step::Rename, 6),
    (Step::SecondDevice, 4),
    (Step::LogOut, 4),
    (Step::LogOutEverywhere, 2),
    (Step::ChangePassword, 3),
    (Step::Disable, 2),
    (Step::Delete, 1),
    (Step::PromptThief, 3),
    (Step::Thief, 3),
];

/// A virtual user.
pub struct User {
    calls: Calls,
    administrator: Administrator,
    random: Random,
    number: usize,
    accounts: usize,
    account: Account,
    devices: Vec<Device>,
}

/// The account that a user has at present.
pub struct Account {
    /// The number in the history.
    pub number: usize,
    email: String,
    /// Passwords by their numbers.
    passwords: Vec<SecretString>,
    /// The password that was set last and answered.
    current: usize,
    names: u32,
    is_deleted: bool,
}

impl User {
    /// Describes a user, whose plan is drawn from the generator.
    #[must_use]
    pub fn new(number: usize, calls: Calls, administrator: Administrator, random: Random) -> Self {
        let account = Account {
            number: usize::MAX,
            email: String::new(),
            passwords: Vec::new(),
            current: 0,
            names: 0,
            is_deleted: true,
        };
        Self { calls, administrator, random, number, accounts: 0, account, devices: Vec::new() }
    }

    /// Does one step after the other until the end of the work.
    pub async fn live(mut self, length: Length) -> Self {
        let mut steps = 0;
        while match length {
            Length::Steps(count) => steps < count,
            Length::Until(end) => Instant::now() < end,
        } {
            steps += 1;
            self.step().await;
            tokio::time::sleep(self.random.milliseconds(10..250)).await;
        }
        self
    }

    async fn step(&mut self) {
        if self.account.is_deleted {
            self.join().await;
        }
        let step = self.random.weighted(&STEPS);
        if self.devices.is_empty() {
            return self.log_in().await;
        }
        let device = self.random.below(self.devices.len());
        match step {
            Step::Refresh => self.refresh(device).await,
            Step::TwoTabs => self.refresh_in_two_tabs(device).await,
            Step::AskAuthGraph => self.ask(device, Act::AskAuthGraph).await,
            Step::AskService => self.ask(device, Act::AskService).await,
            Step::Rename => self.rename(device).await,
            Step::SecondDevice if self.devices.len() < 2 => self.log_in().await,
            Step::SecondDevice => self.refresh(device).await,
            Step::LogOut => self.log_out(device, Act::LogOut).await,
            Step::LogOutEverywhere => self.log_out(device, Act::LogOutEverywhere).await,
            Step::ChangePassword => self.change_password(device).await,
            Step::Disable => self.be_disabled(device).await,
            Step::Delete => self.be_deleted().await,
            Step::PromptThief => self.lose_token(device, 2).await,
            Step::Thief => self.lose_token(device, THEFT).await,
        }
    }

    /// Gets an account from the administrator.
    async fn join(&mut self) {
        let email = format!("user-{}-{}@example.com", self.number, self.accounts);
        self.accounts += 1;
        let number = self.calls.add_account(&email);
        let first = self.new_password(number, 0);
        let mut random = self.random.fork(self.accounts as u64);
        let created = self.administrator.create(number, &email, &first, &mut random).await;
        let passwords = vec![first];
        self.account = Account { number, email, passwords, current: 0, names: 0, is_deleted: !created };
    }

    /// Logs in with the password that was set last. An unanswered change may have set a later one.
    async fn log_in(&mut self) {
        let known: Vec<usize> = (self.account.current..self.account.passwords.len()).rev().collect();
        for password in known {
            let answer = self.log_in_with(password).await;
            let Some(pair) = answer.pair else { continue };
            if let Some(session) = pair.session {
                self.account.current = password;
                self.devices.push(Device::new(session, pair));
                return;
            }
        }
        // Nothing helps a user whom a late request has disabled but the administrator.
        if self.calls.has_been_disabled(self.account.number) {
            self.administrator.enable(self.account.number, &mut self.random).await;
        }
    }

    async fn log_in_with(&mut self, password: usize) -> Answer {
        let secret = self.account.passwords[password].clone();
        let act = Act::LogIn { password: u32::try_from(password).unwrap_or(u32::MAX) };
        let input = json!({ "email": self.account.email, "password": secret.expose_secret() });
        self.insist("owner", None, &act, LOGIN, json!({ "input": input }), None).await
    }

    async fn refresh(&mut self, device: usize) {
        if !self.devices.get(device).is_some_and(Device::may_refresh) {
            return;
        }
        let (token, generation) = self.devices[device].newest();
        let act = Act::Refresh { generation };
        let session = Some(self.devices[device].session);
        let answer = self.insist("owner", session, &act, REFRESH, json!({ "refreshToken": token }), None).await;
        self.take(device, generation, &[answer]);
    }

    /// Refreshes with the same token in two tabs at the same moment.
    async fn refresh_in_two_tabs(&mut self, device: usize) {
        if !self.devices.get(device).is_some_and(Device::may_refresh) {
            return;
        }
        let (token, generation) = self.devices[device].newest();
        let deed = Deed { who: "a tab", account: self.account.number, session: Some(self.devices[device].session) };
        let variables = json!({ "refreshToken": token });
        let places = [self.draw_place(), self.draw_place()];
        let tab = |place| {
            let request = Request { document: REFRESH, variables: variables.clone(), bearer: None };
            self.calls.act(deed, Act::Refresh { generation }, place, request)
        };
        let (first, second) = tokio::join!(tab(places[0]), tab(places[1]));
        self.take(device, generation, &[first, second]);
    }

    /// Takes the pair of an answer, if there is one. After a refusal, the device logs in again later.
    fn take(&mut self, device: usize, generation: u32, answers: &[Answer]) {
        if let Some(pair) = answers.iter().find_map(|answer| answer.pair.clone()) {
            let was_lost = answers.iter().any(|answer| answer.outcome == Outcome::GivenUp);
            self.devices[device].advance(pair, was_lost.then_some(generation));
        } else if answers.iter().any(|answer| is_over(&answer.outcome)) {
            self.devices.remove(device);
        } else {
            self.devices[device].lost(generation);
        }
    }

    async fn ask(&mut self, device: usize, act: Act) {
        let (session, token) = (self.devices[device].session, self.devices[device].access.clone());
        let answer = if act == Act::AskService && !self.calls.addresses.services.is_empty() {
            let place = Place::Service(self.random.below(self.calls.addresses.services.len()));
            let deed = Deed { who: "owner", account: self.account.number, session: Some(session) };
            let request = Request { document: WHOAMI, variables: json!({}), bearer: Some(&token) };
            self.calls.act(deed, act, place, request).await
        } else {
            self.insist("owner", Some(session), &Act::AskAuthGraph, ME, json!({}), Some(&token)).await
        };
        if answer.outcome.is_refused_with(Code::TokenExpired) {
            self.refresh(device).await;
        } else if is_over(&answer.outcome) {
            self.devices.remove(device);
        }
    }

    async fn rename(&mut self, device: usize) {
        self.account.names += 1;
        let name = self.account.names;
        let (session, token) = (self.devices[device].session, self.devices[device].access.clone());
        let variables = json!({ "input": { "firstName": format!("name-{name}") } });
        let answer =
            self.insist("owner", Some(session), &Act::Rename { name }, UPDATE_PROFILE, variables, Some(&token)).await;
        if answer.outcome.is_refused_with(Code::TokenExpired) {
            self.refresh(device).await;
        } else if is_over(&answer.outcome) {
            self.devices.remove(device);
        }
    }

    /// Logs out until that is answered. Afterwards the token is tried once more.
    async fn log_out(&mut self, device: usize, act: Act) {
        let (token, generation) = self.devices[device].newest();
        let session = self.devices[device].session;
        let everywhere = act == Act::LogOutEverywhere;
        let once_more = json!({ "refreshToken": token });
        let variables = json!({ "refreshToken": token, "everywhere": everywhere });
        let answer = self.insist("owner", Some(session), &act, LOGOUT, variables, None).await;
        if everywhere {
            self.devices.clear();
        } else {
            self.devices.remove(device);
        }
        if answer.outcome.is_success() {
            let act = Act::Replay { generation, newest: generation };
            self.insist("ghost", Some(session), &act, REFRESH, once_more, None).await;
        }
    }

    async fn change_password(&mut self, device: usize) {
        let to = self.account.passwords.len();
        let new = self.new_password(self.account.number, to);
        self.account.passwords.push(new.clone());
        let (session, token) = (self.devices[device].session, self.devices[device].access.clone());
        let current = self.account.passwords[self.account.current].expose_secret();
        let input = json!({ "currentPassword": current, "newPassword": new.expose_secret() });
        let act = Act::ChangePassword { to: u32::try_from(to).unwrap_or(u32::MAX) };
        let variables = json!({ "input": input });
        let answer = self.insist("owner", Some(session), &act, CHANGE_PASSWORD, variables, Some(&token)).await;
        if answer.outcome.is_success() {
            self.account.current = to;
        }
        // It has ended all sessions, this one too. If it was refused, the devices are given up all the same.
        self.devices.clear();
    }

    /// Sends a request until it is answered, each time somewhere else. The first answer may get lost.
    async fn insist(
        &mut self,
        who: &'static str,
        session: Option<usize>,
        act: &Act,
        document: &str,
        variables: Value,
        bearer: Option<&SecretString>,
    ) -> Answer {
        let deed = Deed { who, account: self.account.number, session };
        let mut answer = Answer { outcome: Outcome::Cut, pair: None, data: Value::Null };
        for attempt in 0..TRIES {
            let place = match attempt {
                0 => self.draw_place(),
                _ => Place::Replica(self.random.below(self.calls.addresses.replicas.len())),
            };
            let request = Request { document, variables: variables.clone(), bearer };
            answer = self.calls.act(deed, act.clone(), place, request).await;
            if let (Outcome::GivenUp, Act::Refresh { generation }) = (&answer.outcome, act)
                && let Some(device) = self.devices.iter_mut().find(|device| Some(device.session) == session)
            {
                device.lost(*generation);
            }
            if !answer.outcome.asks_for_another_try() {
                break;
            }
            tokio::time::sleep(self.random.milliseconds(20..300)).await;
        }
        answer
    }

    fn draw_place(&mut self) -> Place {
        let replica = self.random.below(self.calls.addresses.replicas.len());
        match self.random.below(100) {
            0..12 => Place::Losing(replica),
            12..20 => Place::Delaying(replica),
            _ => Place::Replica(replica),
        }
    }

    fn new_password(&self, account: usize, number: usize) -> SecretString {
        let mut random = self.random.fork(1_000 + (account * 1_000 + number) as u64);
        let password = format!("{:016x}-{number}", random.next());
        self.calls.secrets.add("a password", &password);
        password.into()
    }
}

/// Returns whether an answer means that the session has ended, as far as its owner can tell.
fn is_over(outcome: &Outcome) -> bool {
    let codes = [Code::TokenRevoked, Code::TokenReused, Code::TokenInvalid, Code::Unauthenticated, Code::TokenExpired];
    codes.iter().any(|code| outcome.is_refused_with(*code))
}
