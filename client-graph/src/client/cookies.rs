//! Access token in a cookie, if one is configured, for requests without the header `Authorization`.

use std::sync::Arc;

use http_input::Bearer;
use reqwest::header::HeaderMap;

use super::{AuthGraph, Caller};
use crate::error::{Code, Error};
use crate::principal::Principal;

impl AuthGraph {
    /// Finds the caller in the cookies. Another host of the domain, or an earlier deployment, may have set a cookie of
    /// the same name: of several, the one counts whose token is good.
    pub(super) async fn caller_of_cookies(&self, headers: &HeaderMap) -> Caller {
        let Some(name) = self.inner.access_token_cookie.as_deref() else { return Caller::Anonymous };
        let (mut found, mut refusal): (Option<Arc<Principal>>, Option<Error>) = (None, None);
        for value in http_input::cookies_named(headers, name) {
            let caller = match Bearer::from_token(value) {
                Bearer::Token(token) => self.authenticate_text(token).await,
                Bearer::Absent | Bearer::Malformed => Err(Code::TokenInvalid.into()),
            };
            match (caller, &found) {
                // Which of two users signed in here is not known, and another host could choose.
                (Ok(next), Some(first)) if next.subject != first.subject => {
                    return Caller::Refused(Code::TokenInvalid.into());
                }
                (Ok(next), first) => {
                    if first.as_ref().is_none_or(|first| next.expires_at > first.expires_at) {
                        found = Some(next);
                    }
                }
                (Err(error), _) => {
                    // An expired token can be refreshed, so it says more than one that was never good.
                    if refusal.as_ref().is_none_or(|before| before.code() == Code::TokenInvalid) {
                        refusal = Some(error);
                    }
                }
            }
        }
        match (found, refusal) {
            (Some(principal), _) => Caller::Principal(principal),
            (None, Some(refusal)) => Caller::Refused(refusal),
            (None, None) => Caller::Anonymous,
        }
    }
}
