//! The secret that authenticates cursors: read from the configuration, or made at the first start and kept in a file that
//! only its owner can read.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use super::Config;

/// 32 random bytes or more.
#[derive(Debug)]
pub(in crate::service) struct Secret(SecretSlice<u8>);

impl Secret {
    pub(in crate::service) fn expose_secret(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// Reads 32 bytes or more in base64.
    ///
    /// # Errors
    /// A reason, when it is not that.
    pub(super) fn parse(text: &SecretString) -> Result<Self, &'static str> {
        let bytes = STANDARD
            .decode(text.expose_secret().trim())
            .map_err(|_| "must be base64: write the output of `openssl rand -base64 32`")?;
        if bytes.len() < 32 {
            return Err("is too short: write the output of `openssl rand -base64 32`");
        }
        Ok(Self(bytes.into()))
    }

    /// The configured secret, or the one in the data folder, which is made if it is not there.
    ///
    /// # Errors
    /// When the file can not be read or written, others can read it, or it does not hold a good secret.
    pub(in crate::service) fn load(config: &Config) -> io::Result<Self> {
        if !config.secret.expose_secret().is_empty() {
            return Self::parse(&config.secret).map_err(io::Error::other);
        }
        config.make_data_dir()?;
        let path = config.data_dir.join("client-graph.secret");
        match fs::metadata(&path) {
            Ok(found) if found.permissions().mode() & 0o077 != 0 => {
                Err(about(&path, &"others can read it: chmod 600 it, or delete it to get a new one"))
            }
            Ok(_) => Self::read(&path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(&path),
            Err(error) => Err(about(&path, &error)),
        }
    }

    fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(path).map_err(|error| about(path, &error))?;
        Self::parse(&text.into()).map_err(|reason| about(path, &reason))
    }

    /// Writes a new secret beside its place and links it there, so that of two processes that start at once one wins and
    /// the other reads what it wrote, and none ever sees half a secret.
    fn make(path: &Path) -> io::Result<Self> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
        let draft = path.with_extension(format!("draft-{}", std::process::id()));
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        writeln!(file, "{}", STANDARD.encode(bytes))?;
        file.sync_all()?;
        let linked = fs::hard_link(&draft, path);
        fs::remove_file(&draft)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(about(path, &error)),
            _ => Self::read(path),
        }
    }
}

impl Config {
    /// Makes the data folder, for its owner only.
    pub(super) fn make_data_dir(&self) -> io::Result<()> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.data_dir);
        made.map_err(|error| about(&self.data_dir, &error))
    }
}

fn about(path: &Path, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}
