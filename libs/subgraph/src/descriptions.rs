//! Descriptions of the types that async-graphql brings along. Those of async-graphql describe its Rust code, or
//! are missing.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaType, Registry};
use async_graphql::{
    ContextSelectionSet, ObjectType, OutputType, Positioned, SchemaBuilder, ServerResult, SubscriptionType, Value,
};

const DATE_TIME: &str = "DateTime";

/// Describes the scalar `DateTime` and the connections of a schema in the words of its users.
#[must_use]
pub fn described<Q, M, S>(builder: SchemaBuilder<Q, M, S>) -> SchemaBuilder<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    builder.register_output_type::<Descriptions>()
}

/// Changes the registry, which a builder passes only to types.
struct Descriptions;

impl OutputType for Descriptions {
    fn type_name() -> Cow<'static, str> {
        DATE_TIME.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        for definition in registry.types.values_mut() {
            match definition {
                MetaType::Scalar { name, description, specified_by_url, .. } if name == DATE_TIME => {
                    *description =
                        Some("A point in time in the form of RFC 3339, such as 2026-05-17T08:30:00Z.".into());
                    *specified_by_url = Some("https://scalars.graphql.org/andimarek/date-time".into());
                }
                MetaType::Object { name, description: description @ None, .. } if name.ends_with("Connection") => {
                    *description = Some("A page of a list, and whether more of the list precedes or follows.".into());
                }
                _ => {}
            }
        }
        DATE_TIME.to_owned()
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::Null)
    }
}
