//! The decision whether a proof is enough for a session. Every first proof passes here: `begin` takes nothing else.

use model::config::Profile;

use super::proof::Proof;
use crate::app::App;

/// A proof that is enough to begin a session. Only [`challenge`] makes one.
#[derive(Debug)]
pub(super) struct SufficientProof(Proof);

impl SufficientProof {
    /// The proof.
    pub(super) fn proof(&self) -> &Proof {
        &self.0
    }

    /// The proof, by value.
    pub(super) fn into_proof(self) -> Proof {
        self.0
    }
}

/// Decides by the rules of the user and of the operator whether a proof is enough. None: it is refused.
///
/// Returns whether the user may sign in is request once more by [`super::begin`], which holds the user's row.
pub(super) fn challenge(app: &App, proof: Proof) -> Option<SufficientProof> {
    let sample = proof.is_sample && app.config.profile != Profile::Demo;
    (proof.user.is_active && !sample).then_some(SufficientProof(proof))
}
