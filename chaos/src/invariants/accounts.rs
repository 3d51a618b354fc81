//! Invariants about accounts: passwords, names, and whether they are active.

use errors::Code;
use serde_json::json;

use crate::finding::Finding;
use crate::history::{Act, Event, History, Outcome};
use crate::observed::{Observed, UserRow};

/// A password that was set, and not replaced since, signs its owner in, unless the account may be disabled or deleted.
pub fn the_right_password_signs_in(history: &History, _: &Observed) -> Vec<Finding> {
    let refused = history.events.iter().filter(|event| event.outcome.is_refused_with(Code::InvalidCredentials));
    let right = refused.filter(|event| match (&event.act, event.account) {
        (Act::LogIn { password }, Some(account)) => {
            is_surely_set(history, event, account, *password) && !may_be_inactive(history, event, account)
        }
        _ => false,
    });
    right.map(|event| Finding::at(history, event, "the password was right")).collect()
}

fn is_surely_set(history: &History, log_in: &Event, account: usize, password: u32) -> bool {
    let sets = |event: &&Event| match event.act {
        Act::Create => password == 0 && (event.outcome.is_success() || event.outcome.is_refused_with(Code::Conflict)),
        Act::ChangePassword { to } => to == password && event.outcome.is_success(),
        Act::LogIn { password: used } => used == password && event.outcome.is_success(),
        _ => false,
    };
    let set = history.of_account(account).filter(sets).filter(|event| event.end < log_in.start);
    let Some(set) = set.map(|event| event.start).max() else { return false };
    let replaces = |event: &Event| {
        let other = matches!(event.act, Act::ChangePassword { to } if to != password);
        other && event.outcome.may_have_happened() && event.until() > set && event.start < log_in.end
    };
    !history.of_account(account).any(replaces)
}

fn may_be_inactive(history: &History, log_in: &Event, account: usize) -> bool {
    let enabled_since = |disabled: &Event| {
        history.of_account(account).any(|event| {
            let answered = event.act == Act::Enable && event.outcome.is_success();
            answered && event.start > disabled.until() && event.end < log_in.start
        })
    };
    history.of_account(account).filter(|event| event.outcome.may_have_happened() && event.start < log_in.end).any(
        |event| match event.act {
            Act::Disable { .. } => !enabled_since(event),
            Act::Delete { .. } => true,
            _ => false,
        },
    )
}

/// After the answer that the password was changed, no earlier password signs in.
pub fn a_replaced_password_signs_nobody_in(history: &History, _: &Observed) -> Vec<Finding> {
    let replaced = |event: &&Event| {
        let (Act::LogIn { password }, Some(account)) = (&event.act, event.account) else { return false };
        let changed = |other: &Event| matches!(other.act, Act::ChangePassword { to } if to > *password);
        let mut changes = history.of_account(account).filter(|other| changed(other) && other.outcome.is_success());
        event.outcome.is_success() && changes.any(|change| change.end < event.start)
    };
    let accepted = history.events.iter().filter(replaced);
    accepted.map(|event| Finding::at(history, event, "the password had been replaced")).collect()
}

/// Accounts, names, deletions and the state of accounts are in the database as they were answered.
pub fn every_answered_write_is_there(history: &History, observed: &Observed) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, account) in history.accounts.iter().enumerate() {
        let of_account = |user: &&UserRow| match &account.id {
            Some(id) => user.id == *id,
            None => user.fields.get("email") == Some(&json!(account.email)),
        };
        let acts = |wanted: fn(&Act) -> bool| history.of_account(number).filter(move |event| wanted(&event.act));
        // An account that exists already was created by an earlier try.
        let is_created = |event: &&Event| event.outcome.is_success() || event.outcome.is_refused_with(Code::Conflict);
        let Some(created) = acts(|act| *act == Act::Create).find(is_created) else { continue };
        let mut lost = |event: &Event, what: &str| findings.push(Finding::at(history, event, what));
        let Some(user) = observed.users.iter().find(of_account) else {
            lost(created, "the account is missing");
            continue;
        };
        let deletions = || acts(|act| matches!(act, Act::Delete { .. }));
        match (user.deleted_at.is_some(), deletions().find(|event| event.outcome.is_success())) {
            (false, Some(deleted)) => lost(deleted, "the account is not deleted"),
            (true, None) if !deletions().any(|event| event.outcome.may_have_happened()) => {
                lost(created, "the account is deleted, and nobody did that");
            }
            _ => {}
        }
        if user.deleted_at.is_some() {
            continue;
        }
        let renames: Vec<_> = acts(|act| matches!(act, Act::Rename { .. })).collect();
        let (last, possible) = possible(&renames);
        let names = possible.iter().filter_map(|event| match event.act {
            Act::Rename { name } => Some(format!("name-{name}")),
            _ => None,
        });
        let first = last.is_none().then(|| "name-0".to_owned());
        let found = user.fields.get("first_name").and_then(|name| name.as_str()).unwrap_or_default();
        if !names.chain(first).any(|name| name == found) {
            lost(last.unwrap_or(created), &format!("the name is {found:?}"));
        }
        let switches: Vec<_> = acts(|act| matches!(act, Act::Disable { .. } | Act::Enable)).collect();
        let (last, possible) = self::possible(&switches);
        let is_active = user.fields.get("is_active") == Some(&json!(true));
        let unchanged = last.is_none() && is_active;
        if !unchanged && !possible.iter().any(|event| (event.act == Act::Enable) == is_active) {
            lost(last.unwrap_or(created), if is_active { "the account is enabled" } else { "the account is disabled" });
        }
    }
    findings
}

/// Returns the last write that was answered, and all that may have been the last one.
fn possible<'a>(writes: &[&'a Event]) -> (Option<&'a Event>, Vec<&'a Event>) {
    let last = writes.iter().rfind(|event| event.outcome.is_success()).copied();
    let may_be_later = |event: &&&Event| {
        let happened = event.outcome.may_have_happened() && event.outcome != Outcome::Done;
        happened && last.is_none_or(|last| event.until() > last.start)
    };
    (last, writes.iter().filter(may_be_later).copied().chain(last).collect())
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, ada, refused};
    use super::*;

    fn found(users: Vec<UserRow>) -> Observed {
        Observed { users, ..Observed::default() }
    }

    #[test]
    fn a_refused_password_is_a_finding_if_it_was_right() {
        let log_in = || (Act::LogIn { password: 0 }, refused("INVALID_CREDENTIALS"));
        let after = |acts: &[(Act, Outcome)]| {
            let mut story = Story::begin();
            for (act, outcome) in acts.iter().cloned().chain([log_in()]) {
                story.act(None, act, outcome);
            }
            the_right_password_signs_in(&story.history, &found(Vec::new())).len()
        };
        assert_eq!(after(&[]), 1);
        assert_eq!(after(&[(Act::ChangePassword { to: 1 }, Outcome::GivenUp)]), 0);
        assert_eq!(after(&[(Act::ChangePassword { to: 1 }, refused("TOKEN_REVOKED"))]), 1);
        let disabled = (Act::Disable { number: 1 }, Outcome::Done);
        assert_eq!(after(std::slice::from_ref(&disabled)), 0);
        assert_eq!(after(&[disabled, (Act::Enable, Outcome::Done)]), 1);
        assert_eq!(after(&[(Act::Delete { number: 1 }, Outcome::Cut)]), 0);
    }

    #[test]
    fn a_password_that_was_replaced_and_still_works_is_a_finding() {
        for (outcome, expected) in [(Outcome::Done, 1), (Outcome::GivenUp, 0)] {
            let (mut story, session) = Story::signed_in();
            story.act(Some(session), Act::ChangePassword { to: 1 }, outcome);
            story.log_in(0);
            assert_eq!(a_replaced_password_signs_nobody_in(&story.history, &found(Vec::new())).len(), expected);
        }
    }

    #[test]
    fn a_write_that_was_answered_and_is_missing_is_a_finding() {
        let missing = |act: Act, outcome: Outcome, users: Vec<UserRow>| {
            let mut story = Story::begin();
            story.act(None, act, outcome);
            every_answered_write_is_there(&story.history, &found(users)).len()
        };
        let rename = || Act::Rename { name: 1 };
        assert_eq!(missing(rename(), Outcome::Done, vec![ada(2, 1)]), 0);
        assert_eq!(missing(rename(), Outcome::Done, vec![ada(1, 0)]), 1);
        assert_eq!(missing(rename(), Outcome::Cut, vec![ada(1, 0)]), 0);
        assert_eq!(missing(rename(), refused("TOKEN_EXPIRED"), vec![ada(2, 1)]), 1, "it was not done");
        assert_eq!(missing(rename(), Outcome::Done, Vec::new()), 1);
        let disable = || Act::Disable { number: 1 };
        assert_eq!(missing(disable(), Outcome::Done, vec![ada(1, 0)]), 1);
        assert_eq!(missing(disable(), Outcome::GivenUp, vec![ada(1, 0)]), 0);
        let delete = || Act::Delete { number: 1 };
        let deleted = UserRow { deleted_at: Some("now".to_owned()), ..ada(2, 0) };
        assert_eq!(missing(delete(), Outcome::Done, vec![ada(2, 0)]), 1);
        assert_eq!(missing(delete(), Outcome::Done, vec![deleted.clone()]), 0);
        assert_eq!(missing(rename(), Outcome::Cut, vec![deleted]), 1, "nobody deleted it");
    }

    #[test]
    fn a_name_that_was_given_up_may_come_late_but_not_after_half_a_minute() {
        for (seconds, expected) in [(5, 0), (60, 1)] {
            let mut story = Story::begin();
            story.act(None, Act::Rename { name: 1 }, Outcome::GivenUp).wait(seconds);
            story.act(None, Act::Rename { name: 2 }, Outcome::Done);
            assert_eq!(every_answered_write_is_there(&story.history, &found(vec![ada(3, 1)])).len(), expected);
        }
    }
}
