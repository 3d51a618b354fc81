//! A subgraph that adds a field to every user.

use async_graphql::{Any, EmptyMutation, EmptySubscription, ID, MergedObject, Object, Schema, Union};
use axum::{Router, body::Body, extract::State, http::HeaderMap, response::Response, routing::post};
use client_graph::guard::*;
use client_graph::{ApiError, AuthGraph, Context, mirror};
use graphql_edge::{Edge, Limits};
use sea_orm::Database;
use tokio::{net::TcpListener, signal::ctrl_c};

/// A user, by the key of auth-graph.
pub struct User(ID);

#[guarded]
#[Object(directive = key::apply("id"))]
impl User {
    async fn id(&self) -> &ID {
        &self.0
    }

    /// Text of the user's badge.
    #[graphql(access(Authenticated))]
    async fn badge(&self, ctx: &async_graphql::Context<'_>) -> Result<Option<String>, ApiError> {
        Ok(caller(ctx)?.user_by_id(self.0.parse()?).await?.map(|user| user.first_name))
    }
}

/// An object that a gateway can request by its key.
#[derive(Union)]
#[graphql(name = "_Entity")]
pub enum Entity {
    /// A user.
    User(User),
}

/// The query for entities.
#[derive(Default)]
pub struct Entities;

#[guarded]
#[Object]
impl Entities {
    #[graphql(name = "_entities", access(Open))]
    async fn entities(&self, #[graphql(validator(max_items = 1000))] representations: Vec<Any>) -> Vec<Option<Entity>> {
        representations.iter().map(|any| Some(Entity::User(User(Representation::of(any)?.key("id")?.into())))).collect()
    }
}

/// The queries of the service.
#[derive(MergedObject, Default)]
pub struct Query(Entities, Subgraph);

type Badges = Edge<Query, EmptyMutation, EmptySubscription>;

async fn graphql(State(badges): State<Badges>, context: Context, headers: HeaderMap, body: Body) -> Response {
    badges.post(&headers, body, |request| request.data(context)).await
}

/// Returns the routes of the service.
pub fn routes(auth: &AuthGraph) -> Result<Router, Undecided> {
    let build = || Schema::build(Query::default(), EmptyMutation, EmptySubscription);
    deny_by_default(&build().finish())?;
    let sdl = ServiceSdl(federation_sdl(&build().finish(), Directives::Included));
    let badges = Edge::new(|| graphql_edge::bounded(build()).data(sdl.clone()), Limits::default());
    Ok(Router::new().route("/graphql", post(graphql)).with_state(badges).layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let db = Database::connect("sqlite://badges.db?mode=rwc").await?;
    mirror::migrate(&db).await?;
    let auth = AuthGraph::builder("http://127.0.0.1:8000").audience("graph").mirror(mirror::Mirror::new(db));
    let auth = auth.service_client(std::env::var("CLIENT_ID")?, std::env::var("CLIENT_SECRET")?.into()).build()?;
    let stop = || async { drop(ctrl_c().await) };
    let server = axum::serve(TcpListener::bind("127.0.0.1:8002").await?, routes(&auth)?).with_graceful_shutdown(stop());
    let (served, followed) = tokio::join!(server.into_future(), auth.run_feed(stop()));
    served?;
    Ok(followed?)
}
