//! What a token of a mail is for: `inspectOneTimeToken`.

use serde_json::{Value, json};

use crate::support::{MailingApp, operation};

/// A page asks what its link is for. The token is not used up, and a wrong one says nothing.
#[tokio::test]
async fn a_token_of_a_mail_tells_what_it_is_for_until_it_is_used() {
    let site = MailingApp::new().await;
    let caller = site.test.anonymous();
    let inspect = async |token: &str| -> Value {
        let answer = caller.send(operation!("inspect_one_time_token"), json!({ "token": token })).await;
        answer.data("inspectOneTimeToken").clone()
    };
    caller.register("ada@test.com").await.data("register");
    let confirmation = site.mail().await;
    for _ in 0..2 {
        let found = inspect(confirmation.token()).await;
        assert_eq!(found["purpose"], "CONFIRM_REGISTRATION");
        assert_eq!(found["email"], "ada@test.com");
    }
    caller.confirm(confirmation.token()).await.data("verifyEmail");
    caller.request_reset("ada@test.com").await.data("requestPasswordReset");
    let reset = site.mail().await;
    assert_eq!(inspect(reset.token()).await["purpose"], "RESET_PASSWORD");
    for gone in [confirmation.token(), "ago_made_up", ""] {
        assert_eq!(inspect(gone).await, Value::Null, "{gone}");
    }
    site.test.app.clock.advance(chrono::Duration::hours(2));
    assert_eq!(inspect(reset.token()).await, Value::Null, "it has expired");
}

#[tokio::test]
async fn wrong_tokens_are_limited_and_good_ones_are_not() {
    let site = MailingApp::with(|config| config.limits.network_attempts = 3).await;
    let caller = site.test.anonymous();
    caller.request_reset("nobody@test.com").await.data("requestPasswordReset");
    caller.register("ada@test.com").await.data("register");
    let mail = site.mail().await;
    let inspect =
        async |token: &str| caller.send(operation!("inspect_one_time_token"), json!({ "token": token })).await;
    for _ in 0..5 {
        assert_eq!(inspect(mail.token()).await.data("inspectOneTimeToken")["email"], "ada@test.com");
    }
    for _ in 0..3 {
        assert_eq!(*inspect("ago_made_up").await.data("inspectOneTimeToken"), Value::Null);
    }
    assert_eq!(inspect("ago_made_up").await.code(), "RATE_LIMITED");
}
