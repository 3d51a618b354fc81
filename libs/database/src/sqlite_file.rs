//! The files of an SQLite database, which only their owner may read.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

/// Ends of the names of the files: the database, its journal and the index of the journal.
const ENDS: [&str; 3] = ["", "-wal", "-shm"];

/// Creates the file of a database if it is missing. SQLite gives its mode to the other files.
///
/// A failure is left to the driver, which meets it too and describes it.
pub(crate) fn create_private(url: &str) {
    if let Some(path) = sqlite_file(url) {
        let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    }
}

/// Returns the files of an SQLite database that others than their owner can read or write.
#[must_use]
pub fn readable_by_others(path: &Path) -> Vec<PathBuf> {
    let name = |end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    ENDS.map(name).into_iter().filter(|path| is_open(path)).collect()
}

fn is_open(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

/// Returns the file that a URL names. A database in memory or a read-only one has none that is to be created.
#[must_use]
pub fn sqlite_file(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"))?;
    let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let is_other = |parameter: &str| matches!(parameter, "mode=memory" | "mode=ro" | "immutable=1" | "immutable=true");
    if path.is_empty() || path == ":memory:" || parameters.split('&').any(is_other) {
        return None;
    }
    Some(PathBuf::from(percent_decode_str(path).decode_utf8().ok()?.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_private_and_an_open_one_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a?b.db");
        let url = format!("sqlite://{}", path.display().to_string().replace('?', "%3F"));
        create_private(&format!("{url}?mode=ro"));
        assert!(!path.exists());
        create_private(&url);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(readable_by_others(&path), Vec::<PathBuf>::new());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(readable_by_others(&path), std::slice::from_ref(&path));
        for url in ["sqlite::memory:", "sqlite://x?mode=memory", "postgres://db/auth"] {
            assert_eq!(sqlite_file(url), None, "{url}");
        }
    }
}
