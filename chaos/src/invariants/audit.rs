//! The invariant about the audit log.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use errors::Code;

use crate::administrator::reason_of;
use crate::finding::Finding;
use crate::history::{Act, Event, History, Outcome};
use crate::observed::Observed;

/// Each act of an administrator, and each change of a password, is in the audit log once, however often it was sent.
///
/// A try that was given up and is executed after the account was changed back is an act of its own.
pub fn the_audit_log_has_every_act_once(history: &History, observed: &Observed) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, account) in history.accounts.iter().enumerate() {
        let Some(id) = &account.id else { continue };
        for act in acts_of(history, number) {
            let of_act = observed.audit.iter().filter(|row| {
                row.target == *id && row.action == act.action && (act.reason.is_none() || row.reason == act.reason)
            });
            let found = of_act.count();
            if !act.expected.contains(&found) {
                let what = format!("the audit log of account {number} has {} {found} times", act.action);
                let tried = act.tries.last();
                findings.push(tried.map_or_else(|| Finding::new(&what), |event| Finding::at(history, event, &what)));
            }
        }
    }
    findings
}

/// An act, or all acts of one kind that the audit log does not tell apart.
struct Recorded<'a> {
    action: &'static str,
    reason: Option<String>,
    tries: Vec<&'a Event>,
    expected: RangeInclusive<usize>,
}

fn acts_of(history: &History, account: usize) -> Vec<Recorded<'_>> {
    let mut by_act: BTreeMap<(&'static str, u32), Vec<&Event>> = BTreeMap::new();
    // Successive tries to enable are one act; a try to disable comes between two acts.
    let mut round = 0;
    for event in history.of_account(account) {
        let key = match event.act {
            Act::Create => ("user.create", 0),
            Act::Disable { number } => {
                round = number;
                ("user.disable", number)
            }
            Act::Delete { number } => ("user.delete", number),
            Act::ChangePassword { to } => ("user.change_password", to),
            Act::Enable => ("user.enable", round),
            _ => continue,
        };
        by_act.entry(key).or_default().push(event);
    }
    let mut acts = Vec::new();
    let mut together: BTreeMap<&'static str, Recorded<'_>> = BTreeMap::new();
    for ((action, number), tries) in by_act {
        let expected = expected(&tries);
        if matches!(action, "user.disable" | "user.delete") {
            acts.push(Recorded { action, reason: Some(reason_of(number)), tries, expected });
            continue;
        }
        let all = || Recorded { action, reason: None, tries: Vec::new(), expected: 0..=0 };
        let all = together.entry(action).or_insert_with(all);
        all.expected = all.expected.start() + expected.start()..=all.expected.end() + expected.end();
        all.tries.extend(tries);
    }
    acts.extend(together.into_values());
    acts
}

/// Returns how often an act may be in the log after these tries.
fn expected(tries: &[&Event]) -> RangeInclusive<usize> {
    let answered = |event: &&&Event| {
        // The object of a repeated act has gone, or exists.
        let repeated = [Code::NotFound, Code::Conflict].iter().any(|code| event.outcome.is_refused_with(*code));
        event.outcome.is_success() || repeated
    };
    let given_up = tries.iter().filter(|event| event.outcome == Outcome::GivenUp).count();
    let others = tries.iter().filter(|event| event.outcome != Outcome::GivenUp);
    let by_now = others.filter(|event| event.outcome.may_have_happened()).count().min(1);
    let is_answered = tries.iter().any(|event| answered(&event));
    // An earlier try that comes late can take the place of the answered one, which then makes no difference.
    let least = usize::from(is_answered && given_up == 0);
    least..=(by_now + given_up).max(least)
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, refused};
    use super::*;
    use crate::observed::AuditRow;

    fn findings(acts: &[(Act, Outcome)], audit: &[(&str, Option<u32>)]) -> usize {
        let mut story = Story::begin();
        for (act, outcome) in acts.iter().cloned() {
            story.act(None, act, outcome);
        }
        let row = |(action, number): &(&str, Option<u32>)| AuditRow {
            action: (*action).to_owned(),
            target: "ada".to_owned(),
            reason: number.map(reason_of),
        };
        let created = ("user.create", None);
        let audit = audit.iter().chain([&created]).map(row).collect();
        the_audit_log_has_every_act_once(&story.history, &Observed { audit, ..Observed::default() }).len()
    }

    #[test]
    fn an_act_that_is_missing_or_recorded_twice_is_a_finding() {
        let disable = |outcome| (Act::Disable { number: 3 }, outcome);
        let row = ("user.disable", Some(3));
        let tries = [disable(Outcome::Cut), disable(refused("UNAVAILABLE")), disable(Outcome::Done)];
        assert_eq!(findings(&tries, &[row]), 0);
        assert_eq!(findings(&tries, &[]), 1);
        assert_eq!(findings(&tries, &[row, row]), 1);
        assert_eq!(findings(&tries, &[("user.disable", Some(4))]), 1, "the reason is of another act");
    }

    #[test]
    fn a_try_that_was_given_up_may_come_late() {
        let row = ("user.disable", Some(3));
        let tries = [(Act::Disable { number: 3 }, Outcome::GivenUp), (Act::Disable { number: 3 }, Outcome::Done)];
        assert_eq!(findings(&tries, &[row, row]), 0);
        assert_eq!(findings(&tries, &[row, row, row]), 1);
    }

    #[test]
    fn acts_that_the_log_does_not_tell_apart_are_counted() {
        let rounds = [
            (Act::Disable { number: 1 }, Outcome::Done),
            (Act::Enable, Outcome::Cut),
            (Act::Enable, Outcome::Done),
            (Act::Disable { number: 2 }, Outcome::Done),
            (Act::Enable, Outcome::Done),
        ];
        let (first, second, enabled) = (("user.disable", Some(1)), ("user.disable", Some(2)), ("user.enable", None));
        assert_eq!(findings(&rounds, &[first, enabled, second, enabled]), 0);
        assert_eq!(findings(&rounds, &[first, enabled, second]), 1);
        assert_eq!(findings(&rounds, &[first, enabled, enabled, second, enabled]), 1);
    }

    #[test]
    fn a_refused_act_is_not_recorded() {
        let refused = [(Act::ChangePassword { to: 1 }, refused("TOKEN_REVOKED"))];
        assert_eq!(findings(&refused, &[]), 0);
        assert_eq!(findings(&refused, &[("user.change_password", None)]), 1);
    }
}
