//! The service client with which client-graph follows the change feed, so that it rejects ended sessions at once.

use engine::app::App;
use engine::callers::Actor;
use engine::clients::{self, NewClient, WithSecret};
use model::error::Error;
use model::values::Scopes;

const NAME: &str = "client-graph";

/// Creates the service client, or gives it a new secret, so that no secret has to be kept between starts.
pub(crate) async fn register(app: &App) -> Result<WithSecret, Error> {
    let actor = Actor::operator();
    let known = clients::list(app).await?.into_iter().find(|client| client.name == NAME && client.is_active());
    match known {
        Some(client) => clients::rotate_secret(app, &actor, client.id).await,
        None => {
            let scopes = Scopes::parse("feed:read")?;
            clients::create(
                app,
                &actor,
                NewClient { name: NAME.to_owned(), scopes, audiences: Vec::new(), projection: None },
            )
            .await
        }
    }
}
