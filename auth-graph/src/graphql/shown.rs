//! Values that a caller may not be allowed to see. Requesting a hidden value fails with `FORBIDDEN`: an empty value
//! could be mistaken for the true one.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

use super::error::ApiError;
use model::error::{Error, Reason};

/// A value, or nothing when the caller may not see it. In the schema, it has the type of the value.
#[derive(Clone, Debug)]
pub(super) struct Shown<T>(Option<T>);

impl<T> Shown<T> {
    /// Computes the value if the caller may see it.
    pub(super) fn when(shown: bool, value: impl FnOnce() -> T) -> Self {
        Self(shown.then(value))
    }

    /// Wraps the value, or nothing when it is hidden.
    pub(super) fn of(value: Option<T>) -> Self {
        Self(value)
    }
}

impl<T: OutputType> OutputType for Shown<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn qualified_type_name() -> String {
        T::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match &self.0 {
            Some(value) => value.resolve(ctx, field).await,
            None => {
                let error = async_graphql::Error::from(ApiError::from(Error::Denied(Reason::LimitedClient)));
                Err(ctx.set_error_path(error.into_server_error(field.pos)))
            }
        }
    }
}
