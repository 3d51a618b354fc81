//! Callers of WebSockets.
//!
//! Browsers cannot set headers on a WebSocket, so the access token comes in the payload of `connection_init`, as the
//! member `authorization` in the form of the header of that name, or as `authToken`. The header counts where the
//! payload has no token, and cookies never do. The socket ends with the token or with its session. A client that has
//! refreshed its tokens sends the new one in the payload of a `ping`, and keeps its subscriptions.

use http_input::Bearer;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{AuthGraph, Caller, Context};
use crate::error::{Error, Reason};

impl AuthGraph {
    /// Builds the context of a socket from the payload of `connection_init`.
    pub async fn context_from_payload(&self, payload: &Value) -> Context {
        self.context_of(Bearer::of_payload(payload)).await
    }

    /// Builds the context of a socket from the payload of `connection_init`, or from the header `Authorization` of the
    /// request that opened the socket.
    pub async fn context_of_socket(&self, opened_by: &HeaderMap, payload: &Value) -> Context {
        self.context_of(Bearer::of_socket(opened_by, payload)).await
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
        let next = match Bearer::of_payload(payload) {
            Bearer::Absent => return Ok(None),
            sent => self.auth_graph().context_of(sent).await,
        };
        let is_the_same = {
            let after = next.principal()?;
            // An impersonator (RFC 8693 section 4.1) is not the same caller as the user.
            matches!(self.caller(), Caller::Principal(before)
                if before.subject == after.subject && before.further.get("act") == after.further.get("act"))
        };
        if is_the_same { Ok(Some(next)) } else { Err(Error::forbidden(Reason::OtherCaller)) }
    }
}
