//! What a stored mail says, and the data that it takes to write it.

use serde::{Deserialize, Serialize};

use model::values::{Locale, UserId};

/// The content of a mail, and the data that it takes to write it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Letter {
    /// To a person who wants to register, with the data of the account.
    ConfirmRegistration {
        /// The account to be.
        registration: Registration,
    },
    /// To a user whose address was not shown to be theirs.
    ConfirmAddress {
        /// User who has the address.
        user: UserId,
    },
    /// To the address that a user wants to have.
    ConfirmNewAddress {
        /// User who wants the address.
        user: UserId,
    },
    /// To a user who has forgotten the password, if there is one.
    ResetPassword,
    /// To a person who may register.
    Invitation,
    /// To the address that a user has had.
    AddressChanged,
    /// To a user with a new password.
    PasswordChanged,
    /// To a user who must set another password.
    PasswordTaken,
    /// To a user with a new, changed or removed credential other than the password.
    FactorsChanged,
    /// To a user who was deleted.
    AccountDeleted,
    /// To a user whose account has become part of another one.
    AccountMerged,
}

impl Letter {
    /// The user whom the link is for, where that is known now.
    pub(super) fn user(&self) -> Option<UserId> {
        match self {
            Self::ConfirmAddress { user } | Self::ConfirmNewAddress { user } => Some(*user),
            _ => None,
        }
    }
}

/// An account that waits for its address to be confirmed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Registration {
    pub(crate) password_hash: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) locale: Option<Locale>,
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Registration").finish_non_exhaustive()
    }
}
