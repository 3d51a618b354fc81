//! The web page of a service: GraphiQL with a sign-in form, embedded in the binary. The page sends no request to
//! another origin, and its policy allows no inline script or style. The service itself provides the GraphQL endpoint.

mod assets;
mod page;

use axum::{
    Router,
    extract::Path,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
    routing::get,
};

pub use self::page::Page;

/// The content security policy of every answer. The socket for subscriptions is part of `connect-src 'self'`.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Serves the page of auth-graph, which is [`Page::default`].
pub fn router<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    router_with(Page::default())
}

/// Serves a page at `/` and its assets below `/playground/`.
///
/// If the assets were not built, `/` is a page that explains how to build them.
pub fn router_with<S>(page: Page) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let html = match assets::get("index.html") {
        Some(template) => page.render(&String::from_utf8_lossy(&template.bytes)),
        None => page.without_assets(),
    };
    Router::new()
        .route("/", get(async move || respond("text/html; charset=utf-8", html.clone())))
        .route("/playground/{*path}", get(asset))
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = assets::get(&path).filter(|_| path != "index.html") else {
        return (StatusCode::NOT_FOUND, respond("text/plain; charset=utf-8", "There is no such file.\n"))
            .into_response();
    };
    // The names stay the same when the content changes, so a browser must revalidate.
    let tag = HeaderValue::from_str(&asset.tag).expect("a hash in quotes is visible ASCII");
    let known = headers.get_all(IF_NONE_MATCH).iter().any(|value| *value == tag);
    let mut response = if known {
        (StatusCode::NOT_MODIFIED, secured()).into_response()
    } else {
        respond(assets::content_type(&path), asset.bytes).into_response()
    };
    response.headers_mut().insert(ETAG, tag);
    response
}

fn respond(content_type: &'static str, body: impl IntoResponse) -> impl IntoResponse {
    (secured(), [(CONTENT_TYPE, content_type)], body)
}

/// Adds the headers of every answer.
fn secured() -> [(HeaderName, &'static str); 4] {
    [
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ]
}
