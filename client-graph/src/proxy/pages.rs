//! auth-graph's pages for the links in mails, on the origin of this service. They hold no data of a user: their script
//! reads the token behind the `#` and sends it to `/auth/graphql`.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Proxy;
use crate::error::Error;
use crate::operations::{Repeat, bounded_body};

/// Paths of the pages and of their files, below `/auth` here and below the address of auth-graph there.
pub(super) const PATHS: [&str; 5] =
    ["/verify-email", "/reset-password", "/register", "/account/page.css", "/account/page.js"];
const MAX_PAGE: usize = 256 * 1024;

/// Returns a page. Its address has no query: whatever the caller adds stays here.
pub(super) async fn page(State(proxy): State<Proxy>, request: Request) -> Response {
    let path = request.uri().path();
    let Some(path) = PATHS.iter().find(|known| path.strip_prefix("/auth") == Some(*known)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    fetch(&proxy, path).await.unwrap_or_else(IntoResponse::into_response)
}

async fn fetch(proxy: &Proxy, path: &str) -> Result<Response, Error> {
    let transport = proxy.auth.transport();
    let url = transport.beside_graphql(path);
    let answer = transport.send(Repeat::Safe, |http| http.get(url.clone())).await?;
    if answer.status() != StatusCode::OK {
        return Err(Error::unavailable(format!("auth-graph answered {} for a page", answer.status())));
    }
    let headers = answer.headers().clone();
    let mut response = Response::new(Body::from(bounded_body(answer, MAX_PAGE).await?));
    for name in [
        header::CONTENT_TYPE,
        header::CACHE_CONTROL,
        header::CONTENT_SECURITY_POLICY,
        header::REFERRER_POLICY,
        header::X_CONTENT_TYPE_OPTIONS,
    ] {
        if let Some(value) = headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    Ok(response)
}
