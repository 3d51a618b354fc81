//! The parts that all resolvers use.

use async_graphql::Context;

use crate::error::ApiError;
use crate::service::app::App;

pub(super) type Result<T> = std::result::Result<T, ApiError>;

/// Returns the service that serves a request.
pub(super) fn app<'a>(ctx: &Context<'a>) -> &'a App {
    ctx.data_unchecked::<App>()
}
