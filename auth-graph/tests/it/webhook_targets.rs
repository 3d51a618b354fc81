//! Webhooks are sent to public addresses only, in any notation of the address and for any name that resolves to it.

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use engine::accounts::Rank;
use engine::boot;
use serde_json::json;

use crate::support::{CREATE_WEBHOOK, Hook, Site, TestApp, deliver_due};

/// Returns the errors of `createWebhook` for these addresses.
async fn refusals(test: &TestApp, urls: &[&str]) -> Vec<String> {
    let root = test.signed_in("root@test.com", Rank::Superuser).await.caller;
    let mut accepted = Vec::new();
    for url in urls {
        let answer = root.send(CREATE_WEBHOOK, json!({ "input": { "url": url } })).await;
        if answer.body["errors"].is_null() {
            accepted.push((*url).to_owned());
        } else {
            assert_eq!(answer.code(), "VALIDATION_FAILED", "{url}");
        }
    }
    accepted
}

/// Webhooks reached internal addresses. A first list of networks did not contain 198.18.0.0/15.
#[tokio::test]
async fn authorizer_548_572_606_and_781_no_notation_of_an_internal_address_is_accepted() {
    let inside = [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://0/",
        "https://0.0.0.0/",
        "https://127.0.0.1./",
        "https://127。0。0。1/",
        "https://①②⑦.⓪.⓪.①/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://hooks.localhost/",
        "https://10.0.0.1/",
        "https://100.64.0.1/",
        "https://100.100.100.200/",
        "https://168.63.129.16/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0xa9fea9fe/",
        "https://172.16.0.1/",
        "https://172.31.255.255/",
        "https://192.0.0.192/",
        "https://192.0.2.1/",
        "https://192.168.1.1/",
        "https://198.18.0.1/",
        "https://198.19.255.255/",
        "https://198.51.100.1/",
        "https://203.0.113.1/",
        "https://224.0.0.1/",
        "https://240.0.0.1/",
        "https://255.255.255.255/",
        "https://[::]/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:a00:1]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2001::7f00:1]/",
        "https://[2001:db8::1]/",
        "https://[2002:7f00:1::]/",
        "https://[fc00::1]/",
        "https://[fd00:ec2::254]/",
        "https://[fe80::1]/",
        "https://[fec0::1]/",
        "https://[ff02::1]/",
    ];
    let test = TestApp::new().await;
    assert_eq!(refusals(&test, &inside).await, Vec::<String>::new());
}

#[tokio::test]
async fn unsafe_addresses_are_rejected() {
    let test = TestApp::new().await;
    let wrong = [
        "",
        "hooks.example.com",
        "/hooks",
        "http://hooks.example.com/",
        "http://127.0.0.1:9/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "https://",
        "https://user@hooks.example.com/",
        "https://user:secret@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com:99999/",
    ];
    assert_eq!(refusals(&test, &wrong).await, Vec::<String>::new());
}

#[tokio::test]
async fn public_addresses_and_allowed_networks_are_accepted() {
    let test = TestApp::with(|config| config.webhooks.allowed_networks = vec!["10.1.0.0/16".parse().unwrap()]).await;
    let fine = [
        "https://hooks.example.com/auth?tenant=7",
        "https://93.184.216.34:8443/",
        "https://[2606:2800:220:1::1]/",
        "https://172.32.0.1/",
        "https://198.20.0.1/",
        "https://10.1.255.1/",
    ];
    assert_eq!(refusals(&test, &fine).await, fine);
    let root = test.sign_in(test.create("second@test.com", Rank::Superuser).await).await.caller;
    let answer = root.send(CREATE_WEBHOOK, json!({ "input": { "url": "https://10.2.0.1/" } })).await;
    assert_eq!(answer.code(), "VALIDATION_FAILED");
}

/// The address of a name was checked only once, or not at all. Here the name is resolved for each connection, which
/// goes to a checked address.
#[tokio::test]
async fn cve_2026_27945_and_cve_2026_105214_the_address_of_a_name_is_checked_for_each_connection() {
    let site = Site::new().await;
    let by_address = site.hook.url.clone();
    // Every hosts file contains this name. A process that allows loopback addresses has accepted the endpoint.
    let by_name = by_address.replace("127.0.0.1", "localhost");
    let mutation = "mutation($input: UpdateWebhookInput!) { updateWebhook(input: $input) { webhook { url } } }";
    let mut config = site.test.app.config.clone();
    config.webhooks.allow_loopback = false;
    let strict = boot(config, site.test.app.clock.clone()).await.unwrap();
    for url in
        [by_address.clone(), by_name, by_address.replace("http://", "https://"), "https://localhost:1/".to_owned()]
    {
        let input = json!({ "id": site.id, "url": url });
        site.root().await.send(mutation, json!({ "input": input })).await.data("updateWebhook");
        site.test.create_user(&format!("user{}@test.com", site.log().await.len())).await;
        deliver_due(&strict).await;
        assert_eq!(site.log().await[0]["failure"], "NOT_ALLOWED", "{url}");
        assert!(site.log().await[0]["status"].is_null());
    }
    assert!(site.hook.take().is_empty(), "nothing has arrived");
}

/// A redirect led to an address that is not allowed.
#[tokio::test]
async fn ghsa_5rr4_8452_hf4v_no_redirect_is_followed() {
    let site = Site::new().await;
    let inside = Hook::start().await;
    for status in [301, 302, 303, 307, 308] {
        let place = inside.url.clone();
        site.hook.behaves(move || {
            let status = StatusCode::from_u16(status).unwrap();
            std::future::ready((status, [(header::LOCATION, place.clone())]).into_response())
        });
        site.test.create_user(&format!("user{status}@test.com")).await;
        assert_eq!(site.deliveries().await.len(), 1);
        let delivery = site.log().await.remove(0);
        assert_eq!((&delivery["failure"], &delivery["status"]), (&json!("STATUS"), &json!(status)));
    }
    assert!(inside.asked().is_empty());
}
