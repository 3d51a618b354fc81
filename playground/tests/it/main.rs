//! The responses of the page's routes, with and without the assets.

#![cfg(test)]

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use http_body_util::BodyExt;
use playground::{POLICY, Page, router_with};
use tower::ServiceExt;

const PAGE: Page = Page {
    title: "A <service> & its \"page\"",
    endpoint: "/some/graphql",
    sign_in: "/auth/graphql",
    shared: &["Login"],
    examples: &["{ notes(text: \"<b>'\") }"],
};

/// The assets are embedded when the crate is compiled, so that a test sees the assets of that time.
fn assets_are_built() -> bool {
    std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/dist/index.html")).exists()
}

async fn get(path: &str) -> (StatusCode, HeaderMap, String) {
    send(Request::get(path).body(Body::empty()).unwrap()).await
}

async fn send(request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    let router: Router = router_with(PAGE);
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
}

fn is_secured(headers: &HeaderMap) -> bool {
    headers["content-security-policy"] == POLICY
        && headers["x-content-type-options"] == "nosniff"
        && headers["referrer-policy"] == "no-referrer"
        && headers["cache-control"] == "no-cache"
}

#[tokio::test]
async fn the_page_is_html_of_the_service_under_the_policy() {
    let (status, headers, body) = get("/").await;
    assert_eq!((status, &headers["content-type"]), (StatusCode::OK, &"text/html; charset=utf-8".parse().unwrap()));
    assert!(is_secured(&headers));
    assert!(body.contains("<title>A &lt;service&gt; &amp; its &quot;page&quot;</title>"), "{body}");
    assert!(body.contains("/some/graphql"), "{body}");
    assert!(!body.contains("{{"), "{body}");
}

#[tokio::test]
async fn the_page_without_assets_says_how_to_build_them() {
    let page = PAGE.without_assets();
    assert!(page.contains("npm ci --prefix playground\nnpm run build --prefix playground"));
    assert!(page.contains("<code>/some/graphql</code>"));
    assert!(page.contains("A &lt;service&gt;") && !page.contains("<service>"));
    assert!(!page.contains("<script") && !page.contains("<style") && !page.contains("style="));
}

#[test]
fn the_policy_allows_nothing_inline_and_no_other_origin() {
    assert!(POLICY.starts_with("default-src 'none'; "));
    for forbidden in ["unsafe", "http:", "https:", "*", "ws:", "  "] {
        assert!(!POLICY.contains(forbidden), "{forbidden}");
    }
}

#[tokio::test]
async fn a_path_outside_of_the_assets_is_not_found() {
    for path in [
        "/playground/../Cargo.toml",
        "/playground/..%2FCargo.toml",
        "/playground/%2e%2e/Cargo.toml",
        "/playground/..%5cCargo.toml",
        "/playground//etc/passwd",
        "/playground/%2Fetc%2Fpasswd",
        "/playground/fonts",
        "/playground/fonts/",
        "/playground/index.html",
        "/playground/nothing.js",
        "/playground/playground.js%00",
    ] {
        let (status, headers, body) = get(path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(is_secured(&headers), "{path}");
        assert!(!body.contains("[package]") && !body.contains("root:"), "{path}");
    }
}

#[tokio::test]
async fn every_asset_has_its_type_and_is_revalidated() {
    if !assets_are_built() {
        // Without embedded assets, the page says so, and there is nothing else.
        assert_eq!(get("/").await.2, PAGE.without_assets());
        assert_eq!(get("/playground/playground.js").await.0, StatusCode::NOT_FOUND);
        return;
    }
    for (path, content_type) in [
        ("/playground/graphiql.js", "text/javascript; charset=utf-8"),
        ("/playground/playground.js", "text/javascript; charset=utf-8"),
        ("/playground/graphiql.css", "text/css; charset=utf-8"),
        ("/playground/icon.svg", "image/svg+xml"),
        ("/playground/operations.json", "application/json"),
        ("/playground/fonts/1.woff2", "font/woff2"),
        ("/playground/LICENSES.txt", "text/plain; charset=utf-8"),
    ] {
        let (status, headers, _) = get(path).await;
        assert_eq!((status, headers["content-type"].to_str().unwrap()), (StatusCode::OK, content_type), "{path}");
        assert!(is_secured(&headers), "{path}");
        let again = Request::get(path).header("if-none-match", &headers["etag"]).body(Body::empty()).unwrap();
        let (status, headers, body) = send(again).await;
        assert_eq!((status, body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
        assert!(is_secured(&headers), "{path}");
        let other = Request::get(path).header("if-none-match", "\"other\"").body(Body::empty()).unwrap();
        assert_eq!(send(other).await.0, StatusCode::OK, "{path}");
    }
}
