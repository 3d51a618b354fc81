//! How the refresh token reaches the client: in the answer, or in a cookie that scripts can not read.
//!
//! The cookie is bound to this host (`__Host-`, RFC 6265bis section 4.1.3.2) and is never sent from another site.

use async_graphql::{Context, Enum};
use chrono::Duration;
use secrecy::{ExposeSecret, SecretString};

use super::caller::app;
use crate::app::App;

/// Where the refresh token is put.
#[derive(Enum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Into the field `refreshToken` of the answer.
    #[default]
    Body,
    /// Into an HttpOnly cookie, for browsers; `refreshToken` is null then.
    Cookie,
}

/// The refresh token that came in the request's cookie.
#[derive(Clone, Debug)]
pub struct RefreshCookie(SecretString);

impl RefreshCookie {
    /// Finds it in the value of a `Cookie` header (RFC 6265 section 4.2.1).
    #[must_use]
    pub fn find(app: &App, header: &str) -> Option<Self> {
        let name = name(app);
        header
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(found, _)| *found == name)
            .map(|(_, value)| Self(value.into()))
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &SecretString {
        &self.0
    }
}

/// The cookie of this request.
pub(super) fn cookie<'a>(ctx: &Context<'a>) -> Option<&'a RefreshCookie> {
    ctx.data_opt::<RefreshCookie>()
}

/// Puts a refresh token into the cookie for as long as it is good.
pub(super) fn set(ctx: &Context<'_>, token: &SecretString, lifetime: Duration) {
    append(ctx, app(ctx), token.expose_secret(), lifetime.num_seconds());
}

/// Deletes the cookie.
pub(super) fn clear(ctx: &Context<'_>) {
    append(ctx, app(ctx), "", 0);
}

fn append(ctx: &Context<'_>, app: &App, value: &str, seconds: i64) {
    let secure = if is_secure(app) { "; Secure" } else { "" };
    let cookie = format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", name(app));
    ctx.append_http_header("set-cookie", cookie);
}

/// The prefix binds the cookie to this host, and browsers take it over https only.
fn name(app: &App) -> &'static str {
    if is_secure(app) { "__Host-auth_graph_refresh" } else { "auth_graph_refresh" }
}

fn is_secure(app: &App) -> bool {
    app.config.server.public_url.starts_with("https://")
}
