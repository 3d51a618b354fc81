//! A rule that is written once is the check and the directive for gateways.

use async_graphql::{EmptyMutation, EmptySubscription, MergedObject, Object, Request, Schema};
use client_graph::guard::{
    Authenticated, Directives, Fresh, HasRole, HasScope, IsSelf, Open, VerifiedEmail, access, deny_by_default,
    federation_sdl, guarded, key, plain_sdl,
};
use client_graph::mirror::Mirror;
use client_graph::testing::TestIssuer;

use crate::schema::is_current;
use crate::support::{TestDatabase, bearer};

struct Query;

#[guarded]
#[Object(access(Authenticated))]
impl Query {
    async fn by_the_rule_of_the_object(&self) -> bool {
        true
    }

    #[graphql(access(HasScope::all(&["a", "b"])))]
    async fn all(&self) -> bool {
        true
    }

    #[graphql(access(HasScope::any(&["b", "c"])))]
    async fn any(&self) -> bool {
        true
    }

    #[graphql(access(HasRole("editor")))]
    async fn role(&self) -> bool {
        true
    }

    #[graphql(access(VerifiedEmail))]
    async fn verified(&self) -> bool {
        true
    }

    #[graphql(access(IsSelf => id.as_str()))]
    async fn own(&self, id: String) -> String {
        id
    }

    #[graphql(access(HasScope::new("a"), Fresh))]
    async fn both(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_rule_admits_the_right_callers() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let auth = issuer.auth_graph().mirror(Mirror::new(database.connect().await)).build().unwrap();
    let mut ada = issuer.user("ada@example.com");
    ada.roles = vec!["editor".to_owned()];
    ada.email_verified = true;
    issuer.change_user(&ada);
    let mut eve = issuer.user("eve@example.com");
    eve.email_verified = false;
    issuer.change_user(&eve);
    let own = format!("own(id: \"{}\")", ada.id);
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    let ask = async |field: &str, token: Option<String>| {
        let headers = token.as_deref().map(bearer).unwrap_or_default();
        let request = Request::new(format!("{{ {field} }}")).data(auth.context(&headers).await);
        let answer = serde_json::to_value(schema.execute(request).await).unwrap();
        answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    };
    for (field, of_ada, of_eve) in [
        ("byTheRuleOfTheObject", "", ""),
        ("all", "", "FORBIDDEN"),
        ("any", "", "FORBIDDEN"),
        ("role", "", "FORBIDDEN"),
        ("verified", "", "FORBIDDEN"),
        (own.as_str(), "", "FORBIDDEN"),
        ("both", "", ""),
    ] {
        assert_eq!(ask(field, None).await, "UNAUTHENTICATED", "{field}");
        assert_eq!(ask(field, Some(issuer.token_for(&ada).scope("a b").sign())).await, of_ada, "{field}");
        assert_eq!(ask(field, Some(issuer.token_for(&eve).scope("a").sign())).await, of_eve, "{field}");
    }
    assert_eq!(
        ask("both", Some(issuer.token_for(&ada).scope("b").sign())).await,
        "FORBIDDEN",
        "the first rule refuses"
    );
    let ended = issuer.token_for(&ada).scope("a");
    issuer.revoke(ended.session_id());
    assert_eq!(ask("both", Some(ended.sign())).await, "TOKEN_REVOKED", "the second rule refuses");
}

#[test]
fn a_rule_is_a_directive_in_the_subgraph_and_absent_in_the_plain_schema() {
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    let sdl = federation_sdl(&schema, Directives::Included);
    for line in [
        "type Query @authenticated {",
        "all: Boolean! @requiresScopes(scopes: [[\"a\", \"b\"]])",
        "any: Boolean! @requiresScopes(scopes: [[\"b\"], [\"c\"]])",
        "role: Boolean! @policy(policies: [[\"role:editor\"]])",
        "verified: Boolean! @policy(policies: [[\"verified_email\"]])",
        "own(id: String!): String! @policy(policies: [[\"self\"]])",
        "both: Boolean! @requiresScopes(scopes: [[\"a\"]]) @policy(policies: [[\"fresh\"]])",
        "import: [\"@authenticated\", \"@policy\", \"@requiresScopes\"]",
    ] {
        assert!(sdl.contains(line), "{line} is not in {sdl}");
    }
    for without in [plain_sdl(&schema), federation_sdl(&schema, Directives::LeftOut)] {
        assert!(!without.contains("@policy") && !without.contains("@requiresScopes"), "{without}");
        assert!(without.contains("all: Boolean!\n"), "{without}");
    }
}

/// Writes the schema for the composers of e2e/composition.test.mjs, because neither service has policies in its schema.
#[test]
fn the_schema_with_every_rule_is_the_one_that_composers_accept() {
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    is_current("../e2e/composition/rules.graphql", &federation_sdl(&schema, Directives::Included));
}

#[test]
fn a_rule_that_names_no_scope_does_not_become_a_directive() {
    for rule in [HasScope::any(&[]), HasScope::all(&[])] {
        let failure = std::panic::catch_unwind(|| access::apply(&rule)).unwrap_err();
        let message = failure.downcast_ref::<&str>().unwrap();
        assert!(message.contains("an empty list of scopes"), "{message}");
    }
}

struct Forgetful;

#[guarded]
#[Object]
impl Forgetful {
    #[graphql(access(Authenticated))]
    async fn decided(&self) -> bool {
        true
    }

    #[graphql(access(Open))]
    async fn open(&self) -> bool {
        true
    }

    async fn forgotten(&self) -> bool {
        true
    }

    #[graphql(name = "_service", access(Open))]
    async fn service(&self) -> Thing {
        Thing
    }
}

struct Thing;

#[guarded]
#[Object(directive = key::apply("id"))]
impl Thing {
    async fn id(&self) -> i32 {
        1
    }

    async fn price(&self) -> i32 {
        2
    }
}

#[tokio::test]
async fn a_schema_with_a_field_without_a_rule_is_refused() {
    let schema = Schema::new(Forgetful, EmptyMutation, EmptySubscription);
    let refused = deny_by_default(&schema).unwrap_err();
    assert_eq!(refused.fields(), ["Forgetful.forgotten", "Thing.price"]);
    assert!(refused.to_string().contains("access(…)"), "{refused}");
    deny_by_default(&Schema::new(Query, EmptyMutation, EmptySubscription)).unwrap();
    client_graph::service::graphql::check_rules().unwrap();

    assert!(schema.execute("{ open }").await.is_ok(), "for everybody");
    assert!(!federation_sdl(&schema, Directives::Included).contains("open: Boolean! @"), "it has no directive");
}

#[derive(Default)]
struct Part;

#[guarded]
#[Object(access(Authenticated))]
impl Part {
    async fn part(&self) -> bool {
        true
    }
}

#[derive(MergedObject, Default)]
struct Whole(Part);

#[test]
fn the_rule_of_a_merged_object_does_not_count_for_the_whole_type() {
    let schema = Schema::new(Whole::default(), EmptyMutation, EmptySubscription);
    assert_eq!(deny_by_default(&schema).unwrap_err().fields(), ["Whole.part"]);
}
