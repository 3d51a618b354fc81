//! Queries by GET, if they are configured. A page of another site can cause a GET with the cookies of the user.
//! However, only queries are executed, which change nothing, and the page cannot read the response.

use async_graphql::{
    ObjectType, Request, SubscriptionType,
    parser::types::{DocumentOperations, OperationType},
};
use axum::{
    http::{HeaderMap, Uri},
    response::Response as HttpResponse,
};

use crate::{
    Edge, request,
    response::{self, MediaType, Refusal},
};

impl<Q, M, S> Edge<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    /// Answers a GET whose parameters are the members of a request. `context` adds the data that the resolvers need.
    ///
    /// Everything but a query is rejected with 405, and so are queries if [`crate::Settings::queries_by_get`] is off.
    /// Like all responses, these must not be cached.
    pub async fn get(&self, headers: &HeaderMap, uri: &Uri, context: impl FnOnce(Request) -> Request) -> HttpResponse {
        if !self.answers_get() {
            return self.refuse(Refusal::method(), MediaType::Json);
        }
        let media_type = match response::Accepted::of(headers).media_type() {
            Ok(media_type) => media_type,
            Err(refusal) => return self.refuse(refusal, MediaType::Json),
        };
        let mut request = match request::from_uri(uri, self.limits()) {
            Ok(request) => request,
            Err(refusal) => return self.refuse(refusal, media_type),
        };
        let prepared = match self.documents().prepare(&mut request) {
            Ok(prepared) => prepared,
            Err(error) => {
                let (mut response, stage) = self.rejected(error);
                return response::into_http(&mut response, stage, media_type);
            }
        };
        if !is_query(&mut request) {
            return self.refuse(Refusal::method(), media_type);
        }
        let (mut response, stage) = self.run_prepared(context(request), prepared).await;
        response::into_http(&mut response, stage, media_type)
    }
}

/// Returns whether all operations of a document are queries.
fn is_query(request: &mut Request) -> bool {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else { return false };
    match (&document.operations, name) {
        (DocumentOperations::Multiple(operations), Some(name)) => {
            operations.get(name.as_str()).is_none_or(|operation| operation.node.ty == OperationType::Query)
        }
        (operations, _) => operations.iter().all(|(_, operation)| operation.node.ty == OperationType::Query),
    }
}
