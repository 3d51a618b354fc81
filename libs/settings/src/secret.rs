//! The master secret of at least 32 random bytes: from the settings, or generated at the first start and kept in a file
//! that only its owner can read.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};

use crate::data_folder::{about, make_private_folder};

/// A random secret that everybody knows: the example of RFC 7515 (appendix A.1) and RFC 7517 (appendix A.3).
const SAMPLE: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ+EstJQLr/T+1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==";

/// Secret from which a service derives its keys.
#[derive(Debug)]
pub struct MasterSecret(SecretBox<Vec<u8>>);

impl MasterSecret {
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// Parses 32 bytes or more in base64.
    ///
    /// # Errors
    /// Advice on a valid secret, when the text is not base64, too short, or not random.
    pub fn parse(text: &SecretString) -> Result<Self, &'static str> {
        let mut bytes = SecretBox::new(Box::new(Vec::new()));
        BASE64_STANDARD
            .decode_vec(text.expose_secret().trim(), bytes.expose_secret_mut())
            .map_err(|_| "must be base64: write the output of `openssl rand -base64 32`")?;
        let found = bytes.expose_secret();
        if found.len() < 32 {
            return Err("is too short: write the output of `openssl rand -base64 32`");
        }
        // 32 random bytes have 30 different values on average, and practically never fewer than 20. Words have fewer,
        // and they are printable.
        let different = found.iter().collect::<BTreeSet<_>>().len();
        let is_text = found.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        if different < 20 || is_text || is_pattern(found) {
            return Err("is not random: write the output of `openssl rand -base64 32`");
        }
        if text.expose_secret().trim() == SAMPLE {
            return Err("is a published sample: write the output of `openssl rand -base64 32`");
        }
        Ok(Self(bytes))
    }

    /// Returns the secret of the settings. If it is empty, it reads the file, and creates it if it is missing.
    ///
    /// # Errors
    /// When the file cannot be read or written, others can read it, or it contains no valid secret.
    pub fn load(setting: &SecretString, path: &Path) -> io::Result<Self> {
        if !setting.expose_secret().is_empty() {
            return Self::parse(setting).map_err(io::Error::other);
        }
        Self::parse(&read_or_make(path)?).map_err(|reason| about(path, &reason))
    }
}

/// Returns true for bytes that a counter has made, such as 0 to 31, and for a pattern that is repeated.
#[must_use]
pub fn is_pattern(bytes: &[u8]) -> bool {
    // A counter has the same difference nearly everywhere. Of random differences, hardly two are the same.
    let mut counts = [0_usize; 256];
    bytes.windows(2).for_each(|pair| counts[usize::from(pair[1].wrapping_sub(pair[0]))] += 1);
    let is_counted = counts.iter().any(|count| *count > bytes.len() / 3);
    // A secret of 64 bytes may repeat 32 random ones. At least 8 bytes are compared, which chance does not repeat.
    let longest = bytes.len().saturating_sub(8).min(31);
    let repeats = |length: usize| bytes.iter().zip(&bytes[length..]).all(|(one, other)| one == other);
    is_counted || (1..=longest).any(repeats)
}

/// Returns the text of the file. If the file is missing, it creates it with a new secret.
pub(crate) fn read_or_make(path: &Path) -> io::Result<SecretString> {
    match fs::metadata(path) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            Err(about(path, &"others can read the file: set its mode to 600, or create a new secret"))
        }
        Ok(_) => read(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path),
        Err(error) => Err(about(path, &error)),
    }
}

fn read(path: &Path) -> io::Result<SecretString> {
    fs::read_to_string(path).map(SecretString::from).map_err(|error| about(path, &error))
}

/// Writes a new secret to a draft and links it to its path. If two processes start at once, one of them wins and the
/// other reads its secret, and no process reads half a secret.
fn make(path: &Path) -> io::Result<SecretString> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_private_folder(folder)?;
    let secret = new_secret()?;
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
    let mut file = file.map_err(|error| about(path, &error))?;
    writeln!(file, "{}", secret.expose_secret()).map_err(|error| about(path, &error))?;
    file.sync_all().map_err(|error| about(path, &error))?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft).map_err(|error| about(path, &error))?;
    match linked {
        Ok(()) => tracing::info!(path = %path.display(), "a new master secret was generated: back it up"),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(about(path, &error)),
    }
    read(path)
}

/// Returns 32 random bytes in base64.
pub(crate) fn new_secret() -> io::Result<SecretString> {
    let mut bytes = SecretBox::new(Box::new([0; 32]));
    aws_lc_rs::rand::fill(bytes.expose_secret_mut()).map_err(|_| io::Error::other("no randomness"))?;
    Ok(BASE64_STANDARD.encode(bytes.expose_secret()).into())
}
