//! The result of a first proof, by whatever method.

use model::error::Result;
use model::values::Method;
use sea_orm::ConnectionTrait;
use store::{user_credentials, users};

use crate::limits::Attempt;

/// The outcome of a first proof.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The user is proved.
    Proved(Proof),
    /// The proof was wrong.
    Refused {
        /// The user whose proof it would have been, where there is one.
        user: Option<users::Model>,
    },
}

/// A user who has proved who they are, and by what. It is no session yet: see [`super::challenge`].
#[derive(Debug)]
pub(super) struct Proof {
    /// The user.
    pub(super) user: users::Model,
    /// The methods of the proof.
    pub(super) methods: Vec<Method>,
    /// True if the password is one that the documentation shows.
    pub(super) is_sample: bool,
    /// The credential that was compared; none where another party vouches for the user.
    pub(super) compared: Option<ComparedCredential>,
    /// The attempt that was taken before the work; given back once a session begins.
    pub(super) attempt: Option<Attempt>,
}

/// A credential as it was when it was compared.
#[derive(Debug)]
pub(super) struct ComparedCredential {
    /// The credential.
    pub(super) credential: user_credentials::Model,
    /// The secret that takes its place, where it is to be renewed.
    pub(super) renewed: Option<String>,
}

impl ComparedCredential {
    /// Returns whether the credential is still the same, in the transaction that begins the session; renews its secret.
    /// Lock the user's row before.
    pub(super) async fn confirm(&self, txn: &impl ConnectionTrait) -> Result<bool> {
        Ok(user_credentials::confirm(txn, &self.credential, self.renewed.as_deref()).await?)
    }
}
