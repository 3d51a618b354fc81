//! Turns a request into a verified principal and a mirrored user.
//!
//! auth-graph signs users in and issues access tokens. Every other service uses this library: it verifies the tokens
//! without a network call, keeps a row for each user in the service's own database, and answers with a precise code
//! when something is wrong.
//!
//! # A first service
//!
//! A service needs one [`AuthGraph`] for each process, one layer and one extractor:
//!
//! ```
//! use axum::{Router, routing::get};
//! use client_graph::{AuthGraph, layer::Authenticated};
//!
//! async fn greet(Authenticated(principal): Authenticated) -> String {
//!     format!("Hello, {}", principal.subject)
//! }
//!
//! let auth = AuthGraph::builder("https://auth.example.com").audience("graph").build()?;
//! let router: Router = Router::new().route("/", get(greet)).layer(auth.layer());
//! # Ok::<(), client_graph::BuildError>(())
//! ```
//!
//! Without a token this answers 401 and `WWW-Authenticate: Bearer`, with a bad one 401 and
//! `Bearer error="invalid_token"`. The keys are fetched when the first token arrives, so the service can start while
//! auth-graph is down. During an outage of auth-graph, verification continues with the known keys. A token that cannot
//! be verified now is answered with 503 and `Retry-After`, never with 401: an outage signs no user out.
//!
//! # GraphQL
//!
//! [`AuthGraph::context`] builds the [`Context`] of a request. Put it into the request's data, where the
//! [guards](guard) find it. Resolvers return [`ApiError`], so that errors keep their codes.
//!
//! ```
//! use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema};
//! use client_graph::guard::{Fresh, HasScope, caller};
//! use client_graph::{ApiError, testing::TestIssuer};
//!
//! struct Query;
//!
//! #[Object]
//! impl Query {
//!     /// Fails without a signed-in caller. To answer null instead, use `caller(ctx)?.principal().ok()`.
//!     async fn subject(&self, ctx: &async_graphql::Context<'_>) -> Result<String, ApiError> {
//!         Ok(caller(ctx)?.principal()?.subject.to_string())
//!     }
//!
//!     #[graphql(guard = "HasScope::new(\"reports:read\")")]
//!     async fn report(&self) -> &str {
//!         "All is well."
//!     }
//!
//!     /// Asks auth-graph each time, because the field is sensitive.
//!     #[graphql(guard = "Fresh")]
//!     async fn salary(&self) -> i32 {
//!         7
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let issuer = TestIssuer::start().await;
//! let auth = issuer.auth_graph().build().unwrap();
//! let user = issuer.user("ada@example.com");
//! let token = issuer.token_for(&user).scope("reports:read").sign();
//!
//! let mut headers = axum::http::HeaderMap::new();
//! headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
//! let context = auth.context(&headers).await;
//!
//! let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
//! let response = schema.execute(Request::new("{ report salary }").data(context)).await;
//! assert!(response.is_ok());
//!
//! let response = schema.execute(Request::new("{ report }").data(auth.context(&Default::default()).await)).await;
//! let error = &response.errors[0];
//! assert_eq!(error.extensions.as_ref().unwrap().get("code"), Some(&"UNAUTHENTICATED".into()));
//! # }
//! ```
//!
//! # Users as rows
//!
//! The [mirror] is a table of the service's own database. Put [`mirror::migrations`] first into the service's
//! migrations, and refer to `mirrored_users.id` from any table. [`Context::user`] returns the caller's row, and asks
//! auth-graph for it on the user's first visit. Rows are keyed by the user's id; an e-mail address is an attribute that
//! changes and can pass to another person.
//!
//! ```
//! use client_graph::{layer::CurrentUser, mirror::Mirror, testing::TestIssuer};
//! use sea_orm_migration::prelude::*;
//!
//! struct Migrator;
//!
//! #[async_trait::async_trait]
//! impl MigratorTrait for Migrator {
//!     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
//!         client_graph::mirror::migrations() // and your own
//!     }
//! }
//!
//! async fn greet(CurrentUser(user): CurrentUser) -> String {
//!     format!("Hello, {}", user.first_name)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let url = format!("sqlite://{}?mode=rwc", folder.path().join("service.db").display());
//! let db = sea_orm::Database::connect(url).await?;
//! Migrator::up(&db, None).await?;
//! # let issuer = TestIssuer::start().await;
//! let auth = issuer.auth_graph().mirror(Mirror::new(db)).build()?;
//! # let token = issuer.token_for(&issuer.user("ada@example.com")).sign().into();
//! let context = auth.context_from_token(Some(&token)).await;
//! assert_eq!(context.user().await?.email, "ada@example.com");
//! # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(greet)).layer(auth.layer());
//! # Ok(())
//! # }
//! ```
//!
//! # The feed
//!
//! A service with a service client, which has the scope `feed:read`, can follow the change feed of auth-graph. Sessions
//! that end at auth-graph are refused here within milliseconds, and the mirror holds every user, also those who never
//! visited the service. [`AuthGraph::run_feed`] is one task for each process:
//!
//! ```
//! # use client_graph::testing::TestIssuer;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # let issuer = TestIssuer::start().await;
//! # let (id, secret) = issuer.service_client();
//! let auth = issuer.auth_graph().service_client(id, secret).build().unwrap();
//! let token = issuer.token_for(&issuer.user("ada@example.com"));
//! let (session, token) = (token.session_id(), token.sign().into());
//!
//! let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
//! let following = auth.clone();
//! let feed = tokio::spawn(async move { following.run_feed(async { drop(stopped.await) }).await });
//!
//! let mut seen = auth.feed_moved(0).await;
//! assert!(auth.authenticate(&token).await.is_ok());
//! issuer.revoke(session);
//! while auth.authenticate(&token).await.is_ok() {
//!     seen = auth.feed_moved(seen).await;
//! }
//!
//! // After a clean stop the next process can write the mirror at once.
//! drop(stop);
//! feed.await.unwrap().unwrap();
//! # }
//! ```
//!
//! A hook can change the service's own tables in the same transaction: see
//! [`Mirror::on_user`](mirror::Mirror::on_user). The service chooses what happens to deleted users
//! ([`Deletion`](mirror::Deletion)), the names in its database ([`Naming`](mirror::Naming)), or a mirror without a
//! database ([`Mirror::in_memory`](mirror::Mirror::in_memory)).
//! [`AuthGraph::feed_status`] returns the age of what this process knows.
//!
//! # Signing in
//!
//! Browsers sign in on the service's own origin: `Proxy::new(auth).router()` of the [proxy] serves `/auth/graphql` with
//! auth-graph's public operations, and the REST paths of django-easyjwt. Programs call
//! [`AuthGraph::login`], [`refresh`](AuthGraph::refresh), [`verify`](AuthGraph::verify) and
//! [`logout`](AuthGraph::logout).
//!
//! # Errors
//!
//! An [`Error`] has a [`Code`], on which programs act. It is `extensions.code` in GraphQL and the member `code` of
//! problem+json over HTTP, and has one HTTP status. The messages are for people.
//!
//! # Tests of your service
//!
//! [`testing::TestIssuer`] is an auth-graph within the test. It signs good and forged tokens, rotates keys, simulates
//! outages, and counts its calls.
//!
//! # Features
//!
//! | feature | default | content |
//! | --- | --- | --- |
//! | `axum` | yes | the [layer], its extractors, errors as answers |
//! | `async-graphql` | yes | the [guards](guard), [`ApiError`] |
//! | `sea-orm` | yes | the [mirror], on SQLite and PostgreSQL |
//! | `proxy` | no | the [proxy]; includes `axum` and `async-graphql` |
//! | `testing` | no | the [issuer for tests](testing) |
//! | `service` | no | the client service and its binary |

#![warn(missing_docs)]

mod client;
mod clock;
mod error;
mod feed;
mod freshness;
#[cfg(feature = "async-graphql")]
pub mod guard;
mod ids;
#[cfg(feature = "axum")]
pub mod layer;
pub mod mirror;
mod operations;
mod outage;
mod principal;
#[cfg(feature = "proxy")]
pub mod proxy;
mod retry;
mod revocation;
#[cfg(feature = "service")]
pub mod service;
#[cfg(feature = "testing")]
pub mod testing;
mod verifier;

pub use client::{AuthGraph, AuthGraphBuilder, BuildError, Caller, Context};
pub use clock::Clock;
#[cfg(feature = "async-graphql")]
pub use error::ApiError;
pub use error::{Code, Error, Reason};
pub use feed::StaleFeed;
pub use freshness::{FeedState, FeedStatus};
pub use ids::{SessionId, UserId};
pub use operations::{
    Challenge, Claims, Credentials, Profile, SignIn, TokenPair, TokenType, User, UserPage, VerificationFailure,
    Verified,
};
pub use principal::{Principal, PrincipalKind};
pub use verifier::Verification;
