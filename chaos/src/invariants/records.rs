//! Invariants about the outbox and the mirrors.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::history::History;
use crate::observed::{Observed, UserRow};

/// The positions of the outbox are 1, 2, 3 and so on.
pub fn the_outbox_has_no_gap(_: &History, observed: &Observed) -> Vec<Finding> {
    let expected = 1..;
    let wrong = observed.changes.iter().zip(expected).find(|(change, position)| change.position != *position);
    let found = wrong.map(|(change, position)| format!("position {position} of the outbox is {}", change.position));
    found.map(Finding::new).into_iter().collect()
}

/// The changes of each user have the versions 1, 2, 3 and so on, and the last is that of the user.
pub fn the_versions_of_a_user_are_in_order(_: &History, observed: &Observed) -> Vec<Finding> {
    let mut versions: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for change in &observed.changes {
        if let Some(user) = &change.user {
            versions.entry(user).or_default().push(change.version);
        }
    }
    let mut findings = Vec::new();
    for user in &observed.users {
        let found = versions.remove(user.id.as_str()).unwrap_or_default();
        if found != (1..=user.version).collect::<Vec<_>>() {
            let what = format!("user {} has version {} and the changes {found:?}", user.id, user.version);
            findings.push(Finding::new(what));
        }
    }
    findings.extend(versions.keys().map(|user| Finding::new(format!("the outbox has a user {user} who is missing"))));
    findings
}

/// Each mirror has the users of auth-graph and no others, with the same values in every field.
pub fn the_mirrors_equal_auth_graph(_: &History, observed: &Observed) -> Vec<Finding> {
    let mirrors = observed.mirrors.iter().enumerate();
    let differences = mirrors.flat_map(|(number, mirror)| {
        differences(&observed.users, mirror)
            .into_iter()
            .map(move |what| format!("the mirror of service {number}: {what}"))
    });
    differences.map(Finding::new).collect()
}

/// Returns how a mirror differs from the users of auth-graph. It need not have the users who were deleted.
#[must_use]
pub fn differences(users: &[UserRow], mirror: &[UserRow]) -> Vec<String> {
    let mut rows: BTreeMap<&str, &UserRow> = mirror.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut differences = Vec::new();
    for user in users {
        match rows.remove(user.id.as_str()) {
            None if user.deleted_at.is_some() => {}
            None => differences.push(format!("user {} is missing", user.id)),
            Some(row) if row == user => {}
            Some(row) => {
                let fields = user.fields.iter().filter(|(name, value)| row.fields.get(*name) != Some(*value));
                let fields: Vec<_> = fields.map(|(name, _)| name.as_str()).collect();
                let versions = format!("version {} in place of {}", row.version, user.version);
                differences.push(format!("user {} has {versions}, and differs in {fields:?}", user.id));
            }
        }
    }
    differences.extend(rows.keys().map(|id| format!("user {id} does not exist")));
    differences
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, ada};
    use super::*;

    #[test]
    fn a_gap_or_a_repetition_in_the_outbox_is_a_finding() {
        let (history, mut observed) = Story::in_which_all_is_well();
        observed.changes.remove(2);
        assert_eq!(the_outbox_has_no_gap(&history, &observed).len(), 1);
        let repeated = observed.changes[1].clone();
        observed.changes[2] = repeated;
        assert_eq!(the_outbox_has_no_gap(&history, &observed).len(), 1);
    }

    #[test]
    fn versions_out_of_order_or_missing_are_a_finding() {
        for broken in [[1, 3, 2], [1, 1, 2], [1, 2, 4], [2, 3, 4]] {
            let (history, mut observed) = Story::in_which_all_is_well();
            let users = observed.changes.iter_mut().filter(|change| change.user.is_some());
            users.zip(broken).for_each(|(change, version)| change.version = version);
            assert_eq!(the_versions_of_a_user_are_in_order(&history, &observed).len(), 1, "{broken:?}");
        }
        let (history, mut observed) = Story::in_which_all_is_well();
        observed.users.clear();
        assert_eq!(the_versions_of_a_user_are_in_order(&history, &observed).len(), 1);
    }

    #[test]
    fn a_mirror_that_lacks_a_user_or_a_change_or_has_too_much_is_a_finding() {
        let (history, observed) = Story::in_which_all_is_well();
        let stranger = UserRow { id: "eve".to_owned(), ..ada(1, 0) };
        for mirror in [vec![], vec![ada(2, 1)], vec![ada(3, 0)], vec![ada(3, 1), stranger]] {
            let observed = Observed { mirrors: vec![observed.users.clone(), mirror.clone()], ..observed.clone() };
            let findings = the_mirrors_equal_auth_graph(&history, &observed);
            assert_eq!(findings.len(), 1, "{mirror:?}");
            assert!(findings[0].what.contains("service 1"));
        }
    }

    #[test]
    fn a_deleted_user_is_missing_in_a_mirror_or_deleted_there() {
        let deleted =
            |version| UserRow { deleted_at: Some("now".to_owned()), fields: BTreeMap::new(), ..ada(version, 0) };
        assert!(differences(&[deleted(2)], &[]).is_empty());
        assert!(differences(&[deleted(2)], &[deleted(2)]).is_empty());
        assert_eq!(differences(&[deleted(2)], &[ada(1, 0)]).len(), 1);
    }
}
