//! Verification of access tokens by auth-graph itself.

use secrecy::{ExposeSecret, SecretString};

use super::AuthGraph;
use crate::error::{Code, Error};
use crate::operations::{TokenType, VerificationFailure, Verified};
use crate::principal::{Principal, PrincipalKind};
use crate::verifier::{Fault, further_claims};

impl AuthGraph {
    /// Asks auth-graph whether an access token is good.
    pub(crate) async fn verify_remotely(&self, token: &SecretString) -> Result<Principal, Error> {
        let claims = match self.verify(token).await? {
            Verified::Active(TokenType::Access, Some(claims)) => claims,
            Verified::Active(..) | Verified::Inactive(VerificationFailure::Invalid) => {
                return Err(Code::TokenInvalid.into());
            }
            Verified::Inactive(VerificationFailure::Expired) => return Err(Code::TokenExpired.into()),
            Verified::Inactive(VerificationFailure::Revoked) => return Err(Code::TokenRevoked.into()),
        };
        let expectation = &self.inner.expectation;
        if claims.issuer != expectation.issuer {
            return Err(self.inner.verifier.refuse(Fault::Issuer(claims.issuer)));
        }
        if !claims.audience.contains(&expectation.audience) {
            return Err(self.inner.verifier.refuse(Fault::Audience(claims.audience)));
        }
        Ok(Principal {
            kind: PrincipalKind::of(&claims.subject.to_string(), &claims.client_id),
            subject: claims.subject,
            session_id: Some(claims.session_id),
            scope: claims.scope,
            client_id: claims.client_id,
            auth_time: claims.auth_time,
            issued_at: claims.issued_at,
            expires_at: claims.expires_at,
            token_id: claims.token_id,
            // auth-graph has confirmed this very token, so its other claims are true as well.
            further: further_claims(token.expose_secret())?,
            token: token.clone(),
        })
    }
}
