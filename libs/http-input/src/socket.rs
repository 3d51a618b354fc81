//! The bearer token of a WebSocket. Browsers cannot set headers on the request that opens one, so it comes in the
//! payload of `connection_init`. Programs and gateways may send the header.

use http::HeaderMap;
use serde_json::Value;

use crate::Bearer;

/// Members of the payload that hold a token without a scheme, as documented for several clients.
const WITHOUT_SCHEME: [&str; 3] = ["authToken", "accessToken", "token"];

impl<'a> Bearer<'a> {
    /// Reads the payload of `connection_init`, and the header of the request that opened the socket if the payload has
    /// no token.
    #[must_use]
    pub fn of_socket(opened_by: &'a HeaderMap, payload: &'a Value) -> Self {
        match Self::of_payload(payload) {
            Self::Absent => Self::of(opened_by),
            sent => sent,
        }
    }

    /// Reads a payload: the member `authorization`, in it or in its member `headers`, has the form of the header. A
    /// token alone is the member `authToken`, `accessToken` or `token`. Gateways put all of these into the member
    /// `connectionParams`. Case does not matter in the names.
    #[must_use]
    pub fn of_payload(payload: &'a Value) -> Self {
        let places = ["connectionParams", "headers"].map(|name| member(payload, name));
        let places: Vec<_> = [Some(payload)].into_iter().chain(places).flatten().collect();
        let find = |name: &str| places.iter().find_map(|place| member(place, name));
        if let Some(header) = find("authorization") {
            return header.as_str().map_or(Self::Malformed, Self::parse);
        }
        match WITHOUT_SCHEME.iter().find_map(|name| find(name)).map(Value::as_str) {
            None => Self::Absent,
            Some(None) => Self::Malformed,
            Some(Some(text)) => match Self::parse(text) {
                Self::Malformed => Self::from_token(text.trim()),
                with_scheme => with_scheme,
            },
        }
    }
}

/// Returns a member that is neither null nor empty, as clients send for a user who is not signed in.
fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let mut members = object.as_object()?.iter();
    members
        .find(|(found, value)| found.eq_ignore_ascii_case(name) && !value.is_null() && *value != "")
        .map(|(_, it)| it)
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_token_is_found_in_the_usual_forms_of_a_payload() {
        for payload in [
            json!({ "authorization": "Bearer a.b" }),
            json!({ "Authorization": "bearer a.b" }),
            json!({ "AUTHORIZATION": "Bearer  a.b", "authToken": "other" }),
            json!({ "headers": { "Authorization": "Bearer a.b" } }),
            json!({ "headers": { "authorization": "Bearer a.b", "x-other": 1 } }),
            json!({ "authorization": null, "headers": { "authorization": "Bearer a.b" } }),
            json!({ "authorization": "", "authToken": "a.b" }),
            json!({ "authToken": "Bearer a.b" }),
            json!({ "accessToken": " a.b " }),
            json!({ "headers": {}, "token": "a.b" }),
            json!({ "connectionParams": { "token": "Bearer a.b" } }),
            json!({ "connectionParams": { "Authorization": "Bearer a.b" } }),
        ] {
            assert_eq!(Bearer::of_payload(&payload), Bearer::Token("a.b"), "{payload}");
        }
    }

    #[test]
    fn a_payload_without_a_token_is_told_from_one_that_is_not_understood() {
        for payload in [
            json!(null),
            json!({}),
            json!({ "authorization": null, "authToken": "" }),
            json!({ "headers": null }),
            json!({ "headers": ["authorization"] }),
            json!({ "n": 1 }),
        ] {
            assert_eq!(Bearer::of_payload(&payload), Bearer::Absent, "{payload}");
        }
        for payload in [
            json!({ "authorization": "a.b" }),
            json!({ "authorization": "JWT a.b" }),
            json!({ "authorization": "Bearer" }),
            json!({ "authorization": { "token": "a.b" } }),
            json!({ "headers": { "Authorization": "a.b" } }),
            json!({ "authToken": "JWT a.b" }),
            json!({ "authToken": 1 }),
        ] {
            assert_eq!(Bearer::of_payload(&payload), Bearer::Malformed, "{payload}");
        }
    }

    #[test]
    fn the_header_of_the_upgrade_counts_where_the_payload_has_no_token() {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, "Bearer header".parse().unwrap())]);
        for (payload, token) in [
            (json!(null), Bearer::Token("header")),
            (json!({ "n": 1, "authorization": "" }), Bearer::Token("header")),
            (json!({ "authorization": "Bearer payload" }), Bearer::Token("payload")),
            (json!({ "authorization": "payload" }), Bearer::Malformed),
        ] {
            assert_eq!(Bearer::of_socket(&headers, &payload), token, "{payload}");
        }
        assert_eq!(Bearer::of_socket(&HeaderMap::new(), &json!(null)), Bearer::Absent);
    }
}
