//! Delivery of the refresh token: in the answer, or in a cookie that scripts cannot read; and the use of that cookie.
//!
//! The cookie is bound to this host (`__Host-`), or to a configured parent domain (`__Secure-`, RFC 6265bis section
//! 4.1.3). A browser adds it to every request, including those that other sites cause. It is accepted only together
//! with the CSRF token of its session, on a page that may act for the user.

use async_graphql::{Context, Enum};
use chrono::Duration;
use cookie::Cookie;
use secrecy::{ExposeSecret, SecretString};

use super::caller::app;
use engine::app::App;
use model::config::{Cookies, SameSite};
use model::error::{Error, Result};

/// Way in which a refresh token is delivered.
#[derive(Enum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// In the field `refreshToken` of the response.
    #[default]
    Body,
    /// In an HttpOnly cookie, for browsers. The field `refreshToken` is null.
    Cookie,
}

/// The page that caused a request, according to its browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// A page of this service or of an allowed origin, or no page.
    Trusted,
    /// Any other page.
    Foreign,
}

/// Refresh token in the cookies of a request.
#[derive(Clone, Debug)]
pub enum RefreshCookie {
    /// There is no such cookie.
    Absent,
    /// The cookie holds this token.
    Token(SecretString),
    /// Several cookies have the name, and another host of the domain may have set one of them.
    Ambiguous,
}

/// The parts of a request that only browsers send.
#[derive(Clone, Debug)]
pub struct Browser {
    /// Page that caused the request.
    pub page: Page,
    /// Refresh token in the cookie.
    pub cookie: RefreshCookie,
    /// Value of the header `X-CSRF-Token`.
    pub csrf_token: Option<String>,
}

/// Returns the refresh token in the cookie of this request, or the reason why it is not accepted. Returns `None`
/// without a cookie.
///
/// A refusal does not delete the cookie, because the request may be forged or may have lost a race against another tab.
pub(super) fn cookie<'a>(ctx: &Context<'a>) -> Option<Result<&'a SecretString>> {
    let browser = ctx.data_opt::<Browser>()?;
    match &browser.cookie {
        RefreshCookie::Absent => None,
        RefreshCookie::Token(token) => Some(admit(app(ctx), browser, token).map(|()| token)),
        RefreshCookie::Ambiguous => Some(Err(refuse("several cookies have its name"))),
    }
}

/// Rejects a request of a foreign page for a cookie.
pub(super) fn check_page(ctx: &Context<'_>) -> Result<()> {
    match ctx.data_opt::<Browser>() {
        Some(Browser { page: Page::Foreign, .. }) => Err(refuse("the page is not of an allowed origin")),
        _ => Ok(()),
    }
}

/// Puts a refresh token into the cookie for its lifetime.
pub(super) fn set(ctx: &Context<'_>, token: &SecretString, lifetime: Duration) {
    append(ctx, token.expose_secret(), lifetime.num_seconds());
}

/// Deletes the cookie.
pub(super) fn clear(ctx: &Context<'_>) {
    append(ctx, "", 0);
}

fn admit(app: &App, browser: &Browser, token: &SecretString) -> Result<()> {
    if browser.page == Page::Foreign {
        return Err(refuse("the page is not of an allowed origin"));
    }
    let (session, _) = app.tokens.refresh.decode(token)?;
    match &browser.csrf_token {
        Some(csrf_token) if app.tokens.csrf.verify(session, csrf_token) => Ok(()),
        Some(_) => Err(refuse("X-CSRF-Token belongs to another session")),
        None => Err(refuse("X-CSRF-Token is missing")),
    }
}

/// The failed check is logged for the operator; the page does not learn it.
fn refuse(reason: &'static str) -> Error {
    tracing::info!(reason, "the cookie was refused");
    Error::Forbidden
}

fn append(ctx: &Context<'_>, value: &str, seconds: i64) {
    let app = app(ctx);
    let Cookies { domain, same_site } = &app.config.cookies;
    let mut cookie = Cookie::build((cookie_name(app), value))
        // `__Host-` requires this path, and client-graph serves the same cookie under another one.
        .path("/")
        .max_age(cookie::time::Duration::seconds(seconds))
        .http_only(true)
        .secure(is_secure(app))
        .same_site(match same_site {
            SameSite::Strict => cookie::SameSite::Strict,
            SameSite::Lax => cookie::SameSite::Lax,
        });
    if !domain.is_empty() {
        cookie = cookie.domain(domain.as_str());
    }
    ctx.append_http_header("set-cookie", cookie.build().to_string());
}

/// Returns the name of the cookie. A prefix binds it to the host or domain that sets it; browsers accept prefixes over
/// https only.
#[must_use]
pub fn cookie_name(app: &App) -> &'static str {
    match (is_secure(app), app.config.cookies.domain.is_empty()) {
        (true, true) => "__Host-auth_graph_refresh",
        (true, false) => "__Secure-auth_graph_refresh",
        (false, _) => "auth_graph_refresh",
    }
}

fn is_secure(app: &App) -> bool {
    app.config.server.public_url.starts_with("https://")
}
