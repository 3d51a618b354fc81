//! Trusted documents, which a service knows by their SHA-256 before a client sends them.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_graphql::parser;
use aws_lc_rs::digest;
use serde::Deserialize;

use crate::document::written_out;

/// Documents by their hash: those of a file and those that a service adds.
///
/// The file is JSON: an object that maps the SHA-256 of each document to its text, or a manifest of Apollo's tools. A
/// hash is in lower-case hexadecimal, with or without the prefix `sha256:`. It is read together with the configuration
/// that names it.
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
    /// Reads a file. An empty name stands for no file.
    ///
    /// # Errors
    /// A message, when the file cannot be read or has another form, or when a document in it is not valid or has
    /// another hash.
    pub fn read(file: PathBuf) -> Result<Self, String> {
        if file.as_os_str().is_empty() {
            return Ok(Self::default());
        }
        let text = std::fs::read(&file).map_err(|error| format!("cannot be read: {error}"))?;
        let manifest = serde_json::from_slice(&text)
            .map_err(|_| "must be a JSON object from hashes to documents, or Apollo's manifest".to_owned())?;
        let documents: Vec<(String, String)> = match manifest {
            Manifest::Apollo { operations } => operations.into_iter().map(|one| (one.id, one.body)).collect(),
            Manifest::Plain(documents) => documents.into_iter().collect(),
        };
        let plain = |(hash, document): (String, String)| match hash.strip_prefix("sha256:") {
            Some(digits) => (digits.to_owned(), document),
            None => (hash, document),
        };
        let documents: Vec<_> = documents.into_iter().map(plain).collect();
        for (hash, document) in &documents {
            if *hash != hash_of(document) {
                return Err(format!("{hash} is not the SHA-256 of its document, in lower-case hexadecimal"));
            }
            parser::parse_query(written_out(document)).map_err(|error| format!("{hash} is not a document: {error}"))?;
        }
        let by_hash = documents.into_iter().map(|(hash, document)| (hash, document.into())).collect();
        Ok(Self { file, by_hash: Arc::new(by_hash) })
    }

    /// Returns the name of the file; empty without a file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns these documents and further ones.
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

/// Returns the hash of a document: its SHA-256 in lower-case hexadecimal.
pub(crate) fn hash_of(document: &str) -> String {
    let digest = digest::digest(&digest::SHA256, document.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
