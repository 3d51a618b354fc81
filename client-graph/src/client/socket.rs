//! Callers of WebSockets.
//!
//! Browsers cannot set headers on a WebSocket, so the access token comes in the payload of `connection_init`, as the
//! member `authorization` in the form of the header of that name. The socket ends with the token or with its session. A
//! client that has refreshed its tokens sends the new one in the payload of a `ping`, and keeps its subscriptions.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::Value;

use super::{AuthGraph, Caller, Context};
use crate::error::{Code, Error};

impl AuthGraph {
    /// Builds the context of a socket from the payload of `connection_init`.
    pub async fn context_from_payload(&self, payload: &Value) -> Context {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization(payload) {
            // A text that cannot be a header cannot be a token.
            let value = HeaderValue::try_from(value).unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
            headers.insert(AUTHORIZATION, value);
        }
        self.context(&headers).await
    }
}

impl Context {
    /// Waits until the caller's token expires or its session ends. Waits forever for a caller without a good token.
    pub async fn ended(self) {
        let Caller::Principal(principal) = self.caller() else { return std::future::pending().await };
        let lifetime = (principal.expires_at - self.auth_graph().inner.clock.now()).to_std().unwrap_or_default();
        tokio::select! {
            () = tokio::time::sleep(lifetime) => {}
            () = self.auth_graph().session_ended(principal) => {}
        }
    }

    /// Returns the next context of a socket, if the payload of a `ping` has a token.
    ///
    /// # Errors
    /// The code of a token that is not good; `FORBIDDEN` for a token of another user, because the running subscriptions
    /// were allowed for the user who started them.
    pub async fn renewed(&self, payload: &Value) -> Result<Option<Self>, Error> {
        if authorization(payload).is_none() {
            return Ok(None);
        }
        let next = self.auth_graph().context_from_payload(payload).await;
        let is_the_same = {
            let after = next.principal()?;
            // An impersonator (RFC 8693 section 4.1) is not the same caller as the user.
            matches!(self.caller(), Caller::Principal(before)
                if before.subject == after.subject && before.further.get("act") == after.further.get("act"))
        };
        if is_the_same { Ok(Some(next)) } else { Err(Code::Forbidden.into()) }
    }
}

fn authorization(payload: &Value) -> Option<&str> {
    ["authorization", "Authorization"].into_iter().find_map(|name| payload.get(name)?.as_str())
}
