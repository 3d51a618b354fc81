//! Documents that are known to a service before anybody sends them, by their SHA-256.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_graphql::parser;
use aws_lc_rs::digest;
use serde::Deserialize;

/// Documents by their hash: those of a file, and those that a service adds.
///
/// The file is JSON: an object from the SHA-256 of each document, in lower-case hexadecimal, to its text, or a manifest
/// as Apollo's tools write it. It is read together with the configuration that names it.
#[derive(Clone, Default, Deserialize)]
#[serde(try_from = "PathBuf")]
pub struct TrustedDocuments {
    file: PathBuf,
    by_hash: Arc<HashMap<String, Arc<str>>>,
}

/// The forms of the file.
#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Apollo { operations: Vec<Operation> },
    Plain(HashMap<String, String>),
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

impl TrustedDocuments {
    /// Read a file; an empty name is none.
    ///
    /// # Errors
    /// In words: the file can not be read, has another form, or holds a document that is none or has another hash.
    pub fn read(file: PathBuf) -> Result<Self, String> {
        if file.as_os_str().is_empty() {
            return Ok(Self::default());
        }
        let text = std::fs::read(&file).map_err(|error| format!("can not be read: {error}"))?;
        let manifest = serde_json::from_slice(&text)
            .map_err(|_| "must be a JSON object from hashes to documents, or Apollo's manifest".to_owned())?;
        let documents: Vec<(String, String)> = match manifest {
            Manifest::Apollo { operations } => operations.into_iter().map(|one| (one.id, one.body)).collect(),
            Manifest::Plain(documents) => documents.into_iter().collect(),
        };
        for (hash, document) in &documents {
            if *hash != hash_of(document) {
                return Err(format!("{hash} is not the SHA-256 of its document, in lower-case hexadecimal"));
            }
            parser::parse_query(document).map_err(|error| format!("{hash} is no document: {error}"))?;
        }
        let by_hash = documents.into_iter().map(|(hash, document)| (hash, document.into())).collect();
        Ok(Self { file, by_hash: Arc::new(by_hash) })
    }

    /// The name of the file; empty, where there is none.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// These documents and further ones.
    #[must_use]
    pub fn and<T: AsRef<str>>(&self, documents: impl IntoIterator<Item = T>) -> Self {
        let mut by_hash = HashMap::clone(&self.by_hash);
        by_hash.extend(documents.into_iter().map(|document| (hash_of(document.as_ref()), document.as_ref().into())));
        Self { file: self.file.clone(), by_hash: Arc::new(by_hash) }
    }

    pub(crate) fn get(&self, hash: &str) -> Option<&Arc<str>> {
        self.by_hash.get(hash)
    }
}

impl TryFrom<PathBuf> for TrustedDocuments {
    type Error = String;

    fn try_from(file: PathBuf) -> Result<Self, String> {
        Self::read(file)
    }
}

impl fmt::Debug for TrustedDocuments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TrustedDocuments")
            .field("file", &self.file)
            .field("documents", &self.by_hash.len())
            .finish()
    }
}

/// The name of a document: its SHA-256 in lower-case hexadecimal.
pub(crate) fn hash_of(document: &str) -> String {
    let digest = digest::digest(&digest::SHA256, document.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
