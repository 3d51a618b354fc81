//! The history of a run: what was sent, when it was sent and answered, and the faults beside it. No secret is in it: a
//! password is the n-th of its account, and a refresh token is the n-th generation of its session.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use errors::Code;

/// The longest time after which a request that a client has given up can still be executed.
pub const LATE: Duration = Duration::from_secs(30);

/// The code of an error that has none.
pub const WITHOUT_CODE: &str = "an error without a code";

/// The time for which an outdated token may only have been delayed (ADR 2).
const MINUTE: Duration = Duration::from_secs(60);

/// Everything that happened in a run, in the order in which it began.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The accounts by their numbers.
    pub accounts: Vec<Account>,
    /// The account of each session.
    pub sessions: Vec<usize>,
    /// The events.
    pub events: Vec<Event>,
}

/// An account that was created, or may have been.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The address.
    pub email: String,
    /// The identifier, once an answer has named it.
    pub id: Option<String>,
}

/// A request or a fault.
#[derive(Clone, Debug)]
pub struct Event {
    /// The time at which it began, since the start of the run.
    pub start: Duration,
    /// The time of the answer, or of giving up.
    pub end: Duration,
    /// Who did it.
    pub who: &'static str,
    /// The account that it is about; none for a fault.
    pub account: Option<usize>,
    /// The session that it is about; for a log-in, the session that it began.
    pub session: Option<usize>,
    /// What was done.
    pub act: Act,
    /// Where it was sent.
    pub place: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// An account was created.
    Create,
    /// The owner logged in with the n-th password.
    LogIn { password: u32 },
    /// The owner refreshed with the token of this generation, which was the newest they had.
    Refresh { generation: u32 },
    /// Somebody refreshed with a token of this generation while the owner had a newer one.
    Replay { generation: u32, newest: u32 },
    /// An access token was used at auth-graph.
    AskAuthGraph,
    /// An access token was used at a client service.
    AskService,
    /// The owner logged out.
    LogOut,
    /// The owner logged out everywhere.
    LogOutEverywhere,
    /// The owner changed the password to the n-th.
    ChangePassword { to: u32 },
    /// The owner took the n-th name.
    Rename { name: u32 },
    /// An administrator disabled the account, with this number as the reason.
    Disable { number: u32 },
    /// An administrator enabled the account.
    Enable,
    /// An administrator deleted the account, with this number as the reason.
    Delete { number: u32 },
    /// A fault began and ended.
    Fault(String),
}

/// What came of an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// A token pair, with the fingerprint of its refresh token.
    Pair(u64),
    /// It was refused with this code.
    Refused(String),
    /// The connection was closed before the answer. If it was executed, then before that.
    Cut,
    /// The client has given up. It may still be executed.
    GivenUp,
}

impl Outcome {
    /// Returns whether it was answered as it was wanted.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Done | Self::Pair(_))
    }

    /// Returns whether it was refused with this code.
    #[must_use]
    pub fn is_refused_with(&self, code: Code) -> bool {
        matches!(self, Self::Refused(found) if found == code.as_str())
    }

    /// Returns whether the same request should be sent again.
    #[must_use]
    pub fn asks_for_another_try(&self) -> bool {
        let passing = [Code::Unavailable, Code::RateLimited, Code::RequestTimeout];
        matches!(self, Self::Cut | Self::GivenUp) || passing.iter().any(|code| self.is_refused_with(*code))
    }

    /// Returns whether it can have been executed: also without an answer, or when the answer says that the database
    /// failed, as the commit may have come before that.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        !matches!(self, Self::Refused(_)) || self.is_refused_with(Code::Unavailable)
    }
}

impl Event {
    /// Returns the time at which it has surely been executed, if it was executed at all.
    #[must_use]
    pub fn until(&self) -> Duration {
        if self.outcome == Outcome::GivenUp { self.end + LATE } else { self.end }
    }

    /// Returns whether it is of the kind that ends this session of this account. Whether it did depends on the times.
    fn is_end_of(&self, session: usize, account: usize) -> bool {
        match self.act {
            Act::LogOut => self.session == Some(session),
            Act::Replay { .. } => self.session == Some(session),
            Act::LogOutEverywhere | Act::ChangePassword { .. } | Act::Disable { .. } | Act::Delete { .. } => {
                self.account == Some(account)
            }
            _ => false,
        }
    }
}

impl History {
    /// Returns the events about an account.
    pub fn of_account(&self, account: usize) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| event.account == Some(account))
    }

    /// Returns the log-in that began a session.
    #[must_use]
    pub fn log_in_of(&self, session: usize) -> Option<&Event> {
        self.events.iter().find(|event| matches!(event.act, Act::LogIn { .. }) && event.session == Some(session))
    }

    /// Returns whether something that was sent before this time can have ended the session.
    #[must_use]
    pub fn may_have_ended(&self, session: usize, before: Duration) -> bool {
        let account = self.sessions[session];
        let Some(begun) = self.log_in_of(session).map(|log_in| log_in.start) else { return true };
        self.of_account(account).any(|event| {
            let happened = match event.act {
                Act::Replay { .. } if self.is_prompt(event) => event.outcome == Outcome::GivenUp,
                Act::Replay { .. } if event.outcome.is_refused_with(Code::TokenReused) => true,
                _ => event.outcome.may_have_happened(),
            };
            event.is_end_of(session, account) && happened && event.start < before && begun < event.until()
        })
    }

    /// Returns whether an outdated token was used so soon that its request may only have been delayed: its successor
    /// was replaced less than a minute ago. Such a use ends nothing.
    #[must_use]
    pub fn is_prompt(&self, replay: &Event) -> bool {
        self.replaced_by(replay).is_some_and(|(first, _)| replay.end < first + MINUTE)
    }

    /// Returns whether an outdated token was used so late that it must have been stolen.
    #[must_use]
    pub fn is_theft(&self, replay: &Event) -> bool {
        match replay.act {
            Act::Replay { generation, newest } if newest >= generation + 4 => true,
            _ => self.replaced_by(replay).is_some_and(|(_, last)| last + MINUTE < replay.start),
        }
    }

    /// Returns when the successor of an outdated token was replaced: not before, and not after. None if the token is
    /// not two generations old.
    fn replaced_by(&self, replay: &Event) -> Option<(Duration, Duration)> {
        let Act::Replay { generation, newest } = replay.act else { return None };
        let act = Act::Refresh { generation: generation + 1 };
        let refreshes = || self.events.iter().filter(|event| event.session == replay.session && event.act == act);
        let first = refreshes().map(|event| event.start).min()?;
        let last = refreshes().filter(|event| event.outcome.is_success()).map(|event| event.end).max()?;
        (newest == generation + 2).then_some((first, last))
    }

    /// Returns the time at which an answer said that the session has ended.
    #[must_use]
    pub fn surely_ended_at(&self, session: usize) -> Option<Duration> {
        let account = self.sessions[session];
        let begun = self.log_in_of(session)?.end;
        let surely = |event: &&Event| match event.act {
            Act::Replay { .. } => event.outcome.is_refused_with(Code::TokenReused),
            _ => event.outcome.is_success(),
        };
        let ends = self.of_account(account).filter(|event| event.is_end_of(session, account) && begun <= event.start);
        ends.filter(surely).map(|event| event.end).min()
    }

    /// Returns the events around one, as lines for a report: those of the account, and the faults.
    #[must_use]
    pub fn around(&self, event: &Event) -> Vec<String> {
        const BEFORE: Duration = Duration::from_secs(15);
        const AFTER: Duration = Duration::from_secs(3);
        let near = |other: &&Event| other.until() + BEFORE > event.start && other.start < event.end + AFTER;
        let concerns = |other: &&Event| other.account.is_none() || other.account == event.account;
        self.events
            .iter()
            .filter(concerns)
            .filter(near)
            .map(|other| format!("{} {other}", if std::ptr::eq(other, event) { ">" } else { " " }))
            .collect()
    }
}

impl Display for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8.3}..{:<8.3} ", self.start.as_secs_f64(), self.end.as_secs_f64())?;
        if let Some(account) = self.account {
            write!(f, "account {account} ")?;
        }
        if let Some(session) = self.session {
            write!(f, "session {session} ")?;
        }
        write!(f, "{}: {}", self.who, self.act)?;
        if !self.place.is_empty() {
            write!(f, " at {}", self.place)?;
        }
        match &self.outcome {
            Outcome::Done => write!(f, " -> done"),
            Outcome::Pair(_) => write!(f, " -> a pair"),
            Outcome::Refused(code) => write!(f, " -> {code}"),
            Outcome::Cut => write!(f, " -> no answer"),
            Outcome::GivenUp => write!(f, " -> given up"),
        }
    }
}

impl Display for Act {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => write!(f, "create"),
            Self::LogIn { password } => write!(f, "log in with password {password}"),
            Self::Refresh { generation } => write!(f, "refresh with generation {generation}"),
            Self::Replay { generation, newest } => {
                write!(f, "refresh with generation {generation}, the newest being {newest}")
            }
            Self::AskAuthGraph => write!(f, "use the access token at auth-graph"),
            Self::AskService => write!(f, "use the access token at a service"),
            Self::LogOut => write!(f, "log out"),
            Self::LogOutEverywhere => write!(f, "log out everywhere"),
            Self::ChangePassword { to } => write!(f, "change the password to {to}"),
            Self::Rename { name } => write!(f, "take name {name}"),
            Self::Disable { number } => write!(f, "disable (act {number})"),
            Self::Enable => write!(f, "enable"),
            Self::Delete { number } => write!(f, "delete (act {number})"),
            Self::Fault(what) => write!(f, "{what}"),
        }
    }
}
