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
use model::error::{Error, Reason, Result};

/// Way in which a refresh token is delivered.
#[derive(Enum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenDelivery {
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
    /// Any other page, with the reason for the log.
    Foreign(&'static str),
}

/// The parts of a request that only browsers send.
#[derive(Clone, Debug)]
pub struct Browser {
    /// Page that caused the request.
    pub page: Page,
    /// Values of the cookies with the name of ours. There can be several: another host of a parent domain, or an
    /// earlier deployment, may have set one of them.
    pub cookies: Vec<SecretString>,
    /// Value of the header `X-CSRF-Token`.
    pub csrf_token: Option<String>,
}

/// Returns the refresh token in the cookie of this request, or the reason why it is not accepted. Returns `None`
/// without a cookie.
///
/// A refusal does not delete the cookie, because the request may be forged or may have lost a race against another tab.
pub(super) fn cookie<'a>(ctx: &Context<'a>) -> Option<Result<&'a SecretString>> {
    let browser = ctx.data_opt::<Browser>().filter(|browser| !browser.cookies.is_empty())?;
    Some(admit(app(ctx), browser))
}

/// Rejects a request of a foreign page for a cookie.
pub(super) fn check_page(ctx: &Context<'_>) -> Result<()> {
    ctx.data_opt::<Browser>().map_or(Ok(()), require_trusted_page)
}

/// Rejects a browser that shows a foreign page.
///
/// # Errors
/// [`Error::Denied`].
pub fn require_trusted_page(browser: &Browser) -> Result<()> {
    match browser.page {
        Page::Foreign(reason) => Err(refuse(Reason::CookieOrigin, reason)),
        Page::Trusted => Ok(()),
    }
}

/// Returns whether a page that may use the cookie has signed out in this browser before: it still has the CSRF token of
/// the cookie, which is gone.
pub(super) fn is_signed_out(ctx: &Context<'_>) -> Result<bool> {
    match ctx.data_opt::<Browser>() {
        Some(Browser { cookies, csrf_token: Some(_), .. }) if cookies.is_empty() => check_page(ctx).map(|()| true),
        _ => Ok(false),
    }
}

/// Puts a refresh token into the cookie for its lifetime.
pub(super) fn set(ctx: &Context<'_>, token: &SecretString, lifetime: Duration) {
    ctx.append_http_header("set-cookie", cookie_of(app(ctx), token, lifetime));
}

/// Deletes the cookie.
pub(super) fn clear(ctx: &Context<'_>) {
    ctx.append_http_header("set-cookie", no_cookie(app(ctx)));
}

/// Returns the cookie that belongs to the session of the CSRF token. Of several, the newest generation: an older one
/// would end the session.
///
/// # Errors
/// [`Error::Denied`] for a foreign page, and for a missing or wrong CSRF token; [`Error::TokenInvalid`] when no cookie
/// is a refresh token.
pub fn admit<'a>(app: &App, browser: &'a Browser) -> Result<&'a SecretString> {
    require_trusted_page(browser)?;
    let decoded = browser.cookies.iter().filter_map(|token| Some((app.tokens.refresh.decode(token).ok()?, token)));
    let ours: Vec<_> = decoded.collect();
    if ours.is_empty() {
        return Err(Error::TokenInvalid);
    }
    let csrf_token = browser.csrf_token.as_ref().ok_or_else(|| refuse(Reason::CsrfToken, "X-CSRF-Token is missing"))?;
    let fitting = ours.into_iter().filter(|((session, _), _)| app.tokens.csrf.verify(*session, csrf_token));
    let newest = fitting.max_by_key(|((_, generation), _)| *generation);
    newest.map(|(_, token)| token).ok_or_else(|| refuse(Reason::CsrfToken, "X-CSRF-Token belongs to another session"))
}

/// The failed check is logged for the operator, and named to the page. A page of another site cannot read it.
fn refuse(reason: Reason, detail: &'static str) -> Error {
    tracing::info!(reason = detail, "the cookie was refused");
    Error::Denied(reason)
}

/// Returns the header that puts a refresh token into the cookie for its lifetime.
#[must_use]
pub fn cookie_of(app: &App, token: &SecretString, lifetime: Duration) -> String {
    set_cookie(app, token.expose_secret(), lifetime.num_seconds())
}

/// Returns the header that deletes the cookie.
#[must_use]
pub fn no_cookie(app: &App) -> String {
    set_cookie(app, "", 0)
}

fn set_cookie(app: &App, value: &str, seconds: i64) -> String {
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
    cookie.build().to_string()
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
