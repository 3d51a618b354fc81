//! The demands of rules, and their form in the schema before it is exported.

use std::borrow::Cow;

use async_graphql::registry::{MetaDirectiveInvocation, MetaType, Registry, location_traits};
use async_graphql::{ObjectType, Value};

/// Prefix of our directives in async-graphql's registry, by which the export finds them.
pub(crate) const MARK: &str = "subgraph__";

/// Marks a field as open. No export shows it.
pub(crate) const OPEN: &str = "open";

/// Marks an operation that tries or uses up a secret. No export shows it.
pub(crate) const CREDENTIAL: &str = "credential";

/// Directives that are not about access.
pub(crate) const NO_RULES: [&str; 3] = ["key", "tag", CREDENTIAL];

/// A guard that states its demand.
pub trait Rule {
    /// Returns the demand for gateways. The guard checks it in any case.
    fn demand(&self) -> Demand;
}

/// A demand on the caller, in the form of the directives of Apollo Federation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// `@authenticated`: the caller is signed in.
    Authenticated,
    /// `@requiresScopes`: the caller has all scopes of one of the lists.
    Scopes(Vec<Vec<String>>),
    /// `@policy`: the caller meets all policies of one of the lists. A policy is a condition that only the service
    /// knows, such as a role. A gateway rejects policies that it does not know.
    Policies(Vec<Vec<String>>),
    /// No demand and no directive: the field is open to every caller on purpose.
    Nothing,
}

/// The directive of a [`Rule`], which [`guarded`](crate::guarded) writes.
#[expect(non_camel_case_types, reason = "async-graphql takes directives by the name that they have in a schema")]
#[derive(Clone, Copy, Debug)]
pub struct access;

impl access {
    /// Returns the directive for the demand of a rule.
    pub fn apply(rule: &impl Rule) -> MetaDirectiveInvocation {
        match rule.demand() {
            Demand::Authenticated => marked("authenticated", None),
            Demand::Scopes(lists) => marked("requiresScopes", Some(("scopes", lists_value(lists)))),
            Demand::Policies(lists) => marked("policy", Some(("policies", lists_value(lists)))),
            Demand::Nothing => marked(OPEN, None),
        }
    }
}

/// `@key` for a type whose entities the service resolves itself, all entities of a request at once:
/// `#[graphql(directive = key::apply("id"))]`.
#[expect(non_camel_case_types, reason = "async-graphql takes directives by the name that they have in a schema")]
#[derive(Clone, Copy, Debug)]
pub struct key;

impl key {
    /// Returns the directive with the key fields of an entity.
    pub fn apply(fields: &str) -> MetaDirectiveInvocation {
        marked("key", Some(("fields", Value::from(fields))))
    }
}

/// `@tag` for the fields of a subscription, where async-graphql has no attribute for it: `#[graphql(directive =
/// tag::apply("feed"))]`. Elsewhere write `#[graphql(tag = "feed")]`.
#[expect(non_camel_case_types, reason = "async-graphql takes directives by the name that they have in a schema")]
#[derive(Clone, Copy, Debug)]
pub struct tag;

impl tag {
    /// Returns the directive with the name by which a contract leaves out the field.
    pub fn apply(name: &str) -> MetaDirectiveInvocation {
        marked("tag", Some(("name", Value::from(name))))
    }
}

/// Marks a field that tries or uses up a secret, or sends a mail: `#[graphql(directive = credential::apply())]`. The
/// mark is in no exported schema; [`credential_fields`] lists the fields that have it.
#[expect(non_camel_case_types, reason = "async-graphql takes directives by the name that they have in a schema")]
#[derive(Clone, Copy, Debug)]
pub struct credential;

impl credential {
    /// Returns the mark.
    pub fn apply() -> MetaDirectiveInvocation {
        marked(CREDENTIAL, None)
    }
}

/// Returns the names of the fields of an object that are marked as [`credential`].
#[must_use]
pub fn credential_fields<T: ObjectType>() -> Vec<String> {
    let mut registry = Registry::default();
    T::create_type_info(&mut registry);
    let mark = credential::apply().name;
    let fields = registry.types.get(&*T::type_name()).and_then(MetaType::fields).into_iter().flatten();
    let marked = fields.filter(|(_, field)| field.directive_invocations.iter().any(|applied| applied.name == mark));
    marked.map(|(name, _)| name.clone()).collect()
}

fn marked(name: &str, argument: Option<(&str, Value)>) -> MetaDirectiveInvocation {
    let args = argument.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    MetaDirectiveInvocation { name: format!("{MARK}{name}"), args }
}

/// # Panics
/// When a list is empty, because its meaning is ambiguous; when a name contains a quotation mark or a backslash, which
/// neither a scope nor a policy has.
fn lists_value(lists: Vec<Vec<String>>) -> Value {
    let empty = lists.is_empty() || lists.iter().any(Vec::is_empty);
    assert!(!empty, "a rule demands an empty list of scopes or policies");
    let value = |name: String| {
        assert!(!name.contains(['"', '\\']), "a scope or policy has a quotation mark or a backslash: {name}");
        Value::String(name)
    };
    Value::List(lists.into_iter().map(|list| Value::List(list.into_iter().map(value).collect())).collect())
}

// Federation defines the directives, so that they are not registered.
impl async_graphql::TypeDirective for access {
    fn name(&self) -> Cow<'static, str> {
        "access".into()
    }

    fn register(&self, _registry: &mut Registry) {}
}

impl async_graphql::TypeDirective for key {
    fn name(&self) -> Cow<'static, str> {
        "key".into()
    }

    fn register(&self, _registry: &mut Registry) {}
}

impl async_graphql::TypeDirective for credential {
    fn name(&self) -> Cow<'static, str> {
        CREDENTIAL.into()
    }

    fn register(&self, _registry: &mut Registry) {}
}

impl async_graphql::TypeDirective for tag {
    fn name(&self) -> Cow<'static, str> {
        "tag".into()
    }

    fn register(&self, _registry: &mut Registry) {}
}

impl location_traits::Directive_At_FIELD_DEFINITION for access {}
impl location_traits::Directive_At_OBJECT for access {}
impl location_traits::Directive_At_OBJECT for key {}
impl location_traits::Directive_At_FIELD_DEFINITION for tag {}
impl location_traits::Directive_At_FIELD_DEFINITION for credential {}
