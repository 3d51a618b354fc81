//! The pages that links in mails open. `e2e/account-pages.test.mjs` tests them in a browser.

use std::collections::BTreeMap;

use model::config::Registration;
use serde_json::{Value, json};

use crate::support::{TestApp, operation};

const PAGES: [&str; 3] = ["/verify-email", "/reset-password", "/register"];
const FILES: [&str; 2] = ["/account/page.css", "/account/page.js"];

#[tokio::test]
async fn pages_have_no_inline_scripts_and_cannot_be_framed() {
    let test = TestApp::new().await;
    for path in PAGES.into_iter().chain(FILES) {
        let answer = test.anonymous().get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        let header = |name: &str| answer.headers[name].to_str().unwrap();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!((header("x-content-type-options"), header("referrer-policy")), ("nosniff", "no-referrer"));
        // The page does not repeat a token in the query string.
        assert_eq!(test.anonymous().get(&format!("{path}?token=ago_of_somebody")).await.text, answer.text);
    }
}

#[tokio::test]
async fn a_service_that_has_the_links_can_fetch_the_built_in_pages() {
    let test = TestApp::with(|config| config.accounts.pages_url = "https://app.test/auth".to_owned()).await;
    for path in PAGES.into_iter().chain(FILES) {
        assert_eq!(test.anonymous().get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_page_names_the_service_and_where_its_users_sign_in() {
    let test = TestApp::with(|config| {
        config.mail.service_name = "Ada's <b>Shop</b>".to_owned();
        config.accounts.sign_in_url = "https://app.test/?a=1&b=\"2\"#/login".to_owned();
        config.accounts.registration = Registration::Open;
    })
    .await;
    let page = test.anonymous().get("/reset-password").await.text;
    assert!(page.contains("Ada&#x27;s &lt;b&gt;Shop&lt;&#x2f;b&gt;") && !page.contains("<b>"), "{page}");
    let address = "https:&#x2f;&#x2f;app.test&#x2f;?a=1&amp;b=&quot;2&quot;#&#x2f;login";
    assert!(page.contains(&format!("data-sign-in=\"{address}\" data-registration=\"open\"")), "{page}");
}

#[tokio::test]
async fn a_page_has_every_text_in_the_languages_of_the_mails() {
    let texts: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_str(include_str!("../../pages/texts.json")).unwrap();
    assert_eq!(texts.keys().collect::<Vec<_>>(), ["de", "en", "fr"]);
    let script = TestApp::new().await.anonymous().get("/account/page.js").await.text;
    assert!(!script.contains("{{"), "the texts are in the script");
    for (language, translated) in &texts {
        for (name, english) in &texts["en"] {
            assert_eq!(translated[name].contains("{email}"), english.contains("{email}"), "{language} {name}");
            assert!(script.contains(&format!("'{name}'")), "{name} is used");
        }
        assert_eq!(translated.len(), texts["en"].len(), "{language}");
    }
}

/// If only trusted documents are executed, the script must send them byte by byte.
#[tokio::test]
async fn the_script_sends_trusted_documents() {
    let script = TestApp::new().await.anonymous().get("/account/page.js").await.text;
    let line = script.lines().find_map(|line| line.strip_prefix("const OPERATIONS = ")?.strip_suffix(';')).unwrap();
    let expected = json!({
        "inspectOneTimeToken": operation!("inspect_one_time_token"),
        "requestPasswordReset": operation!("request_password_reset"),
        "verifyEmail": operation!("verify_email"),
        "resetPassword": operation!("reset_password"),
        "register": operation!("register"),
    });
    assert_eq!(serde_json::from_str::<Value>(line).unwrap(), expected);
}
