//! The caller of a request, as the resolvers see it.

use async_graphql::Context;
use secrecy::SecretString;

use super::error::Result;
use engine::app::App;
use engine::callers::{self, Actor, Device, LiveCaller, Principal, Refusal};
use model::error::Error;

/// The caller of one request, or of all operations on one WebSocket.
///
/// A rejected token does not fail the whole request, because signing in must work even when an old token is sent along.
/// Fields that require a caller fail with the code of the token.
#[derive(Clone, Debug)]
pub enum Caller {
    /// The request had no token.
    Anonymous,
    /// The token of the request is valid.
    Principal(Principal),
    /// The token of the request was rejected.
    Refused(Refusal),
    /// The request has a token in a form that is not understood.
    Malformed,
}

impl Caller {
    /// Checks the token of a request, if there is one.
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

/// Returns the caller, if signed in. The token is checked again, because a WebSocket can outlast it.
pub(super) fn caller<'a>(ctx: &Context<'a>) -> Result<Option<&'a Principal>> {
    match ctx.data_opt::<Caller>() {
        None | Some(Caller::Anonymous) => Ok(None),
        Some(Caller::Refused(refusal)) => Err(Error::from(*refusal).into()),
        Some(Caller::Malformed) => Err(Error::AuthorizationMalformed.into()),
        Some(Caller::Principal(caller)) => {
            callers::recheck(app(ctx), caller, app(ctx).clock.now()).map_err(Error::from)?;
            Ok(Some(caller))
        }
    }
}

/// Returns the caller, who must be signed in.
pub(super) fn principal<'a>(ctx: &Context<'a>) -> Result<&'a Principal> {
    Ok(caller(ctx)?.ok_or(Error::Unauthenticated)?)
}

/// Returns the caller of a long-running operation. A WebSocket can replace its token meanwhile.
pub(super) fn live_caller(ctx: &Context<'_>) -> Result<LiveCaller> {
    let principal = principal(ctx)?;
    Ok(ctx.data_opt::<LiveCaller>().cloned().unwrap_or_else(|| LiveCaller::new(principal.clone())))
}

/// Returns the caller as the actor of a change to something that is not their own.
pub(super) fn actor(ctx: &Context<'_>) -> Result<Actor> {
    Ok(Actor::caller(principal(ctx)?, device(ctx))?)
}

/// Returns the `App` that the schema was built with.
pub(super) fn app<'a>(ctx: &Context<'a>) -> &'a App {
    ctx.data_unchecked()
}

/// Returns the device that the request came from, or an unknown one when the schema is called without a request.
pub(super) fn device<'a>(ctx: &Context<'a>) -> &'a Device {
    static UNKNOWN: Device = Device { address: None, user_agent: None, request_id: None };
    ctx.data_opt().unwrap_or(&UNKNOWN)
}
