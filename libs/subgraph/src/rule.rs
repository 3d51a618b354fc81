//! Demands of rules, and their form in the schema until it is exported.

use std::borrow::Cow;

use async_graphql::registry::{MetaDirectiveInvocation, MetaType, Registry, location_traits};
use async_graphql::{ObjectType, Value};

/// The names of our directives in async-graphql's registry begin with this, so that an export finds them among whatever
/// else a schema has.
pub(crate) const MARK: &str = "subgraph__";

/// Stands for the absence of a directive, which no export shows.
pub(crate) const OPEN: &str = "open";

/// Marks an operation that tries or uses up a secret; no export shows it.
pub(crate) const CREDENTIAL: &str = "credential";

/// Directives that say nothing about access.
pub(crate) const NO_RULES: [&str; 3] = ["key", "tag", CREDENTIAL];

/// A guard that says what it demands.
pub trait Rule {
    /// Returns the demand that gateways are informed of. The guard checks it in any case.
    fn demand(&self) -> Demand;
}

/// A demand on the caller, in the form of the directives of Apollo Federation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// `@authenticated`: to be signed in.
    Authenticated,
    /// `@requiresScopes`: all scopes of one of the lists.
    Scopes(Vec<Vec<String>>),
    /// `@policy`: what only the service knows, such as a role; all policies of one of the lists. A gateway that does
    /// not know a policy refuses.
    Policies(Vec<Vec<String>>),
    /// Nothing, and no directive: that it is open to everybody was decided, and not forgotten.
    Nothing,
}

/// The directive that a [`Rule`] becomes; [`guarded`](crate::guarded) writes it.
#[expect(non_camel_case_types, reason = "async-graphql takes directives by the name that they have in a schema")]
#[derive(Clone, Copy, Debug)]
pub struct access;

impl access {
    /// The directive for what a rule demands.
    pub fn apply(rule: &impl Rule) -> MetaDirectiveInvocation {
        match rule.demand() {
            Demand::Authenticated => marked("authenticated", None),
            Demand::Scopes(lists) => marked("requiresScopes", Some(("scopes", lists_value(lists)))),
            Demand::Policies(lists) => marked("policy", Some(("policies", lists_value(lists)))),
            Demand::Nothing => marked(OPEN, None),
        }
    }
}

/// `@key` for a type whose entities the service resolves by itself, all of a request at once:
/// `#[graphql(directive = key::apply("id"))]`.
#[expect(non_camel_case_types, reason = "async-graphql takes directives by the name that they have in a schema")]
#[derive(Clone, Copy, Debug)]
pub struct key;

impl key {
    /// The fields that name an entity.
    pub fn apply(fields: &str) -> MetaDirectiveInvocation {
        marked("key", Some(("fields", Value::from(fields))))
    }
}

/// `@tag` where async-graphql has none of its own, which is at the fields of a subscription:
/// `#[graphql(directive = tag::apply("feed"))]`. Elsewhere write `#[graphql(tag = "feed")]`.
#[expect(non_camel_case_types, reason = "async-graphql takes directives by the name that they have in a schema")]
#[derive(Clone, Copy, Debug)]
pub struct tag;

impl tag {
    /// The name by which a contract leaves the field out.
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
/// When a list is empty, which names nobody or everybody; when a name has a quotation mark, which neither a scope nor a
/// policy has.
fn lists_value(lists: Vec<Vec<String>>) -> Value {
    let empty = lists.is_empty() || lists.iter().any(Vec::is_empty);
    assert!(!empty, "a rule demands an empty list of scopes or policies");
    let value = |name: String| {
        assert!(!name.contains(['"', '\\']), "a scope or policy has a quotation mark or a backslash: {name}");
        Value::String(name)
    };
    Value::List(lists.into_iter().map(|list| Value::List(list.into_iter().map(value).collect())).collect())
}

// Federation defines the directives, so that there is nothing to register.
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
