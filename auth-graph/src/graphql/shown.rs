//! Values that a caller may not be allowed to see. A hidden value is null, with the error `FORBIDDEN` at its field, so
//! that the rest of the answer stays and nothing is mistaken for an empty value.

use std::borrow::Cow;
use std::sync::PoisonError;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

use super::error::ApiError;
use engine::accounts::USERS_READ;
use engine::callers::view::Hidden;
use model::error::{Error, Reason};

/// Number of errors in an answer after which a hidden value is null without an error of its own. The same reasons have
/// been given by then, and a list of a thousand users must not become an answer of many megabytes.
const MOST: usize = 1_000;

/// A value, or why the caller may not see it. In the schema, it has the type of the value and can be null.
#[derive(Clone, Debug)]
pub(super) struct Shown<T>(Result<T, Hidden>);

impl<T> Shown<T> {
    /// Computes the value unless it is hidden.
    pub(super) fn unless(hidden: Option<Hidden>, value: impl FnOnce() -> T) -> Self {
        Self(hidden.map_or_else(|| Ok(value()), Err))
    }
}

impl<T: OutputType> OutputType for Shown<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn qualified_type_name() -> String {
        T::type_name().to_string()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry);
        T::type_name().to_string()
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let hidden = match &self.0 {
            Ok(value) => return value.resolve(ctx, field).await,
            Err(hidden) => hidden,
        };
        if ctx.query_env.errors.lock().unwrap_or_else(PoisonError::into_inner).len() < MOST {
            let error = async_graphql::Error::from(ApiError::from(refusal(*hidden)));
            ctx.add_error(ctx.set_error_path(error.into_server_error(field.pos)));
        }
        Ok(Value::Null)
    }
}

fn refusal(hidden: Hidden) -> Error {
    match hidden {
        Hidden::LimitedClient => Error::Denied(Reason::LimitedClient),
        Hidden::NotPublic => Error::MissingScope(USERS_READ),
    }
}
