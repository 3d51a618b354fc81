//! The result of a first proof, independent of its method.

use model::error::Result;
use model::values::Method;
use sea_orm::ConnectionTrait;
use store::{user_credentials, users};

use crate::limits::Attempt;

/// A user who has proved their identity, with the methods of the proof. It does not suffice for a session: see
/// [`super::challenge`].
#[derive(Debug)]
pub(super) struct Proof {
    /// The user.
    pub(super) user: users::Model,
    /// The methods of the proof.
    pub(super) methods: Vec<Method>,
    /// Credential that was compared; `None` when an identity provider vouches for the user.
    pub(super) compared: Option<ComparedCredential>,
    /// Attempt that was taken before the work; given back when a session begins.
    pub(super) attempt: Option<Attempt>,
}

/// A credential as it was when it was compared.
#[derive(Debug)]
pub(super) struct ComparedCredential {
    /// The credential.
    pub(super) credential: user_credentials::Model,
    /// Secret that replaces the current one, if it must be renewed.
    pub(super) renewed: Option<String>,
}

impl ComparedCredential {
    /// Checks in the transaction that begins the session that the credential is still the same, and renews its secret.
    /// The caller locks the row of the user first.
    pub(super) async fn confirm(&self, txn: &impl ConnectionTrait) -> Result<bool> {
        Ok(user_credentials::confirm(txn, &self.credential, self.renewed.as_deref()).await?)
    }
}
