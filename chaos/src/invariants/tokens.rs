//! Invariants about tokens and sessions.

use std::collections::HashMap;
use std::time::Duration;

use errors::Code;

use crate::finding::Finding;
use crate::history::{Act, Event, History, Outcome};
use crate::observed::Observed;

/// The age from which an access token may be refused as expired. It lives for five minutes.
const OLD: Duration = Duration::from_secs(240);

/// Codes that blame the token or its holder.
const BLAME: [Code; 6] = [
    Code::TokenInvalid,
    Code::TokenRevoked,
    Code::TokenReused,
    Code::TokenExpired,
    Code::Unauthenticated,
    Code::Forbidden,
];

/// A token whose session nobody has ended is never refused. UNAVAILABLE and RATE_LIMITED are allowed, as the token
/// stays good.
pub fn a_good_token_is_never_refused(history: &History, _: &Observed) -> Vec<Finding> {
    let blamed = history.events.iter().filter(|event| !matches!(event.act, Act::Replay { .. } | Act::LogIn { .. }));
    let blamed = blamed.filter(|event| BLAME.iter().any(|code| event.outcome.is_refused_with(*code)));
    let innocent = blamed.filter(|event| match event.session {
        Some(session) => !history.may_have_ended(session, event.end) && !has_expired(history, event, session),
        // Administrators renew their tokens in time, and nobody ends their sessions.
        None => true,
    });
    innocent.map(|event| Finding::at(history, event, "nobody had ended the session")).collect()
}

/// Returns whether the access token of an event was old. A refresh token is good for weeks.
fn has_expired(history: &History, event: &Event, session: usize) -> bool {
    if !event.outcome.is_refused_with(Code::TokenExpired) || matches!(event.act, Act::Refresh { .. } | Act::LogOut) {
        return false;
    }
    let of_session = history.of_account(history.sessions[session]).filter(|other| other.session == Some(session));
    let issued = of_session.filter(|other| matches!(other.outcome, Outcome::Pair(_)) && other.end < event.start);
    issued.map(|other| other.start).max().is_none_or(|issued| issued + OLD < event.end)
}

/// All answers to one refresh token contain the same successor, however often it is used.
pub fn one_token_has_one_successor(history: &History, _: &Observed) -> Vec<Finding> {
    let mut successors = HashMap::new();
    let mut findings = Vec::new();
    for event in &history.events {
        let (Act::Refresh { generation }, Outcome::Pair(successor)) = (&event.act, &event.outcome) else { continue };
        if successors.entry((event.session, generation)).or_insert(successor) != &successor {
            findings.push(Finding::at(history, event, "another successor than before"));
        }
    }
    findings
}

/// A refresh token is worth nothing once its successor was replaced.
pub fn an_outdated_token_yields_no_pair(history: &History, _: &Observed) -> Vec<Finding> {
    let outdated = |event: &&Event| matches!(event.act, Act::Replay { generation, newest } if newest >= generation + 2);
    let pairs = history.events.iter().filter(outdated).filter(|event| event.outcome.is_success());
    pairs.map(|event| Finding::at(history, event, "an outdated token got a pair")).collect()
}

/// An outdated token that cannot have been delayed ends its session, and its answer says so.
pub fn a_stolen_token_ends_its_session(history: &History, _: &Observed) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (place, event) in history.events.iter().enumerate() {
        let Act::Replay { .. } = event.act else { continue };
        if !history.is_theft(event) || event.outcome.is_success() {
            continue;
        }
        let again = |other: &Event| other.session == event.session && other.act == event.act;
        let is_last = !history.events[place + 1..].iter().any(again);
        let is_right = match &event.outcome {
            // The thief may have been the second to end it.
            Outcome::Refused(code) if code == Code::TokenRevoked.as_str() => {
                event.session.is_none_or(|session| history.may_have_ended(session, event.start))
            }
            Outcome::Refused(code) if code == Code::TokenReused.as_str() => true,
            outcome => {
                outcome.asks_for_another_try() && (!is_last || matches!(outcome, Outcome::Cut | Outcome::GivenUp))
            }
        };
        if !is_right {
            findings.push(Finding::at(history, event, "a stolen token was not answered as one"));
        }
    }
    findings
}

/// An outdated token whose successor was replaced less than a minute ago is refused, and its session goes on.
pub fn a_delayed_token_ends_nothing(history: &History, _: &Observed) -> Vec<Finding> {
    let delayed = |event: &&Event| matches!(event.act, Act::Replay { .. }) && history.is_prompt(event);
    let ended = history.events.iter().filter(delayed).filter(|event| event.outcome.is_refused_with(Code::TokenReused));
    ended.map(|event| Finding::at(history, event, "a request that may have been delayed ended its session")).collect()
}

/// After the answer that a session has ended, none of its refresh tokens gets a pair.
pub fn an_ended_session_yields_no_pair(history: &History, _: &Observed) -> Vec<Finding> {
    let ends: HashMap<_, _> =
        (0..history.sessions.len()).filter_map(|session| Some((session, history.surely_ended_at(session)?))).collect();
    let late = |event: &&Event| {
        let refreshes = matches!(event.act, Act::Refresh { .. } | Act::Replay { .. }) && event.outcome.is_success();
        let ended = event.session.and_then(|session| ends.get(&session));
        refreshes && ended.is_some_and(|ended| *ended < event.start)
    };
    let pairs = history.events.iter().filter(late);
    pairs.map(|event| Finding::at(history, event, "a pair after the end of the session")).collect()
}

/// Some seconds after the faults, every process refuses the access tokens of ended sessions.
pub fn what_was_ended_is_refused_everywhere(history: &History, observed: &Observed) -> Vec<Finding> {
    let accepted = observed.still_accepted.iter().map(|(session, place)| {
        let what = format!("{place} accepts the access token of session {session}, which had ended");
        match history.log_in_of(*session) {
            Some(log_in) => Finding::at(history, log_in, &what),
            None => Finding::new(what),
        }
    });
    accepted.collect()
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, refused};
    use super::*;

    fn none() -> Observed {
        Observed::default()
    }

    #[test]
    fn a_refused_token_is_a_finding_unless_something_may_have_ended_its_session() {
        let refusals = [Act::Refresh { generation: 0 }, Act::AskAuthGraph, Act::AskService, Act::LogOut];
        for act in refusals {
            for code in ["TOKEN_REVOKED", "TOKEN_INVALID", "TOKEN_REUSED", "TOKEN_EXPIRED"] {
                let (mut story, session) = Story::signed_in();
                story.act(Some(session), act.clone(), refused(code));
                assert_eq!(a_good_token_is_never_refused(&story.history, &none()).len(), 1, "{act} {code}");
            }
            for end in [Act::LogOutEverywhere, Act::Disable { number: 1 }, Act::ChangePassword { to: 1 }] {
                let (mut story, session) = Story::signed_in();
                story.act(None, end, Outcome::GivenUp).wait(20);
                story.act(Some(session), act.clone(), refused("TOKEN_REVOKED"));
                assert_eq!(a_good_token_is_never_refused(&story.history, &none()), []);
            }
        }
    }

    #[test]
    fn an_end_of_another_session_or_before_the_log_in_excuses_nothing() {
        let (mut story, session) = Story::signed_in();
        let other = story.log_in(0);
        story.act(Some(other), Act::LogOut, Outcome::Done);
        story.act(Some(session), Act::AskService, refused("TOKEN_REVOKED"));
        assert_eq!(a_good_token_is_never_refused(&story.history, &none()).len(), 1);

        let mut story = Story::begin();
        story.act(None, Act::LogOutEverywhere, Outcome::Done);
        let session = story.log_in(0);
        story.act(Some(session), Act::AskService, refused("TOKEN_REVOKED"));
        assert_eq!(a_good_token_is_never_refused(&story.history, &none()).len(), 1);
    }

    #[test]
    fn unavailability_and_the_age_of_an_access_token_are_no_findings() {
        let (mut story, session) = Story::signed_in();
        story.act(Some(session), Act::AskService, refused("UNAVAILABLE"));
        story.wait(300).act(Some(session), Act::AskService, refused("TOKEN_EXPIRED"));
        assert_eq!(a_good_token_is_never_refused(&story.history, &none()), []);
    }

    #[test]
    fn two_successors_of_one_token_are_a_finding() {
        let (mut story, session) = Story::signed_in();
        story.refresh(session, 0..1);
        story.refresh(session, 0..1);
        assert_eq!(one_token_has_one_successor(&story.history, &none()), []);
        story.act(Some(session), Act::Refresh { generation: 0 }, Outcome::Pair(7));
        assert_eq!(one_token_has_one_successor(&story.history, &none()).len(), 1);
    }

    #[test]
    fn a_thief_who_gets_a_pair_or_is_not_noticed_is_a_finding() {
        let after = |outcome: Outcome| {
            let (mut story, session) = Story::signed_in();
            story.refresh(session, 0..5);
            story.act(Some(session), Act::Replay { generation: 1, newest: 5 }, outcome);
            let findings = [an_outdated_token_yields_no_pair, a_stolen_token_ends_its_session];
            findings.map(|check| check(&story.history, &none()).len())
        };
        assert_eq!(after(refused("TOKEN_REUSED")), [0, 0]);
        assert_eq!(after(Outcome::Pair(9)), [1, 0]);
        assert_eq!(after(refused("UNAVAILABLE")), [0, 1]);
        assert_eq!(after(refused("TOKEN_REVOKED")), [0, 1], "nobody else has ended it");
    }

    #[test]
    fn a_token_that_comes_back_within_a_minute_of_its_replacement_must_not_end_the_session() {
        let after = |seconds: u64, code: &str| {
            let (mut story, session) = Story::signed_in();
            story.refresh(session, 0..2);
            story.wait(seconds);
            story.act(Some(session), Act::Replay { generation: 0, newest: 2 }, refused(code));
            let findings = [a_delayed_token_ends_nothing, a_stolen_token_ends_its_session];
            findings.map(|check| check(&story.history, &none()).len())
        };
        assert_eq!(after(5, "UNAVAILABLE"), [0, 0]);
        assert_eq!(after(5, "TOKEN_REUSED"), [1, 0]);
        assert_eq!(after(90, "TOKEN_REUSED"), [0, 0]);
        assert_eq!(after(90, "UNAVAILABLE"), [0, 1]);
    }

    #[test]
    fn the_refusal_of_a_delayed_token_is_no_excuse_for_the_end_of_its_session() {
        let (mut story, session) = Story::signed_in();
        story.refresh(session, 0..2);
        story.act(Some(session), Act::Replay { generation: 0, newest: 2 }, refused("UNAVAILABLE"));
        story.act(Some(session), Act::AskService, refused("TOKEN_REVOKED"));
        assert_eq!(a_good_token_is_never_refused(&story.history, &none()).len(), 1);
    }

    #[test]
    fn a_pair_after_an_answered_log_out_is_a_finding_and_one_after_an_unanswered_is_none() {
        for (outcome, expected) in [(Outcome::Done, 1), (Outcome::Cut, 0)] {
            let (mut story, session) = Story::signed_in();
            story.act(Some(session), Act::LogOut, outcome);
            story.refresh(session, 0..1);
            assert_eq!(an_ended_session_yields_no_pair(&story.history, &none()).len(), expected);
        }
    }

    #[test]
    fn an_accepted_token_of_an_ended_session_is_a_finding() {
        let (story, session) = Story::signed_in();
        let observed = Observed { still_accepted: vec![(session, "service 0".to_owned())], ..none() };
        let findings = what_was_ended_is_refused_everywhere(&story.history, &observed);
        assert!(findings[0].what.starts_with("service 0 accepts"), "{findings:?}");
    }
}
