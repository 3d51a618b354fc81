//! Access tokens: valid ones are accepted, and each kind of invalid one is rejected with the right code.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client_graph::testing::{KeyType, Signature, TestIssuer, TokenBuilder};
use client_graph::{Code, PrincipalKind, SessionId, Verification};
use serde_json::json;

use crate::support::code_of;

/// Returns the code with which a changed token is rejected.
async fn code_with(change: impl FnOnce(TokenBuilder) -> TokenBuilder) -> Option<Code> {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    code_of(&auth, change(issuer.token_for(&user)).sign()).await
}

#[tokio::test]
async fn further_claims_are_available_in_types_of_the_service() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Tenancy {
        tenant: String,
        seats: Vec<u8>,
    }
    let issuer = TestIssuer::start().await;
    let builder = issuer.token_for(&issuer.user("ada@example.com"));
    let with = builder.clone().claim("tenant", json!("acme")).claim("seats", json!([1, 2])).sign().into();
    let without = builder.claim("tenant", json!(7)).sign().into();
    for verification in [Verification::Local, Verification::Remote] {
        let auth = issuer.auth_graph().verification(verification).build().unwrap();
        let principal = auth.authenticate(&with).await.unwrap();
        assert_eq!(principal.claims::<Tenancy>().unwrap(), Tenancy { tenant: "acme".to_owned(), seats: vec![1, 2] });
        assert_eq!(principal.claim::<String>("tenant").unwrap().as_deref(), Some("acme"));
        assert_eq!(principal.claim::<Vec<String>>("amr").unwrap().unwrap(), ["pwd"]);
        assert_eq!(principal.claim::<String>("plan").unwrap(), None);

        let principal = auth.authenticate(&without).await.unwrap();
        assert_eq!(principal.claim::<String>("tenant").unwrap_err().code(), Code::Forbidden, "another type");
        let refused = principal.claims::<Tenancy>().unwrap_err();
        assert_eq!(refused.code(), Code::Forbidden);
        assert!(!format!("{principal:?}").contains("tenant"), "debug output hides the claims");
    }
}

#[tokio::test]
async fn a_valid_token_names_its_principal() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    let token = issuer.token_for(&user).scope("notes:read notes:write").sign();

    let principal = auth.authenticate(&token.into()).await.unwrap();

    assert_eq!(principal.subject, user.id);
    assert_eq!(principal.kind, PrincipalKind::User);
    assert!(principal.has_scope("notes:write"));
    assert!(!principal.has_scope("notes"));
    assert_eq!(principal.require_scope("admin").unwrap_err().code(), Code::Forbidden);
}

#[tokio::test]
async fn tokens_of_each_algorithm_are_accepted() {
    let issuer = TestIssuer::start().await;
    let user = issuer.user("ada@example.com");
    for kind in [KeyType::Es256, KeyType::EdDsa, KeyType::Rs256] {
        issuer.rotate_keys(kind);
        let auth = issuer.auth_graph().build().unwrap();
        assert_eq!(code_of(&auth, issuer.token_for(&user).sign()).await, None, "{kind:?}");
    }
}

#[tokio::test]
async fn one_matching_audience_among_several_suffices() {
    assert_eq!(code_with(|token| token.claim("aud", json!(["other", "graph"]))).await, None);
}

#[tokio::test]
async fn the_type_is_compared_without_case_and_with_its_long_form() {
    assert_eq!(code_with(|token| token.header("typ", json!("AT+JWT"))).await, None);
    assert_eq!(code_with(|token| token.header("typ", json!("application/at+jwt"))).await, None);
}

#[tokio::test]
async fn a_service_that_acts_for_itself_needs_no_session() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let service = issuer.user("service@example.com");
    let token = issuer.token_for(&service).claim("client_id", json!(service.id)).without_claim("sid").sign();

    let principal = auth.authenticate(&token.into()).await.unwrap();

    assert_eq!(principal.kind, PrincipalKind::Service);
    assert_eq!(principal.session_id, None);
}

#[tokio::test]
async fn a_malformed_token_is_refused() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    for text in ["", ".", "..", "...", "a.b.c", "not a token", "e30.e30.", "e30.e30.e30", "é.é.é", "\u{0}"] {
        assert_eq!(code_of(&auth, text).await, Some(Code::TokenInvalid), "{text:?}");
    }
    assert_eq!(issuer.all_calls(), 0);
}

#[tokio::test]
async fn a_truncated_or_extended_token_is_refused() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    for length in (0..token.len()).step_by(7) {
        assert_eq!(code_of(&auth, &token[..length]).await, Some(Code::TokenInvalid), "{length}");
    }
    for suffix in ["A", ".", ".e30", "=", " ", "\n"] {
        assert_eq!(code_of(&auth, format!("{token}{suffix}")).await, Some(Code::TokenInvalid), "{suffix:?}");
    }
    assert_eq!(code_of(&auth, token).await, None);
}

#[tokio::test]
async fn a_changed_claim_breaks_the_signature() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    let other = issuer.token_for(&issuer.user("eve@example.com")).sign();
    let parts: Vec<&str> = token.split('.').collect();
    let claims = other.split('.').nth(1).unwrap();
    let mixed = format!("{}.{claims}.{}", parts[0], parts[2]);
    assert_eq!(code_of(&auth, mixed).await, Some(Code::TokenInvalid));
}

#[tokio::test]
async fn a_token_over_8_kib_is_rejected_without_being_parsed() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    let long = issuer.token_for(&user).claim("extra", json!("x".repeat(8 * 1024))).sign();
    assert_eq!(code_of(&auth, long).await, Some(Code::TokenInvalid));
    assert_eq!(issuer.all_calls(), 0);
}

#[tokio::test]
async fn an_expired_token_is_refused_beyond_the_leeway() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    let token = issuer.token_for(&user).expires_in(Duration::from_secs(60)).sign();
    assert_eq!(code_of(&auth, &token).await, None);

    issuer.clock().advance(Duration::from_secs(85));
    assert_eq!(code_of(&auth, &token).await, None, "within the leeway");

    issuer.clock().advance(Duration::from_secs(10));
    assert_eq!(code_of(&auth, &token).await, Some(Code::TokenExpired));
    let fresh = issuer.auth_graph().build().unwrap();
    assert_eq!(code_of(&fresh, &token).await, Some(Code::TokenExpired), "without a cache too");
}

#[tokio::test]
async fn a_token_of_the_future_is_refused() {
    let later = chrono_now() + 3600;
    assert_eq!(code_with(|token| token.claim("nbf", json!(later))).await, Some(Code::TokenInvalid));
    assert_eq!(code_with(|token| token.claim("iat", json!(later))).await, Some(Code::TokenInvalid));
}

#[tokio::test]
async fn a_wrong_audience_is_refused() {
    for audience in [json!("other"), json!(["other"]), json!([]), json!("Graph"), json!("graph ")] {
        let code = code_with(|token| token.claim("aud", audience.clone())).await;
        assert_eq!(code, Some(Code::TokenInvalid), "{audience}");
    }
}

#[tokio::test]
async fn the_issuer_is_compared_byte_by_byte() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    for wrong in [format!("{}/", issuer.url()), issuer.url().to_uppercase(), "https://evil.example".to_owned()] {
        let token = issuer.token_for(&user).claim("iss", json!(wrong)).sign();
        assert_eq!(code_of(&auth, token).await, Some(Code::TokenInvalid), "{wrong}");
    }
    let with_slash = issuer.auth_graph().issuer(format!("{}/", issuer.url())).build().unwrap();
    let token = issuer.token_for(&user).claim("iss", json!(format!("{}/", issuer.url()))).sign();
    assert_eq!(code_of(&with_slash, token).await, None);
}

#[tokio::test]
async fn another_type_of_token_is_refused() {
    for typ in [json!("JWT"), json!("rt+jwt"), json!("at"), json!(1), json!(null)] {
        assert_eq!(code_with(|token| token.header("typ", typ.clone())).await, Some(Code::TokenInvalid), "{typ}");
    }
    assert_eq!(code_with(|token| token.without_header("typ")).await, Some(Code::TokenInvalid));
}

#[tokio::test]
async fn ghsa_9h47_pqcx_hjr4_the_algorithm_none_is_refused() {
    assert_eq!(code_with(|token| token.signed_by(Signature::None)).await, Some(Code::TokenInvalid));
    for spelling in ["None", "NONE", "nOnE"] {
        assert_eq!(code_with(|token| token.header("alg", json!(spelling))).await, Some(Code::TokenInvalid));
    }
}

#[tokio::test]
async fn authorizer_550_hs256_with_the_public_key_is_refused() {
    assert_eq!(code_with(|token| token.signed_by(Signature::HmacWithPublicKey)).await, Some(Code::TokenInvalid));
}

#[tokio::test]
async fn another_algorithm_than_the_keys_is_refused() {
    for algorithm in ["ES384", "RS256", "PS256", "EdDSA", "HS256", ""] {
        assert_eq!(code_with(|token| token.header("alg", json!(algorithm))).await, Some(Code::TokenInvalid));
    }
}

#[tokio::test]
async fn a_foreign_key_is_refused() {
    assert_eq!(code_with(|token| token.signed_by(Signature::ForeignKey)).await, Some(Code::TokenInvalid));
}

#[tokio::test]
async fn an_unknown_or_missing_key_id_is_refused() {
    assert_eq!(code_with(|token| token.header("kid", json!("unknown"))).await, Some(Code::TokenInvalid));
    assert_eq!(code_with(|token| token.header("kid", json!(7))).await, Some(Code::TokenInvalid));
    assert_eq!(code_with(|token| token.without_header("kid")).await, Some(Code::TokenInvalid));
}

#[tokio::test]
async fn keys_that_a_token_points_to_are_never_followed() {
    let issuer = TestIssuer::start().await;
    let evil = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    let jwks = format!("{}/.well-known/jwks.json", evil.url());
    for (name, value) in [("jku", json!(jwks)), ("x5u", json!(jwks)), ("jwk", json!({ "kty": "oct", "k": "AA" }))] {
        let forged = evil.token_for(&user).claim("iss", json!(issuer.url())).header(name, value).sign();
        assert_eq!(code_of(&auth, forged).await, Some(Code::TokenInvalid), "{name}");
    }
    assert_eq!(evil.all_calls(), 0);
}

#[tokio::test]
async fn a_critical_extension_is_refused() {
    for value in [json!(["b64"]), json!([]), json!(null), json!(false), json!({})] {
        assert_eq!(code_with(|token| token.header("crit", value.clone())).await, Some(Code::TokenInvalid), "{value}");
    }
}

#[tokio::test]
async fn ghsa_wxg7_w2v3_w38g_every_required_claim_is_required() {
    let claims = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "sid", "client_id", "auth_time"];
    for claim in claims {
        assert_eq!(code_with(|token| token.without_claim(claim)).await, Some(Code::TokenInvalid), "{claim}");
    }
}

#[tokio::test]
async fn a_token_without_scope_or_with_an_empty_one_has_no_scopes() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let builder = issuer.token_for(&issuer.user("ada@example.com"));
    for token in [builder.clone().without_claim("scope"), builder.scope("")] {
        let principal = auth.authenticate(&token.sign().into()).await.unwrap();
        assert_eq!(principal.scope, Vec::<String>::new());
    }
}

#[tokio::test]
async fn cve_2026_25537_a_claim_of_the_wrong_type_is_refused() {
    let wrong = [
        ("exp", json!("9999999999")),
        ("exp", json!(9_999_999_999.5)),
        ("exp", json!(null)),
        ("exp", json!([9_999_999_999_u64])),
        ("exp", json!(u64::MAX)),
        ("exp", json!(i64::MAX)),
        ("exp", json!(-1)),
        ("nbf", json!("0")),
        ("iat", json!(true)),
        ("auth_time", json!("now")),
        ("iss", json!(["http://localhost"])),
        ("aud", json!({ "graph": true })),
        ("aud", json!([["graph"]])),
        ("sub", json!("ada")),
        ("sub", json!(1)),
        ("sid", json!("session")),
        ("sid", json!(null)),
        ("jti", json!(1)),
        ("scope", json!(["users:read"])),
        ("scope", json!(null)),
        ("client_id", json!(null)),
    ];
    for (claim, value) in wrong {
        let code = code_with(|token| token.claim(claim, value.clone())).await;
        assert_eq!(code, Some(Code::TokenInvalid), "{claim} {value}");
    }
}

#[tokio::test]
async fn a_claim_that_is_given_twice_is_refused() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    let header = token.split('.').next().unwrap();
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    let doubled = text.replacen('{', r#"{"typ":"JWT","#, 1);
    let changed = token.replacen(header, &URL_SAFE_NO_PAD.encode(doubled), 1);
    assert_eq!(code_of(&auth, changed).await, Some(Code::TokenInvalid));
    assert_eq!(issuer.calls("jwks"), 0, "it is refused before its key is looked up");
}

#[tokio::test]
async fn a_revoked_session_ends_all_its_tokens_even_cached_ones() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    let first = issuer.token_for(&user).sign();
    let session = auth.authenticate(&first.clone().into()).await.unwrap().session_id.unwrap();
    let second = issuer.token_for(&user).session(session).sign();
    let other = issuer.token_for(&user).sign();

    auth.revoke_locally(session, issuer.clock().now());

    assert_eq!(code_of(&auth, first).await, Some(Code::TokenRevoked));
    assert_eq!(code_of(&auth, second).await, Some(Code::TokenRevoked));
    assert_eq!(code_of(&auth, other).await, None);
}

#[tokio::test]
async fn beyond_the_capacity_for_revocations_all_older_tokens_are_rejected() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    let older = issuer.token_for(&user).sign();
    assert_eq!(code_of(&auth, &older).await, None);
    let later = issuer.clock().now() + chrono::TimeDelta::hours(1);
    for number in 0..=1_000_000 {
        auth.revoke_locally(SessionId(uuid::Uuid::from_u128(number)), later);
    }
    assert_eq!(code_of(&auth, &older).await, Some(Code::TokenRevoked), "no revocation may be lost");

    issuer.clock().advance(Duration::from_secs(2));
    assert_eq!(code_of(&auth, issuer.token_for(&user).sign()).await, None);
}

#[tokio::test]
async fn expired_revocations_are_dropped_before_older_tokens_are_rejected() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    let now = issuer.clock().now();
    // The capacity is doubled while no revocation has expired; the last time at 524,288.
    for number in 0..=1_000_000 {
        if number == 600_000 {
            issuer.clock().advance(Duration::from_secs(120));
        }
        let until = now + if number < 600_000 { chrono::TimeDelta::minutes(1) } else { chrono::TimeDelta::hours(1) };
        auth.revoke_locally(SessionId(uuid::Uuid::from_u128(number)), until);
    }
    assert_eq!(code_of(&auth, token).await, None);
}

#[tokio::test]
async fn remote_verification_asks_auth_graph_for_each_request() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().verification(Verification::Remote).build().unwrap();
    let user = issuer.user("ada@example.com");
    let token = issuer.token_for(&user).scope("users:read").sign();

    let principal = auth.authenticate(&token.clone().into()).await.unwrap();
    assert_eq!(principal.subject, user.id);
    assert!(principal.has_scope("users:read"));
    assert_eq!(code_of(&auth, &token).await, None);
    assert_eq!(issuer.calls("Verify"), 2);

    issuer.revoke(principal.session_id.unwrap());
    assert_eq!(code_of(&auth, &token).await, Some(Code::TokenRevoked));
    assert_eq!(code_of(&auth, "nonsense").await, Some(Code::TokenInvalid));
    let foreign = issuer.token_for(&user).claim("aud", json!("other")).sign();
    assert_eq!(code_of(&auth, foreign).await, Some(Code::TokenInvalid));
    issuer.clock().advance(Duration::from_secs(301));
    issuer.take_down();
    assert_eq!(code_of(&auth, token).await, Some(Code::Unavailable), "an outage is not reported as an invalid token");
}

fn chrono_now() -> i64 {
    client_graph::Clock::default().now().timestamp()
}
