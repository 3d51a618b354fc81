//! Made-up histories for the tests of the invariants: one act a second, each answered within half a second.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::history::{Account, Act, Event, History, Outcome};
use crate::observed::{AuditRow, ChangeRow, Observed, UserRow};

/// A history that is being told. Its only account has the number 0.
pub struct Story {
    pub history: History,
    now: Duration,
}

impl Story {
    /// Begins with an account.
    pub fn begin() -> Self {
        let account = Account { email: "ada@example.com".to_owned(), id: Some("ada".to_owned()) };
        let history = History { accounts: vec![account], ..History::default() };
        let mut story = Self { history, now: Duration::ZERO };
        story.act(None, Act::Create, Outcome::Done);
        story
    }

    /// Begins with an account and a session.
    pub fn signed_in() -> (Self, usize) {
        let mut story = Self::begin();
        let session = story.log_in(0);
        (story, session)
    }

    pub fn log_in(&mut self, password: u32) -> usize {
        self.history.sessions.push(0);
        let session = self.history.sessions.len() - 1;
        self.act(Some(session), Act::LogIn { password }, Outcome::Pair(session as u64));
        session
    }

    /// Refreshes from one generation to another.
    pub fn refresh(&mut self, session: usize, generations: std::ops::Range<u32>) {
        for generation in generations {
            self.act(Some(session), Act::Refresh { generation }, Outcome::Pair(u64::from(generation) + 100));
        }
    }

    pub fn act(&mut self, session: Option<usize>, act: Act, outcome: Outcome) -> &mut Self {
        let (start, end) = (self.now, self.now + Duration::from_millis(500));
        let (who, place) = ("somebody", "replica 0".to_owned());
        self.history.events.push(Event { start, end, who, account: Some(0), session, act, place, outcome });
        self.wait(1)
    }

    pub fn wait(&mut self, seconds: u64) -> &mut Self {
        self.now += Duration::from_secs(seconds);
        self
    }

    /// A history in which everything occurs and nothing is wrong, with what was found at its end.
    pub fn in_which_all_is_well() -> (History, Observed) {
        let (mut story, session) = Self::signed_in();
        story.refresh(session, 0..2);
        story.act(Some(session), Act::Refresh { generation: 2 }, Outcome::Cut);
        story.refresh(session, 2..4);
        story.act(Some(session), Act::Replay { generation: 2, newest: 4 }, refused("UNAVAILABLE"));
        story.act(Some(session), Act::Rename { name: 1 }, Outcome::Done);
        story.act(Some(session), Act::AskService, Outcome::Done);
        story.act(Some(session), Act::Replay { generation: 0, newest: 4 }, refused("TOKEN_REUSED"));
        story.act(Some(session), Act::AskAuthGraph, refused("TOKEN_REVOKED"));
        let session = story.log_in(0);
        story.act(Some(session), Act::ChangePassword { to: 1 }, Outcome::Cut);
        story.act(Some(session), Act::ChangePassword { to: 1 }, refused("TOKEN_REVOKED"));
        story.log_in(1);
        story.act(None, Act::Disable { number: 7 }, Outcome::Cut);
        story.act(None, Act::Disable { number: 7 }, Outcome::Done);
        story.act(None, Act::LogIn { password: 1 }, refused("INVALID_CREDENTIALS"));
        story.act(None, Act::Enable, Outcome::Done);
        let session = story.log_in(1);
        story.act(Some(session), Act::LogOut, Outcome::Done);
        story.act(Some(session), Act::Replay { generation: 0, newest: 0 }, refused("TOKEN_REVOKED"));

        let change = |position, kind: &str, version| {
            let user = (version > 0).then(|| "ada".to_owned());
            ChangeRow { position, kind: kind.to_owned(), user, version }
        };
        let changes = vec![
            change(1, "user_created", 1),
            change(2, "user_updated", 2),
            change(3, "session_revoked", 0),
            change(4, "user_updated", 3),
        ];
        let audited = |action: &str, reason: Option<&str>| AuditRow {
            action: action.to_owned(),
            target: "ada".to_owned(),
            reason: reason.map(str::to_owned),
        };
        let audit = vec![
            audited("user.create", None),
            audited("user.change_password", None),
            audited("user.disable", Some("act 7")),
            audited("user.enable", None),
        ];
        let users = vec![ada(3, 1)];
        let observed = Observed { mirrors: vec![users.clone()], users, changes, audit, ..Observed::default() };
        (story.history, observed)
    }
}

/// The row of the account, with its n-th name.
pub fn ada(version: i64, name: u32) -> UserRow {
    let fields = [
        ("email", json!("ada@example.com")),
        ("first_name", json!(format!("name-{name}"))),
        ("is_active", json!(true)),
    ];
    let fields: BTreeMap<_, _> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    UserRow { id: "ada".to_owned(), version, deleted_at: None, fields }
}

/// A refusal with a code.
pub fn refused(code: &str) -> Outcome {
    Outcome::Refused(code.to_owned())
}
