//! A part of a merged object that a schema has only where a service adds it.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, EmptyMutation, ObjectType, OutputType, Positioned, SchemaBuilder,
    ServerResult, SubscriptionType, Value,
    parser::types::Field,
    registry::{MetaType, Registry},
};

/// A part of a `MergedObject` whose fields are in no schema, until [`with_part`] adds them to one. Elsewhere a document
/// that names such a field is rejected like any other unknown name, and no exported schema contains it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Optional<T>(
    /// The part.
    pub T,
);

/// Adds the fields of the part `T` to a schema whose merged object `O` has it as [`Optional`].
#[must_use]
pub fn with_part<O, T, Q, M, S>(builder: SchemaBuilder<Q, M, S>) -> SchemaBuilder<Q, M, S>
where
    O: ObjectType,
    T: ObjectType,
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    builder.register_output_type::<Added<O, T>>()
}

impl<T: ObjectType> ContainerType for Optional<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        Box::pin(self.0.resolve_field(ctx)).await
    }
}

impl<T: ObjectType> OutputType for Optional<T> {
    fn type_name() -> Cow<'static, str> {
        EmptyMutation::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        // An object without fields.
        EmptyMutation::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        Box::pin(self.0.resolve(ctx, field)).await
    }
}

impl<T: ObjectType> ObjectType for Optional<T> {}

/// Changes the registry, which a builder passes only to types.
struct Added<O, T>(PhantomData<fn() -> (O, T)>);

impl<O: ObjectType, T: ObjectType> OutputType for Added<O, T> {
    fn type_name() -> Cow<'static, str> {
        O::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let part = registry.create_fake_output_type::<T>();
        registry.types.remove(&*T::type_name());
        let object = registry.types.get_mut(&*O::type_name());
        if let (MetaType::Object { fields: added, .. }, Some(MetaType::Object { fields, .. })) = (part, object) {
            fields.extend(added);
        }
        O::type_name().into_owned()
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::Null)
    }
}
