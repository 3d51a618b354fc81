//! The paths of older authentication services other than django-easyjwt, which `rest.old_names` turns on. One file for
//! each service lists its paths; the handlers translate, and call the same functions as the other doors.

mod django_auth_service;
mod django_rest_microservice;

use axum::Router;
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;

use super::site::Site;
use model::config::{OldNames, Rest};

/// Returns the routes of the services that the configuration names.
pub(super) fn router(rest: &Rest) -> Router<Site> {
    let mut router = Router::new();
    if rest.serves(OldNames::DjangoAuthService) {
        router = router.merge(django_auth_service::router());
    }
    if rest.serves(OldNames::DjangoRestMicroservice) {
        router = router.merge(django_rest_microservice::router());
    }
    router
}

/// Accepts the scheme `JWT` of django-graphql-jwt in place of `Bearer`.
pub(super) async fn with_bearer(mut request: Request) -> Request {
    if let Ok(Some(value)) = http_input::single(request.headers(), AUTHORIZATION)
        && let Ok(text) = value.to_str()
        && let Some((scheme, token)) = text.split_once(' ')
        && scheme.eq_ignore_ascii_case("jwt")
        && let Ok(value) = format!("Bearer {token}").parse()
    {
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    request
}
