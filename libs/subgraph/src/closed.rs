//! Rejects schemas in which a field has no rule, so that no field is open because a rule was forgotten.

use std::fmt;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    ConstDirective, ObjectType as Object, TypeDefinition, TypeKind, TypeSystemDefinition,
};
use async_graphql::{ObjectType, Positioned, Schema, SubscriptionType, Value};

use crate::rule::{MARK, NO_RULES};

/// The fields without a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    fields: Vec<String>,
}

impl Undecided {
    /// Returns the fields, such as `Query.reports`.
    #[must_use]
    pub fn fields(&self) -> &[String] {
        &self.fields
    }
}

impl fmt::Display for Undecided {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.fields.join(", ");
        write!(
            formatter,
            "fields without a rule: {fields}; write access(…) above each, with the rule Open if every caller may use it"
        )
    }
}

impl std::error::Error for Undecided {}

/// Rejects a schema in which a field without a rule can be reached: a field of `Query`, `Mutation` or `Subscription`,
/// or a field of an entity, which `_entities` returns. `_service` is exempt, because composition needs it. Call this
/// when the schema is built, so that a service with a forgotten rule does not start.
///
/// An object that is merged into another one passes on the rules of its fields, but not its own rule. Such fields need
/// their own rules. So do the fields of a `#[ComplexObject]`: a rule of the type would not apply to them, and does not
/// compile with [`guarded`](crate::guarded).
///
/// # Errors
/// [`Undecided`], with all fields without a rule.
pub fn deny_by_default<Q, M, S>(schema: &Schema<Q, M, S>) -> Result<(), Undecided>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    let document = parse_schema(schema.sdl()).expect("async-graphql reads the schema that it writes");
    let roots: Vec<String> = document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Schema(schema) => Some(&schema.node),
            _ => None,
        })
        .flat_map(|schema| [&schema.query, &schema.mutation, &schema.subscription])
        .flatten()
        .map(|name| name.node.to_string())
        .collect();
    let mut fields = Vec::new();
    for definition in &document.definitions {
        if let TypeSystemDefinition::Type(Positioned { node, .. }) = definition
            && let TypeKind::Object(object) = &node.kind
            && !is_ruled(&node.directives)
        {
            let key = key_of(node);
            if key.is_some() || roots.iter().any(|root| *root == node.name.node) {
                fields
                    .extend(undecided(object, &key.unwrap_or_default()).map(|field| format!("{}.{field}", node.name)));
            }
        }
    }
    if fields.is_empty() { Ok(()) } else { Err(Undecided { fields }) }
}

fn undecided<'a>(object: &'a Object, key: &'a [String]) -> impl Iterator<Item = &'a str> {
    let fields = object.fields.iter().filter(|field| !is_ruled(&field.node.directives));
    let names = fields.map(|field| field.node.name.node.as_str());
    names.filter(|name| *name != "_service" && !key.iter().any(|part| part == name))
}

fn is_ruled(directives: &[Positioned<ConstDirective>]) -> bool {
    directives.iter().filter_map(marked).any(|name| !NO_RULES.contains(&name))
}

/// Returns the key fields of an entity, or `None` when the type is not an entity.
fn key_of(definition: &TypeDefinition) -> Option<Vec<String>> {
    let keys = definition.directives.iter().filter(|directive| marked(directive) == Some("key"));
    let fields = keys.filter_map(|directive| match &directive.node.get_argument("fields")?.node {
        Value::String(fields) => Some(fields.split_ascii_whitespace().map(str::to_owned)),
        _ => None,
    });
    let fields: Vec<String> = fields.flatten().collect();
    (!fields.is_empty()).then_some(fields)
}

fn marked(directive: &Positioned<ConstDirective>) -> Option<&str> {
    directive.node.name.node.strip_prefix(MARK)
}
