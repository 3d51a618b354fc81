//! Loads and checks the whole configuration, including the file of trusted documents.

use model::config::{self, AllowedDocuments, Config, Problem, Problems, Sources};

/// Reads and checks the configuration.
///
/// # Errors
/// [`Problems`]: those of [`Config::load`], and a file of trusted documents that cannot be used.
pub fn load(sources: &Sources) -> Result<Config, Problems> {
    let config = Config::load(sources)?;
    graphql(&config.graphql)?;
    Ok(config)
}

/// Builds the settings of the GraphQL edge, and reads the file of trusted documents.
pub(crate) fn graphql(config: &config::Graphql) -> Result<graphql_edge::Settings, Problems> {
    let documents = graphql_edge::TrustedDocuments::read(config.trusted_documents.clone());
    Ok(graphql_edge::Settings {
        queries_by_get: config.queries_by_get,
        stored_documents_bytes: config.stored_documents_bytes,
        trusted_documents: documents
            .map_err(|message| Problems(vec![Problem { key: "graphql.trusted_documents".to_owned(), message }]))?,
        allowed_documents: match config.allowed_documents {
            AllowedDocuments::Any => graphql_edge::AllowedDocuments::Any,
            AllowedDocuments::Trusted => graphql_edge::AllowedDocuments::Trusted,
        },
    })
}
