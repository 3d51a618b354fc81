//! Turn a request into a verified principal and a mirrored user.
//!
//! auth-graph signs people in and issues access tokens. This library is what every other service plugs in: it verifies
//! those tokens without a network call, keeps a row for each user in the service's own database, and answers with the
//! right code when something is wrong.
//!
//! # A first service
//!
//! One [`AuthGraph`] for each process, one layer, one extractor:
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
//! `Bearer error="invalid_token"`. The keys are fetched when the first token comes, so the service starts while
//! auth-graph is down; while that is away, verification goes on with the keys that are known. What can not be verified
//! now is 503 with `Retry-After`, never 401: nobody is signed out because a network is down.
//!
//! # GraphQL
//!
//! [`AuthGraph::context`] is the context builder. Its [`Context`] goes into the request's data, where the
//! [guards](guard) look for it. Resolvers return [`ApiError`], so that errors keep their codes.
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
//!     /// Null when nobody is signed in would be `caller(ctx)?.principal().ok()`; this is an error then.
//!     async fn subject(&self, ctx: &async_graphql::Context<'_>) -> Result<String, ApiError> {
//!         Ok(caller(ctx)?.principal()?.subject.to_string())
//!     }
//!
//!     #[graphql(guard = "HasScope::new(\"reports:read\")")]
//!     async fn report(&self) -> &str {
//!         "All is well."
//!     }
//!
//!     /// So sensitive that auth-graph is asked each time.
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
//! migrations, and refer to `mirrored_users.id` from any table. [`Context::user`] is the caller's row: on first sight
//! auth-graph is asked about them. Rows are keyed by the user's id; an e-mail address is an
//! attribute that changes and can pass to another person.
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
//! With a service client of its own, which has the scope `feed:read`, a service follows the change feed of auth-graph:
//! sessions that end there are refused here within milliseconds, and the mirror holds every user, also those who never
//! came. [`AuthGraph::run_feed`] is one task for each process:
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
//! // Stopped in order, it lets the next process go on at once.
//! drop(stop);
//! feed.await.unwrap().unwrap();
//! # }
//! ```
//!
//! A service's own tables follow its users in the same transaction: see [`Mirror::on_user`](mirror::Mirror::on_user).
//! What becomes of deleted users is its choice ([`Deletion`](mirror::Deletion)), and so are the names in its database
//! ([`Naming`](mirror::Naming)), or that there is none ([`Mirror::in_memory`](mirror::Mirror::in_memory)).
//! [`AuthGraph::feed_status`] says how old what is known is.
//!
//! # Signing in
//!
//! Browsers sign in on the service's own origin: `Proxy::new(auth).router()` of the [proxy] serves
//! `/auth/graphql` with auth-graph's public operations, and the REST paths of django-easyjwt. Programs call
//! [`AuthGraph::login`], [`refresh`](AuthGraph::refresh), [`verify`](AuthGraph::verify) and
//! [`logout`](AuthGraph::logout).
//!
//! # Errors
//!
//! An [`Error`] has a [`Code`], which is what programs act on. It is `extensions.code` in GraphQL and the member `code`
//! of problem+json over HTTP, and has one HTTP status. The messages are for people.
//!
//! # Tests of your service
//!
//! [`testing::TestIssuer`] is an auth-graph within the test: it signs good tokens and forged ones, rotates keys, goes
//! down and comes up, and counts what it was asked for.
//!
//! # Features
//!
//! | feature | default | what |
//! | --- | --- | --- |
//! | `axum` | yes | the [layer], its extractors, errors as answers |
//! | `async-graphql` | yes | the [guards](guard), [`ApiError`] |
//! | `sea-orm` | yes | the [mirror], on SQLite and PostgreSQL |
//! | `proxy` | no | the [proxy]; includes `axum` and `async-graphql` |
//! | `testing` | no | the [issuer for tests](testing) |
//! | `service` | no | the client service and its binary |

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
pub use error::{Code, Error};
pub use feed::StaleFeed;
pub use freshness::FeedStatus;
pub use ids::{SessionId, UserId};
pub use operations::{
    Challenge, Claims, Credentials, Profile, SignIn, TokenPair, TokenType, User, UserPage, VerificationFailure,
    Verified,
};
pub use principal::{Principal, PrincipalKind};
pub use verifier::Verification;
