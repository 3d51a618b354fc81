//! The passwords and tokens of a run, kept as fingerprints, so that none of them can be printed and each can be found
//! in a log.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use crate::observed::Remark;

/// The fingerprints of all secrets so far, with the kind of each.
#[derive(Debug, Default)]
pub struct Secrets {
    state: RandomState,
    kinds: Mutex<HashMap<u64, &'static str>>,
}

impl Secrets {
    /// Remembers a secret, and returns its fingerprint.
    pub fn add(&self, kind: &'static str, secret: &str) -> u64 {
        let fingerprint = self.state.hash_one(secret);
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).insert(fingerprint, kind);
        fingerprint
    }

    /// Finds secrets and panics in a log. What is returned does not contain the secrets.
    #[must_use]
    pub fn remarks_in(&self, file: &str, log: &str) -> Vec<Remark> {
        let kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut remarks = Vec::new();
        for (number, line) in log.lines().enumerate() {
            let mut found = |what: String| remarks.push(Remark { file: file.to_owned(), line: number + 1, what });
            if line.contains("panicked at") {
                found("a panic".to_owned());
            }
            let of_token = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            for word in line.split(|letter| !of_token(letter)) {
                if let Some(kind) = kinds.get(&self.state.hash_one(word)) {
                    found(format!("a secret: {kind}"));
                }
            }
        }
        remarks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_and_a_panic_are_found_without_being_repeated() {
        let secrets = Secrets::default();
        secrets.add("a refresh token", "rt.1-abc_DEF");
        let log = "all is well\n{\"token\":\"rt.1-abc_DEF\"}\nthread 'main' panicked at src/main.rs:1\nrt.1-abc_DE";
        let remarks = secrets.remarks_in("replica-1.log", log);
        let found: Vec<_> = remarks.iter().map(|remark| (remark.line, remark.what.as_str())).collect();
        assert_eq!(found, [(2, "a secret: a refresh token"), (3, "a panic")]);
    }
}
