//! What must be true after every run. Each invariant is a function of the history and of what was found at the end,
//! and returns what breaks it.

pub mod accounts;
pub mod audit;
pub mod records;
pub mod services;
#[cfg(test)]
mod story;
pub mod tokens;

use crate::finding::Finding;
use crate::history::History;
use crate::observed::Observed;

type Check = fn(&History, &Observed) -> Vec<Finding>;

/// The invariants by their names.
pub const ALL: [(&str, Check); 17] = [
    ("a good token is never refused", tokens::a_good_token_is_never_refused),
    ("one token has one successor", tokens::one_token_has_one_successor),
    ("an outdated token yields no pair", tokens::an_outdated_token_yields_no_pair),
    ("a stolen token ends its session", tokens::a_stolen_token_ends_its_session),
    ("a delayed token ends nothing", tokens::a_delayed_token_ends_nothing),
    ("an ended session yields no pair", tokens::an_ended_session_yields_no_pair),
    ("what was ended is refused everywhere", tokens::what_was_ended_is_refused_everywhere),
    ("the right password signs in", accounts::the_right_password_signs_in),
    ("a replaced password signs nobody in", accounts::a_replaced_password_signs_nobody_in),
    ("every answered write is there", accounts::every_answered_write_is_there),
    ("the audit log has every act once", audit::the_audit_log_has_every_act_once),
    ("the outbox has no gap", records::the_outbox_has_no_gap),
    ("the versions of a user are in order", records::the_versions_of_a_user_are_in_order),
    ("the mirrors equal auth-graph", records::the_mirrors_equal_auth_graph),
    ("nothing is answered INTERNAL", services::nothing_is_answered_internal),
    ("no log has a panic or a secret", services::no_log_has_a_panic_or_a_secret),
    ("every process comes back", services::every_process_comes_back),
];

#[cfg(test)]
mod tests {
    use super::story::Story;
    use super::*;

    #[test]
    fn a_run_in_which_all_is_well_breaks_nothing() {
        let (history, observed) = Story::in_which_all_is_well();
        for (name, check) in ALL {
            assert_eq!(check(&history, &observed), [], "{name}");
        }
    }
}
