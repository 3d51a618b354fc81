//! Bodies at the paths of django-easyjwt: forms, blanks around values, further fields of accounts, accounts of others.

use axum::http::Request;
use engine::accounts::Rank;
use model::config::Config;
use model::values::ClaimSource;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, PASSWORD, TestApp, operation};

fn rest(config: &mut Config) {
    config.rest.enabled = true;
    config.rest.create_user = true;
}

async fn parts(caller: &Caller, path: &str, fields: &[(&str, &str)]) -> Answer {
    let part = |(name, value): &(&str, &str)| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = fields.iter().map(part).collect::<String>() + "--x--\r\n";
    let request = Request::post(path).header("content-type", "multipart/form-data; boundary=x").body(body.into());
    caller.request(request.unwrap()).await
}

/// suitenumerique/meet#1613, drf-social-oauth2#140: a form was answered with 415.
#[tokio::test]
async fn every_path_takes_forms_as_django_rest_framework_does() {
    let test = TestApp::with(rest).await;
    test.create_user("ada@test.com").await;
    let caller = test.anonymous();
    for multipart in [false, true] {
        let send = async |path: &str, fields: &[(&str, &str)]| match multipart {
            false => caller.form(path, fields).await,
            true => parts(&caller, path, fields).await,
        };
        let pair = send("/auth/token/", &[("email", "ada@test.com"), ("password", PASSWORD)]).await;
        assert_eq!(pair.status, 200, "{}", pair.text);
        let next = send("/auth/token/refresh/", &[("refresh", pair.body["refresh"].as_str().unwrap())]).await;
        assert_eq!(next.status, 200, "{}", next.text);
        let token = next.body["refresh"].as_str().unwrap();
        assert_eq!(send("/auth/token/verify/", &[("token", token)]).await.status, 200);
        assert_eq!(send("/auth/token/blacklist/", &[("refresh", token)]).await.status, 200);
        let email = if multipart { "grace@test.com" } else { "eve@test.com" };
        assert_eq!(send("/auth/create-user/", &[("email", email), ("password", PASSWORD)]).await.status, 201);
        let change = [("email", email), ("password", PASSWORD), ("new_password", "another long password")];
        assert_eq!(send("/auth/password-change/", &change).await.status, 200);
        let nothing = send("/auth/token/", &[("password", "")]).await;
        let expected = json!({ "email": ["This field is required."], "password": ["This field may not be blank."] });
        assert_eq!((nothing.status.as_u16(), nothing.body), (400, expected));
    }
    let broken = Request::post("/auth/token/").header("content-type", "multipart/form-data").body("a".into()).unwrap();
    let broken = caller.request(broken).await;
    assert_eq!((broken.status.as_u16(), broken.body), (400, json!({ "detail": "Multipart form parse error" })));
}

/// jpadilla/django-rest-framework-jwt#362: serializers trim, so Django has hashed the password without the blanks.
#[tokio::test]
async fn blanks_around_values_are_removed_and_numbers_are_texts() {
    let test = TestApp::with(rest).await;
    let caller = test.anonymous();
    let padded = |text: &str| format!(" \t{text} \n");
    let created = json!({ "email": padded("ada@test.com"), "password": padded(PASSWORD), "phone": 491701234567_u64 });
    let created = caller.post("/auth/create-user/", created).await;
    assert_eq!(created.status, 400, "a phone number without + is no phone number: {}", created.text);
    let created = json!({ "email": padded("ada@test.com"), "password": padded(PASSWORD) });
    assert_eq!(caller.post("/auth/create-user/", created).await.status, 201);
    caller.login("ada@test.com", PASSWORD).await.data("login");
    let change = |old: String, new: String| json!({ "email": "ada@test.com", "password": old, "new_password": new });
    let change = change(padded(PASSWORD), padded("another long password"));
    assert_eq!(caller.post("/auth/password-change/", change).await.status, 200);
    for password in ["another long password".to_owned(), padded("another long password")] {
        let answer = caller.post("/auth/token/", json!({ "email": "ada@test.com", "password": password })).await;
        assert_eq!(answer.status, 200, "{password:?}");
        let token = padded(answer.body["refresh"].as_str().unwrap());
        assert_eq!(caller.post("/auth/token/refresh/", json!({ "refresh": token })).await.status, 200);
    }
    let number = caller.post("/auth/token/", json!({ "email": "ada@test.com", "password": 7 })).await;
    assert_eq!(number.status, 401);
}

/// The serializer with extra data that the README of django-easyjwt shows reads `accessgroup`.
#[tokio::test]
async fn an_account_has_the_configured_fields_in_addition_to_the_fixed_ones() {
    let test = TestApp::with(|config| {
        rest(config);
        for (field, source) in [("accessgroup", "metadata._accessgroup"), ("groups", "roles"), ("phone", "phoneNumber")]
        {
            let source: ClaimSource = source.parse().unwrap();
            config.rest.user_fields.insert(field.to_owned().try_into().unwrap(), source);
        }
    })
    .await;
    let ada = test.signed_in("ada@test.com", Rank::Staff).await;
    let before = ada.caller.get("/auth/user/").await.body;
    assert_eq!((&before["accessgroup"], &before["phone"]), (&Value::Null, &Value::Null), "no value is null");
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let input = json!({ "id": ada.user.id, "metadata": { "_accessgroup": { "user_type": "com.dept.team" } } });
    let update = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }";
    root.caller.send(update, json!({ "input": input })).await.data("updateUser");

    for path in ["/auth/user/".to_owned(), format!("/auth/users/{}/", ada.user.id)] {
        let account = ada.caller.get(&path).await.body;
        assert_eq!(account["accessgroup"], json!({ "user_type": "com.dept.team" }));
        assert_eq!((&account["groups"], &account["email"]), (&json!(["staff"]), &json!("ada@test.com")));
        assert_eq!(account.as_object().unwrap().len(), 12);
    }
    let own = json!({ "metadata": { "_accessgroup": { "user_type": "com" } } });
    assert_eq!(ada.caller.send(operation!("set_metadata"), own).await.code(), "VALIDATION_FAILED");
}

#[tokio::test]
async fn an_account_is_read_by_number_or_uuid_by_its_user_and_by_readers_of_users() {
    let test = TestApp::with(rest).await;
    let [ada, staff] =
        [test.signed_in("ada@test.com", Rank::User).await, test.signed_in("staff@test.com", Rank::Staff).await];
    let number = |answer: Answer| answer.body["id"].as_i64().unwrap();
    let (own, other) = (number(ada.caller.get("/auth/user/").await), number(staff.caller.get("/auth/user/").await));
    let path = |id: String| format!("/auth/users/{id}/");
    for id in [own.to_string(), ada.user.id.to_string()] {
        for caller in [&ada.caller, &staff.caller] {
            let answer = caller.get(&path(id.clone())).await;
            assert_eq!((&answer.body["email"], &answer.body["id"]), (&json!("ada@test.com"), &json!(own)), "{id}");
        }
    }
    let not_found = json!({ "detail": "Not found." });
    for id in [other.to_string(), staff.user.id.to_string()] {
        let answer = ada.caller.get(&path(id.clone())).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (404, &not_found), "{id}");
    }
    for id in ["0", "-1", "999", "9223372036854775808", "x", "%00", "00000000-0000-0000-0000-000000000000"] {
        let answer = staff.caller.get(&path(id.to_owned())).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (404, &not_found), "{id}");
    }
    assert_eq!(test.anonymous().get(&path(own.to_string())).await.status, 401);
    assert_eq!(staff.caller.post(&path(own.to_string()), json!({})).await.status, 405);
}

/// The limits of a service client hold here as well.
#[tokio::test]
async fn a_service_client_that_sees_some_fields_only_reads_no_account_here() {
    let test = TestApp::with(rest).await;
    let ada = test.create_user("ada@test.com").await;
    let service = test.service_client("orders", "users:read").await;
    let all = test.bearer(&service.token().await).get(&format!("/auth/users/{}/", ada.id)).await;
    assert_eq!(all.body["email"], "ada@test.com", "{}", all.text);
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let input = json!({ "id": service.id.to_string(), "projection": { "fields": ["firstName"] } });
    let update = "mutation ($input: UpdateClientInput!) { updateClient(input: $input) { client { id } } }";
    root.caller.send(update, json!({ "input": input })).await.data("updateClient");
    let limited = test.bearer(&service.token().await).get(&format!("/auth/users/{}/", ada.id)).await;
    assert_eq!(limited.status, 404, "{}", limited.text);
}
