//! The folder with the data of a service: the embedded database and the generated secret.

use std::fmt::Display;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use secrecy::SecretString;

/// Returns the URL of an SQLite file, and creates its folder if it is missing.
///
/// # Errors
/// When the folder cannot be created.
pub fn sqlite_url(file: &Path) -> io::Result<SecretString> {
    if let Some(folder) = file.parent() {
        make_private_folder(folder)?;
    }
    // The name of a folder can contain characters that end the path of a URL.
    let path = std::path::absolute(file)?.display().to_string();
    Ok(format!("sqlite://{}", path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")).into())
}

/// Creates a folder that only its owner can enter, if it is missing.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| about(path, &error))
}

/// Returns an error about a file, which names it.
pub(crate) fn about(path: &Path, error: &dyn Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}
