//! Invariants about the processes: their answers, their logs, and that they come back.

use errors::Code;

use crate::finding::Finding;
use crate::history::{Event, History, Outcome, WITHOUT_CODE};
use crate::observed::Observed;

/// No fault is answered INTERNAL, or with an error that has no code.
pub fn nothing_is_answered_internal(history: &History, _: &Observed) -> Vec<Finding> {
    let internal = |event: &&Event| match &event.outcome {
        Outcome::Refused(code) => code == Code::Internal.as_str() || code == WITHOUT_CODE,
        _ => false,
    };
    history.events.iter().filter(internal).map(|event| Finding::at(history, event, "a bad answer")).collect()
}

/// No process panics, and no password or token is in a log.
pub fn no_log_has_a_panic_or_a_secret(_: &History, observed: &Observed) -> Vec<Finding> {
    let remarks = observed.remarks.iter();
    remarks.map(|remark| Finding::new(format!("{}:{} has {}", remark.file, remark.line, remark.what))).collect()
}

/// After the faults, every process is ready.
pub fn every_process_comes_back(_: &History, observed: &Observed) -> Vec<Finding> {
    observed.unready.iter().map(|name| Finding::new(format!("{name} is not ready"))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, refused};
    use super::*;
    use crate::history::Act;
    use crate::observed::Remark;

    #[test]
    fn an_internal_error_is_a_finding() {
        for (code, expected) in [("INTERNAL", 1), (WITHOUT_CODE, 1), ("UNAVAILABLE", 0)] {
            let (mut story, session) = Story::signed_in();
            story.act(Some(session), Act::AskService, refused(code));
            assert_eq!(nothing_is_answered_internal(&story.history, &Observed::default()).len(), expected);
        }
    }

    #[test]
    fn a_remark_about_a_log_and_a_process_that_stays_away_are_findings() {
        let remark = Remark { file: "replica-0.log".to_owned(), line: 7, what: "a panic".to_owned() };
        let unready = vec!["service 0".to_owned()];
        let observed = Observed { remarks: vec![remark], unready, ..Observed::default() };
        let findings = no_log_has_a_panic_or_a_secret(&History::default(), &observed);
        assert_eq!(findings, [Finding::new("replica-0.log:7 has a panic")]);
        let findings = every_process_comes_back(&History::default(), &observed);
        assert_eq!(findings, [Finding::new("service 0 is not ready")]);
    }
}
