//! Loads and checks the whole configuration, including the file of trusted documents.

use model::config::{AllowedDocuments, Config, Introspection, Problem, Problems, Profile, Sources};

/// Reads and checks the configuration.
///
/// # Errors
/// [`Problems`]: those of [`Config::load`], and a file of trusted documents that cannot be used.
pub fn load(sources: &Sources) -> Result<Config, Problems> {
    let config = Config::load(sources)?;
    graphql(&config)?;
    Ok(config)
}

/// Builds the settings of the GraphQL edge, and reads the file of trusted documents.
pub(crate) fn graphql(config: &Config) -> Result<graphql_edge::Settings, Problems> {
    let is_production = config.profile == Profile::Production;
    let config = &config.graphql;
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
        introspection: match config.introspection {
            Introspection::Auto => graphql_edge::Introspection::Auto,
            Introspection::On => graphql_edge::Introspection::On,
            Introspection::Off => graphql_edge::Introspection::Off,
        }
        .in_profile(is_production),
    })
}
