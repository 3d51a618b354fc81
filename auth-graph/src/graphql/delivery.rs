//! How the refresh token reaches the client: in the answer, or in a cookie that scripts can not read; and who may use
//! that cookie.
//!
//! The cookie is bound to this host (`__Host-`), or to a configured parent domain (`__Secure-`, RFC 6265bis section
//! 4.1.3). A browser adds it to a request whoever has caused it, so it counts only together with the CSRF token of its
//! session, on a page that may act for the user.

use async_graphql::{Context, Enum};
use chrono::Duration;
use secrecy::{ExposeSecret, SecretString};

use super::caller::app;
use engine::app::App;
use model::config::Cookies;
use model::error::{Error, Result};

/// Where the refresh token is put.
#[derive(Enum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Into the field `refreshToken` of the answer.
    #[default]
    Body,
    /// Into an HttpOnly cookie, for browsers; `refreshToken` is null then.
    Cookie,
}

/// Which page has caused a request, as its browser tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// One of ours, or there is no page.
    Trusted,
    /// One of somebody else.
    Foreign,
}

/// What a request shows that only browsers send.
#[derive(Clone, Debug)]
pub struct Browser {
    /// The page that has caused the request.
    pub page: Page,
    /// The refresh token in the cookie.
    pub cookie: Option<SecretString>,
    /// The header `X-CSRF-Token`.
    pub csrf_token: Option<String>,
}

/// Finds the refresh token in the value of a `Cookie` header (RFC 6265 section 4.2.1).
#[must_use]
pub fn find_cookie(app: &App, header: &str) -> Option<SecretString> {
    let name = name(app);
    header
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.into())
}

/// The refresh token in the cookie of this request, or why it can not be used. None: there is no cookie.
///
/// A refusal leaves the cookie alone: the request may be forged, or have lost a race against another tab.
pub(super) fn cookie<'a>(ctx: &Context<'a>) -> Option<Result<&'a SecretString>> {
    let browser = ctx.data_opt::<Browser>()?;
    browser.cookie.as_ref().map(|token| admit(app(ctx), browser, token).map(|()| token))
}

/// Refuses to give a cookie to a page of somebody else.
pub(super) fn check_page(ctx: &Context<'_>) -> Result<()> {
    match ctx.data_opt::<Browser>() {
        Some(Browser { page: Page::Foreign, .. }) => Err(refuse("the page is not of an allowed origin")),
        _ => Ok(()),
    }
}

/// Puts a refresh token into the cookie for as long as it is good.
pub(super) fn set(ctx: &Context<'_>, token: &SecretString, lifetime: Duration) {
    append(ctx, app(ctx), token.expose_secret(), lifetime.num_seconds());
}

/// Deletes the cookie.
pub(super) fn clear(ctx: &Context<'_>) {
    append(ctx, app(ctx), "", 0);
}

fn admit(app: &App, browser: &Browser, token: &SecretString) -> Result<()> {
    if browser.page == Page::Foreign {
        return Err(refuse("the page is not of an allowed origin"));
    }
    let (session, _) = app.refresh_tokens.decode(token)?;
    match &browser.csrf_token {
        Some(csrf_token) if app.csrf_tokens.verify(session, csrf_token) => Ok(()),
        Some(_) => Err(refuse("X-CSRF-Token belongs to another session")),
        None => Err(refuse("X-CSRF-Token is missing")),
    }
}

/// Which check has failed is for the log of whoever sets the service up, not for the page.
fn refuse(reason: &'static str) -> Error {
    tracing::info!(reason, "the cookie was refused");
    Error::Forbidden
}

fn append(ctx: &Context<'_>, app: &App, value: &str, seconds: i64) {
    let Cookies { domain, same_site } = &app.config.cookies;
    let domain = if domain.is_empty() { String::new() } else { format!("; Domain={domain}") };
    let secure = if is_secure(app) { "; Secure" } else { "" };
    let name = name(app);
    // `__Host-` obliges to this path, and client-graph serves the same cookie under another one.
    let cookie = format!("{name}={value}; Path=/{domain}; Max-Age={seconds}; HttpOnly; SameSite={same_site:?}{secure}");
    ctx.append_http_header("set-cookie", cookie);
}

/// A prefix binds the cookie to what sets it, and browsers take it over https only.
fn name(app: &App) -> &'static str {
    match (is_secure(app), app.config.cookies.domain.is_empty()) {
        (true, true) => "__Host-auth_graph_refresh",
        (true, false) => "__Secure-auth_graph_refresh",
        (false, _) => "auth_graph_refresh",
    }
}

fn is_secure(app: &App) -> bool {
    app.config.server.public_url.starts_with("https://")
}
