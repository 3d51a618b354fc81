//! Tokens that must not be accepted: `verify` returns the reason, and a protected field rejects them with the right
//! code.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::Duration;
use credentials::AccessTokens;
use credentials::access_tokens::Grant;
use engine::accounts::Rank;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use model::values::{Holder, Scopes};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use crate::support::{ISSUER, SignedIn, TestApp, operation};

/// A test with a user whose token is forged.
struct Forgery {
    test: TestApp,
    victim: SignedIn,
}

impl Forgery {
    async fn new() -> Self {
        let test = TestApp::new().await;
        let victim = test.signed_in("root@test.com", Rank::Superuser).await;
        Self { test, victim }
    }

    fn part(&self, number: usize) -> Map<String, Value> {
        let part = self.victim.access.split('.').nth(number).unwrap();
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    /// Returns a token with changed claims of the victim, signed with the real key.
    fn signed(&self, change: impl FnOnce(&mut Map<String, Value>, &mut Header)) -> String {
        let ring = self.test.app.tokens.keyring.current();
        let key = ring.signing(self.test.app.clock.now()).unwrap();
        let mut header = Header::new(key.algorithm);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(key.kid.clone());
        let mut claims = self.part(1);
        change(&mut claims, &mut header);
        encode(&header, &claims, &key.encoding).unwrap()
    }

    /// Returns the victim's token with one more member in the header, signed with the real key.
    fn signed_with_header(&self, name: &str, value: Value) -> String {
        let mut header = self.part(0);
        header.insert(name.to_owned(), value);
        let encode = |part: &Map<String, Value>| BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).unwrap());
        let message = format!("{}.{}", encode(&header), encode(&self.part(1)));
        let ring = self.test.app.tokens.keyring.current();
        let key = ring.signing(self.test.app.clock.now()).unwrap();
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key.encoding, key.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// Returns a token with changed claims and a given signature.
    fn assembled(&self, change: impl FnOnce(&mut Map<String, Value>), signature: &str) -> String {
        let mut header = self.part(0);
        change(&mut header);
        let encode = |part: &Map<String, Value>| BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).unwrap());
        format!("{}.{}.{signature}", encode(&header), encode(&self.part(1)))
    }

    async fn refused(&self, token: &str, reason: &str) {
        let verification = self.test.anonymous().verify(token).await;
        let verification = verification.data("verify");
        assert_eq!(verification["active"], false, "{token}");
        assert_eq!(verification["reason"], reason, "{token}");
        assert!(verification["claims"].is_null());
        let caller = self.test.anonymous().with_header("authorization", &format!("Bearer {token}"));
        assert_eq!(caller.me().await.code(), format!("TOKEN_{reason}"), "{token}");
    }

    async fn accepted(&self, token: &str) {
        let verification = self.test.anonymous().verify(token).await;
        assert_eq!(verification.data("verify")["active"], true);
    }
}

#[tokio::test]
async fn an_unchanged_token_of_the_forger_is_valid() {
    let forgery = Forgery::new().await;
    forgery.accepted(&forgery.signed(|_, _| {})).await;
}

#[tokio::test]
async fn malformed_truncated_and_extended_tokens_are_invalid() {
    let forgery = Forgery::new().await;
    let good = forgery.victim.access.clone();
    let mut bad: Vec<String> = ["x", ".", "..", "...", "a.b.c", "null", "{}", "e30.e30.e30"].map(String::from).into();
    bad.extend([good.len() / 4, good.len() / 2, good.len() - 1].map(|length| good[..length].to_owned()));
    bad.extend([format!("{good}A"), format!("{good}."), format!("{good}.{good}"), format!("{good}=")]);
    bad.push("x".repeat(20_000));
    for token in &bad {
        forgery.refused(token, "INVALID").await;
    }
    let lengths = (1..good.len()).map(|length| &good[..length]).chain((1..good.len()).map(|start| &good[start..]));
    for token in ["", " ", "\u{0}", "ключ"].into_iter().chain(lengths) {
        let verification = forgery.test.anonymous().verify(token).await;
        assert_eq!(verification.data("verify")["reason"], "INVALID");
    }
}

#[tokio::test]
async fn an_expired_token_is_expired() {
    let forgery = Forgery::new().await;
    forgery.accepted(&forgery.victim.access).await;
    forgery.test.app.clock.advance(Duration::minutes(5));
    forgery.refused(&forgery.victim.access, "EXPIRED").await;
    forgery.test.app.clock.advance(Duration::days(400));
    forgery.refused(&forgery.victim.access, "EXPIRED").await;
}

#[tokio::test]
async fn a_token_is_not_valid_before_its_time() {
    let forgery = Forgery::new().await;
    let later = (forgery.test.app.clock.now() + Duration::minutes(2)).timestamp();
    forgery.refused(&forgery.signed(|claims, _| drop(claims.insert("nbf".into(), later.into()))), "INVALID").await;
}

#[tokio::test]
async fn a_token_for_another_audience_or_of_another_issuer_is_invalid() {
    let forgery = Forgery::new().await;
    for (claim, value) in [
        ("aud", json!("other")),
        ("aud", json!(["graph", "other"])),
        ("aud", json!("")),
        ("iss", json!("https://evil.test")),
        ("iss", json!(format!("{ISSUER}/"))),
    ] {
        forgery.refused(&forgery.signed(|claims, _| drop(claims.insert(claim.into(), value))), "INVALID").await;
    }
}

#[tokio::test]
async fn a_token_of_another_type_is_invalid() {
    let forgery = Forgery::new().await;
    for typ in [None, Some("JWT"), Some("jwt"), Some("rt+jwt"), Some("")] {
        let token = forgery.signed(|_, header| header.typ = typ.map(str::to_owned));
        forgery.refused(&token, "INVALID").await;
    }
}

#[tokio::test]
async fn ghsa_9h47_pqcx_hjr4_an_unsigned_token_is_invalid() {
    let forgery = Forgery::new().await;
    let signature = forgery.victim.access.rsplit('.').next().unwrap();
    for alg in ["none", "None", "NONE", "nOnE"] {
        for signature in ["", signature] {
            let token = forgery.assembled(|header| drop(header.insert("alg".into(), alg.into())), signature);
            forgery.refused(&token, "INVALID").await;
        }
    }
}

#[tokio::test]
async fn authorizer_550_the_public_key_is_not_an_hmac_secret() {
    let forgery = Forgery::new().await;
    let jwks: Value = serde_json::from_str(forgery.test.app.tokens.keyring.current().jwks()).unwrap();
    let jwk = &jwks["keys"][0];
    let point: Vec<u8> = ["x", "y"]
        .iter()
        .flat_map(|name| BASE64_URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap())
        .collect();
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some("at+jwt".to_owned());
    header.kid = jwk["kid"].as_str().map(str::to_owned);
    for secret in [point.clone(), [vec![4], point].concat(), jwk.to_string().into_bytes()] {
        let token = encode(&header, &forgery.part(1), &EncodingKey::from_secret(&secret).unwrap()).unwrap();
        forgery.refused(&token, "INVALID").await;
    }
}

#[tokio::test]
async fn an_unknown_or_missing_key_identifier_is_invalid() {
    let forgery = Forgery::new().await;
    for kid in [None, Some("unknown"), Some(""), Some("../../etc/passwd"), Some("' OR 1=1 --")] {
        let token = forgery.signed(|_, header| header.kid = kid.map(str::to_owned));
        forgery.refused(&token, "INVALID").await;
    }
}

#[tokio::test]
async fn keys_in_a_token_are_not_used() {
    let forgery = Forgery::new().await;
    let other = Forgery::new().await;
    let theirs = other.test.app.tokens.keyring.current();
    let their_jwk: Value = serde_json::from_str::<Value>(theirs.jwks()).unwrap()["keys"][0].clone();
    for kid in [forgery.part(0)["kid"].clone(), other.part(0)["kid"].clone()] {
        let header = json!({
            "typ": "at+jwt", "alg": "ES256", "kid": kid, "jwk": their_jwk,
            "jku": "https://evil.test/jwks.json", "x5u": "https://evil.test/cert.pem",
        });
        let input = [header, Value::Object(forgery.part(1))]
            .map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let key = &theirs.signing(other.test.app.clock.now()).unwrap().encoding;
        let signature = jsonwebtoken::crypto::sign(input.as_bytes(), key, Algorithm::ES256).unwrap();
        forgery.refused(&format!("{input}.{signature}"), "INVALID").await;
    }
}

#[tokio::test]
async fn a_critical_extension_is_rejected() {
    let forgery = Forgery::new().await;
    for crit in [json!(["exp"]), json!([]), json!(null), json!(false)] {
        let token = forgery.signed_with_header("crit", crit);
        forgery.refused(&token, "INVALID").await;
    }
    forgery.accepted(&forgery.signed_with_header("cty", json!("json"))).await;
}

/// CVE-2026-25537: a claim of the wrong JSON type counted as absent.
#[tokio::test]
async fn cve_2026_25537_claims_of_the_wrong_type_are_invalid() {
    let forgery = Forgery::new().await;
    for claim in ["exp", "nbf", "iat", "auth_time"] {
        for value in [json!("9999999999"), json!(null), json!(true), json!([]), json!({}), json!(1e300)] {
            let token = forgery.signed(|claims, _| drop(claims.insert(claim.into(), value)));
            forgery.refused(&token, "INVALID").await;
        }
    }
    for claim in ["iss", "sub", "aud", "jti", "sid", "client_id", "scope", "amr"] {
        for value in [json!(1), json!(null), json!({}), json!("../../x y\u{7f}")] {
            let token = forgery.signed(|claims, _| drop(claims.insert(claim.into(), value.clone())));
            if claim != "client_id" || !value.is_string() {
                forgery.refused(&token, "INVALID").await;
            }
        }
    }
}

#[tokio::test]
async fn ghsa_wxg7_w2v3_w38g_every_claim_is_required() {
    let forgery = Forgery::new().await;
    // Nothing is gained by a token without `scope`: it has no scopes.
    for claim in forgery.part(1).keys().filter(|claim| *claim != "scope") {
        forgery.refused(&forgery.signed(|claims, _| drop(claims.remove(claim))), "INVALID").await;
    }
}

#[tokio::test]
async fn a_token_without_scope_or_with_an_empty_one_has_no_scopes() {
    let forgery = Forgery::new().await;
    let without = forgery.signed(|claims, _| drop(claims.remove("scope")));
    let empty = forgery.signed(|claims, _| drop(claims.insert("scope".into(), "".into())));
    for token in [without, empty] {
        assert!(forgery.test.bearer(&token).me().await.data("me").is_object());
        assert_eq!(forgery.test.bearer(&token).send(operation!("users"), json!({})).await.code(), "FORBIDDEN");
    }
}

#[tokio::test]
async fn a_token_with_our_signature_for_another_audience_is_invalid() {
    let forgery = Forgery::new().await;
    let app = &forgery.test.app;
    let now = app.clock.now();
    let grant = Grant {
        holder: Holder::User(forgery.victim.user.id, forgery.part(1)["sid"].as_str().unwrap().parse().unwrap()),
        client_id: "first-party".to_owned(),
        scope: Scopes::default(),
        auth_time: now,
        amr: Vec::new(),
        additional: model::values::AdditionalClaims::default(),
        act: None,
        issued_at: now,
        expires_at: now + Duration::minutes(5),
    };
    let mint = |audience: &str| {
        let tokens = AccessTokens::new(ISSUER.to_owned(), audience.to_owned());
        tokens.mint(&app.tokens.keyring, grant.clone()).unwrap().expose_secret().to_owned()
    };
    forgery.accepted(&mint("graph")).await;
    forgery.refused(&mint("another graph"), "INVALID").await;
}

#[tokio::test]
async fn ghsa_xmf8_cvqr_rfgj_a_malformed_header_or_another_scheme_is_invalid() {
    let forgery = Forgery::new().await;
    let good = &forgery.victim.access;
    for value in [
        "Bearer",
        "Bearer ",
        "bearer a b",
        &format!("Bearer {good} {good}"),
        "Bearer \u{e9}",
        "Basic YTpi",
        "Token x",
        good,
    ] {
        let caller = forgery.test.anonymous().with_header("authorization", value);
        assert_eq!(caller.me().await.code(), "TOKEN_INVALID", "{value}");
    }
    let twice = forgery.victim.caller.clone().with_header("authorization", &format!("Bearer {good}"));
    assert_eq!(twice.me().await.code(), "TOKEN_INVALID");
    for value in [format!("bearer {good}"), format!("BEARER   {good}")] {
        let caller = forgery.test.anonymous().with_header("authorization", &value);
        assert_eq!(caller.me().await.data("me")["email"], "root@test.com");
    }
}

#[tokio::test]
async fn signing_in_works_with_a_bad_token_in_the_header() {
    let forgery = Forgery::new().await;
    let caller = forgery.test.anonymous().with_header("authorization", "Bearer expired");
    caller.login("root@test.com", crate::support::PASSWORD).await.data("login");
    caller.refresh(&forgery.victim.refresh).await.data("refresh");
}

#[tokio::test]
async fn simplejwt_46_verify_checks_refresh_tokens_without_using_them_up() {
    let forgery = Forgery::new().await;
    let (test, token) = (&forgery.test, &forgery.victim.refresh);
    for _ in 0..3 {
        let answer = test.anonymous().verify(token).await;
        assert_eq!(answer.data("verify")["active"], true);
        assert_eq!(answer.data("verify")["tokenType"], "REFRESH");
    }
    test.anonymous().refresh(token).await.data("refresh");
    let caller = test.anonymous().with_header("authorization", &format!("Bearer {token}"));
    assert_eq!(caller.me().await.code(), "TOKEN_INVALID");
    test.anonymous().logout(token).await.data("logout");
    assert_eq!(test.anonymous().verify(token).await.data("verify")["reason"], "REVOKED");
}
