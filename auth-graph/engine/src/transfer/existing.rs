//! Existing users that the rows of an import are compared with.

use std::collections::{HashMap, HashSet};

use sea_orm::{ConnectionTrait, DbErr};

use super::Refused;
use super::row::{Label, Prepared, Rejected};
use model::values::{Email, UserId, Username};
use store::{user_numbers, users};

/// The existing users, by their unique values.
#[derive(Default)]
pub(super) struct ExistingUsers {
    by_email: HashMap<Email, UserId>,
    by_username: HashMap<Username, UserId>,
    by_id: HashSet<UserId>,
    by_number: HashMap<i64, UserId>,
}

impl ExistingUsers {
    /// Finds the users in the database that have a unique value of one of these rows.
    pub(super) async fn among(txn: &impl ConnectionTrait, prepared: &[(Label, Prepared)]) -> Result<Self, DbErr> {
        let emails: Vec<Email> = prepared.iter().map(|(_, row)| row.user.email.clone()).collect();
        let names: Vec<Username> = prepared.iter().filter_map(|(_, row)| row.user.username.clone()).collect();
        let ids: Vec<UserId> = prepared.iter().map(|(_, row)| row.user.id).collect();
        let numbers: Vec<i64> = prepared.iter().filter_map(|(_, row)| row.number).collect();
        let given = user_numbers::given(txn, &numbers).await?;
        Ok(Self {
            by_email: users::ids_by_email(txn, &emails).await?.into_iter().collect(),
            by_username: users::ids_by_username(txn, &names).await?.into_iter().collect(),
            by_id: users::known_ids(txn, &ids).await?.into_iter().collect(),
            by_number: given.into_iter().map(|row| (row.number, row.user_id)).collect(),
        })
    }

    /// Sorts the rows into new users and users who exist already, and rejects those that conflict with another user.
    pub(super) fn sort<'a>(&mut self, prepared: &'a [(Label, Prepared)], rejected: &mut Vec<Rejected>) -> Sorted<'a> {
        let mut sorted = Sorted { new: Vec::with_capacity(prepared.len()), here_already: Vec::new() };
        for (label, row) in prepared {
            match self.place_of(row) {
                Place::New => {
                    self.by_email.insert(row.user.email.clone(), row.user.id);
                    self.by_username.extend(row.user.username.clone().map(|name| (name, row.user.id)));
                    self.by_id.insert(row.user.id);
                    self.by_number.extend(row.number.map(|number| (number, row.user.id)));
                    sorted.new.push(row);
                }
                Place::Taken(code, field) => {
                    rejected.push(Rejected { label: label.clone(), refusal: code.of(field) });
                }
                Place::Of(user) => sorted.here_already.push((user, row)),
            }
        }
        sorted
    }

    fn place_of(&self, row: &Prepared) -> Place {
        let by_email = self.by_email.get(&row.user.email).copied();
        let by_username = row.user.username.as_ref().and_then(|name| self.by_username.get(name).copied());
        // A user without an address is known by the user name.
        let holder = by_email.or(by_username);
        let by_number = row.number.and_then(|number| self.by_number.get(&number).copied());
        let namesake = by_number.or(self.by_id.contains(&row.user.id).then_some(row.user.id));
        match (namesake, holder) {
            (Some(namesake), Some(holder)) if namesake == holder => Place::Of(holder),
            (Some(_), _) if by_number.is_some() => Place::Taken(Refused::IdTaken, "number"),
            (Some(_), _) => Place::Taken(Refused::IdTaken, "id"),
            (None, Some(_)) if by_email.is_some() => Place::Taken(Refused::EmailTaken, "email"),
            (None, Some(_)) => Place::Taken(Refused::UsernameTaken, "username"),
            (None, None) => Place::New,
        }
    }
}

/// The place of a row among the existing users.
enum Place {
    New,
    /// Another user has the value of this field.
    Taken(Refused, &'static str),
    /// The user exists already.
    Of(UserId),
}

/// Rows of a batch, by what becomes of them.
pub(super) struct Sorted<'a> {
    /// Users who do not exist yet, without duplicates.
    pub(super) new: Vec<&'a Prepared>,
    /// Users who exist already, with their identifiers here.
    pub(super) here_already: Vec<(UserId, &'a Prepared)>,
}
