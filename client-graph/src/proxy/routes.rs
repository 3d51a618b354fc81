//! The routes of the proxy.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use super::{Proxy, account, graphql, pages, rest};

const MAX_BODY: usize = 64 * 1024;

impl Proxy {
    /// Returns the routes with their full paths. Merge them at the root.
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let pages = pages::PATHS.iter().fold(Router::new(), |router, path| {
            router.route(&format!("/auth{path}"), get(pages::page).fallback(rest::only_get))
        });
        pages
            .route("/auth/graphql", post(graphql::forward).fallback(graphql::method_not_allowed))
            .route("/auth/token/", post(rest::token).fallback(rest::only_post))
            .route("/auth/token/refresh/", post(rest::refresh).fallback(rest::only_post))
            .route("/auth/token/verify/", post(rest::verify).fallback(rest::only_post))
            .route("/auth/token/logout/", post(rest::logout).fallback(rest::only_post))
            .route("/auth/users/{id}/", get(account::user).fallback(rest::only_get))
            .route("/auth/password-change/", post(account::change_password).fallback(rest::only_post))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(self)
    }
}
