//! The argument that names a user.

use clap::Args;

use crate::cli::failure::Failure;
use engine::accounts;
use engine::app::App;
use model::error::Error;
use model::values::UserId;

#[derive(Debug, Args)]
pub(in crate::cli) struct UserArgument {
    /// E-mail address or identifier.
    pub(in crate::cli) user: String,
}

impl UserArgument {
    pub(in crate::cli) async fn id(&self, app: &App) -> Result<UserId, Failure> {
        if !self.user.contains('@') {
            let wrong = |_: Error| Error::invalid("user", "must be an e-mail address or an identifier");
            return Ok(self.user.parse().map_err(wrong)?);
        }
        match accounts::by_email(app, &self.user.parse()?).await {
            Err(Error::NotFound) => Err(Failure::missing(&format!("there is no user {}", self.user))),
            found => Ok(found?.id),
        }
    }
}
