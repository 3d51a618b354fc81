//! Signs requests to other services as Standard Webhooks defines it: with an HMAC-SHA256 over the identifier, the time
//! and the body. It proves the sender and the integrity of the request, and lets the receiver detect a replay.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};

use model::values::WebhookSecret;

/// Headers of one signed request.
#[derive(Clone, Debug)]
pub struct SignedHeaders(pub [(&'static str, String); 3]);

/// Signs a request with every secret, so that the receiver can get a new secret before the old one is removed.
#[must_use]
pub fn sign(secrets: &[WebhookSecret], id: &str, now: DateTime<Utc>, body: &[u8]) -> SignedHeaders {
    let timestamp = now.timestamp().to_string();
    let signatures: Vec<_> = secrets
        .iter()
        .map(|secret| {
            let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()));
            for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
                context.update(part);
            }
            format!("v1,{}", BASE64_STANDARD.encode(context.sign()))
        })
        .collect();
    SignedHeaders([
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signatures.join(" ")),
    ])
}
