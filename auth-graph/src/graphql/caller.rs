//! Who is calling, as the resolvers see it.

use async_graphql::Context;
use secrecy::SecretString;

use super::error::Result;
use engine::app::App;
use engine::callers::{self, Actor, Device, Presence, Principal, Refusal};
use model::error::Error;

/// The caller of one request, or of all operations on one WebSocket.
///
/// A bad token does not fail the request by itself, as signing in again must work with one: the fields that need a
/// caller answer with its code.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Sent no token.
    Anonymous,
    /// Sent a good one.
    Principal(Principal),
    /// Sent one that was not accepted.
    Refused(Refusal),
}

impl Caller {
    /// Checks the token that a caller sent, if any.
    pub async fn identify(app: &App, token: Option<SecretString>) -> Self {
        match token {
            None => Self::Anonymous,
            Some(token) => match callers::authenticate(app, &token).await {
                Ok(principal) => Self::Principal(principal),
                Err(refusal) => Self::Refused(refusal),
            },
        }
    }
}

/// The caller, if they are signed in. The token is looked at again, as a WebSocket may have outlived it.
pub(super) fn caller<'a>(ctx: &Context<'a>) -> Result<Option<&'a Principal>> {
    match ctx.data_opt::<Caller>() {
        None | Some(Caller::Anonymous) => Ok(None),
        Some(Caller::Refused(refusal)) => Err(Error::from(*refusal).into()),
        Some(Caller::Principal(caller)) => {
            callers::recheck(app(ctx), caller, app(ctx).clock.now()).map_err(Error::from)?;
            Ok(Some(caller))
        }
    }
}

/// The caller, who must be signed in.
pub(super) fn principal<'a>(ctx: &Context<'a>) -> Result<&'a Principal> {
    Ok(caller(ctx)?.ok_or(Error::Unauthenticated)?)
}

/// The caller as somebody who stays: a WebSocket takes new tokens, anything else has the one.
pub(super) fn presence(ctx: &Context<'_>) -> Result<Presence> {
    let principal = principal(ctx)?;
    Ok(ctx.data_opt::<Presence>().cloned().unwrap_or_else(|| Presence::new(principal.clone())))
}

/// The caller as somebody who changes what is not their own.
pub(super) fn actor(ctx: &Context<'_>) -> Result<Actor> {
    Ok(Actor::caller(principal(ctx)?, device(ctx))?)
}

/// App, which every schema is built with.
pub(super) fn app<'a>(ctx: &Context<'a>) -> &'a App {
    ctx.data_unchecked()
}

/// What the request shows of the device; nothing where the schema is called without one.
pub(super) fn device<'a>(ctx: &Context<'a>) -> &'a Device {
    static UNKNOWN: Device = Device { address: None, user_agent: None, request_id: None };
    ctx.data_opt().unwrap_or(&UNKNOWN)
}
