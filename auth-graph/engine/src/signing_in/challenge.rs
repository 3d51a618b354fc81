//! The decision whether a proof is sufficient for a session. Every first proof passes it, because `begin` accepts only
//! a [`SufficientProof`].

use super::proof::Proof;

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

/// Decides by the rules of the user whether a proof is sufficient. Returns `None` when it is not.
///
/// [`super::begin`] checks again whether the user may sign in, with the row of the user locked.
pub(super) fn challenge(proof: Proof) -> Option<SufficientProof> {
    proof.user.is_active.then_some(SufficientProof(proof))
}
