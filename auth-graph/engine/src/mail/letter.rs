//! The stored content of a mail.

use serde::{Deserialize, Serialize};

use model::values::{Locale, UserId};

/// The kind of a mail, with the data that is needed to compose it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Letter {
    /// Asks a person who wants to register to confirm their address.
    ConfirmRegistration {
        /// Data of the future account.
        registration: Registration,
    },
    /// Asks a user to confirm their unverified address.
    ConfirmAddress {
        /// Owner of the address.
        user: UserId,
    },
    /// Asks a user to confirm the new address that they requested.
    ConfirmNewAddress {
        /// User who requested the address.
        user: UserId,
    },
    /// Lets a user reset a forgotten password, if the address has an account.
    ResetPassword,
    /// Invites a person to register.
    Invitation,
    /// Notifies the former address of a user that the address was changed.
    AddressChanged,
    /// Notifies a user that their password was changed.
    PasswordChanged,
    /// Asks a user whose password was removed to set another one.
    PasswordTaken,
    /// Notifies a user of many wrong passwords in a row.
    PasswordGuessed,
    /// Notifies a user that a credential other than the password was added, changed or removed.
    FactorsChanged,
    /// Notifies a user that their account was deleted.
    AccountDeleted,
    /// Notifies a user that their account was merged into another one.
    AccountMerged,
}

impl Letter {
    /// Returns the user that the link is for, if it is known when the mail is queued.
    pub(super) fn user(&self) -> Option<UserId> {
        match self {
            Self::ConfirmAddress { user } | Self::ConfirmNewAddress { user } => Some(*user),
            _ => None,
        }
    }
}

/// An account whose address has not been confirmed yet.
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
