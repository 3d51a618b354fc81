//! Requests of users about their own accounts.

use serde_json::json;

use super::{Answer, Caller, PASSWORD, operation};

impl Caller {
    pub async fn register(&self, email: &str) -> Answer {
        let input = json!({ "email": email, "password": PASSWORD, "firstName": "Ada" });
        self.send(operation!("register"), json!({ "input": input })).await
    }

    /// Confirms an address with the token of a mail, and the password of every user.
    pub async fn confirm(&self, token: &str) -> Answer {
        self.confirm_with(token, Some(PASSWORD)).await
    }

    /// Confirms an address with the token of a mail, and a password if there is one.
    pub async fn confirm_with(&self, token: &str, password: Option<&str>) -> Answer {
        self.send(operation!("verify_email"), json!({ "token": token, "password": password })).await
    }

    /// Requests a password reset.
    pub async fn request_reset(&self, email: &str) -> Answer {
        self.send(operation!("request_password_reset"), json!({ "email": email })).await
    }

    pub async fn reset(&self, token: &str, password: &str) -> Answer {
        let input = json!({ "token": token, "newPassword": password });
        self.send(operation!("reset_password"), json!({ "input": input })).await
    }

    pub async fn change_email(&self, email: &str) -> Answer {
        let input = json!({ "email": email, "password": PASSWORD });
        self.send(operation!("change_email"), json!({ "input": input })).await
    }
}
