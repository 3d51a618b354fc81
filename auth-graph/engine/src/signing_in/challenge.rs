//! The decision whether a proof is sufficient for a session. Every first proof passes it, because `begin` accepts only
//! a [`SufficientProof`].

use model::config::Profile;

use super::proof::Proof;
use crate::app::App;

/// A proof that is sufficient to begin a session. Only [`challenge`] creates it.
#[derive(Debug)]
pub(super) struct SufficientProof(Proof);

impl SufficientProof {
    /// Returns the proof.
    pub(super) fn proof(&self) -> &Proof {
        &self.0
    }

    /// Returns the proof by value.
    pub(super) fn into_proof(self) -> Proof {
        self.0
    }
}

/// Decides by the rules of the user and of the operator whether a proof is sufficient. Returns `None` when it is not.
///
/// [`super::begin`] checks again whether the user may sign in, with the row of the user locked.
pub(super) fn challenge(app: &App, proof: Proof) -> Option<SufficientProof> {
    let sample = proof.is_sample && app.config.profile != Profile::Demo;
    (proof.user.is_active && !sample).then_some(SufficientProof(proof))
}
