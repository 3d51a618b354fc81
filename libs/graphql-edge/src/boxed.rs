//! A boxed part of a merged object.

use std::borrow::Cow;

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult, Value,
    parser::types::Field, registry::Registry,
};

/// A part of a `MergedObject` whose fields are resolved on the heap.
///
/// The future of a merged object is as large as that of its largest field, and is copied at every level of the merge.
/// Therefore a cheap field pays for an expensive one. A boxed part costs memory only when it is called. A merged object
/// asks its last part first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Boxed<T>(
    /// The part.
    pub T,
);

impl<T: ObjectType> ContainerType for Boxed<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        Box::pin(self.0.resolve_field(ctx)).await
    }
}

impl<T: ObjectType> OutputType for Boxed<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        Box::pin(self.0.resolve(ctx, field)).await
    }
}

impl<T: ObjectType> ObjectType for Boxed<T> {}
