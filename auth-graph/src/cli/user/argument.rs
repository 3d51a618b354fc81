//! The argument that names a user.

use clap::Args;

use crate::cli::failure::Failure;
use engine::accounts;
use engine::app::App;
use model::error::Error;
use model::values::UserId;

#[derive(Debug, Args)]
pub(in crate::cli) struct UserArgument {
    /// E-mail address, identifier or user name.
    pub(in crate::cli) user: String,
}

impl UserArgument {
    pub(in crate::cli) async fn id(&self, app: &App) -> Result<UserId, Failure> {
        if let Ok(id) = self.user.parse() {
            return Ok(id);
        }
        match accounts::by_name(app, &self.user).await {
            Err(Error::NotFound) => Err(Failure::missing(&format!("there is no user {}", self.user))),
            found => Ok(found?.id),
        }
    }
}
