//! Secrets in files of their own, as Kubernetes and Docker mount them.
//!
//! The mode of such a file is not checked: Kubernetes mounts secrets with mode 0644 or 0440, Docker with 0444, and the
//! container keeps others away from them.

use std::fs::File;
use std::io::Read;

use crate::layout::Layout;

/// End of a key that takes the path of a file with a secret.
pub(crate) const FILE: &str = "_file";

/// Largest size of such a file in bytes.
const LARGEST: u64 = 64 * 1024;

/// Returns the key of the secret whose file this key names.
pub(crate) fn secret_of<'a>(layout: &Layout, key: &'a str) -> Option<&'a str> {
    key.strip_suffix(FILE).filter(|key| layout.secrets.contains(key))
}

/// Returns the text of a file without the line breaks at its end.
pub(crate) fn read(path: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    let found = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    let size = found.map_err(|error| format!("{path}: {error}"))?;
    if size as u64 > LARGEST {
        return Err(format!("{path}: is too large for a secret"));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("{path}: is not text in UTF-8"))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(format!("{path}: is empty")),
        secret => Ok(secret.to_owned()),
    }
}
