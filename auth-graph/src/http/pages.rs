//! The pages that links in mails open. A front end can have its own (`accounts.pages_url`). These are served in any
//! case, because the proxy of client-graph fetches them from here. The pages are static. Their script reads the token
//! after the `#`, which browsers send to no server, and sends the mutation when the user confirms.

use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderName;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get};
use minijinja::{Environment, context};
use serde_json::json;

use super::site::Site;
use model::config::{Config, Registration};

/// Content security policy. The page may load its two files and call the endpoint. No other page may frame it, because
/// users type passwords here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The script, with its texts and the exact documents of `schema/operations`. A service may accept only trusted
/// documents.
static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    let operations = json!({
        "inspectOneTimeToken": include_str!("../../../schema/operations/inspect_one_time_token.graphql"),
        "verifyEmail": include_str!("../../../schema/operations/verify_email.graphql"),
        "requestPasswordReset": include_str!("../../../schema/operations/request_password_reset.graphql"),
        "resetPassword": include_str!("../../../schema/operations/reset_password.graphql"),
        "register": include_str!("../../../schema/operations/register.graphql"),
    });
    let script = include_str!("../../pages/page.js").replace("{{operations}}", &operations.to_string());
    script.replace("{{texts}}", include_str!("../../pages/texts.json").trim_end())
});

pub(super) fn router(config: &Config) -> Router<Site> {
    let html = page(config);
    let page = || file("text/html; charset=utf-8", html.clone());
    Router::new()
        .route("/verify-email", page())
        .route("/reset-password", page())
        .route("/register", page())
        .route("/account/page.css", file("text/css; charset=utf-8", include_str!("../../pages/page.css")))
        .route("/account/page.js", file("text/javascript; charset=utf-8", SCRIPT.as_str()))
}

/// Returns the page, with the name of the service and what its users may do.
fn page(config: &Config) -> String {
    let registration = match config.accounts.registration {
        Registration::Open => "open",
        Registration::Invitation => "invitation",
        Registration::Off => "off",
    };
    let sign_in_url = &config.accounts.sign_in_url;
    let values = context! { service => config.service_name(), sign_in_url, registration };
    // The extension of the name decides whether values are escaped.
    let page = Environment::new().render_named_str("page.html", include_str!("../../pages/page.html"), values);
    page.expect("the template is built in, and every test of a page renders it")
}

fn file(content_type: &'static str, text: impl Into<Bytes>) -> MethodRouter<Site> {
    let text = text.into();
    get(async move || (secured(), [(CONTENT_TYPE, content_type)], text).into_response())
}

/// Returns the headers of every response.
fn secured() -> [(HeaderName, &'static str); 4] {
    [
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ]
}
