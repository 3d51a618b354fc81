//! The current secret and previous ones, which are accepted for some time after their replacement.
//!
//! The file has one secret per line: first the current one, then the previous ones, each with the time until which it
//! is accepted. The service decides what an accepted secret is used for.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use secrecy::{ExposeSecret, SecretString};

use crate::data_folder::about;
use crate::secret::{MasterSecret, new_secret, read_or_make};

/// Separator of a previous secret and the time until which it is accepted.
const UNTIL: &str = " until ";

/// Secrets of a service.
#[derive(Debug)]
pub struct Secrets {
    /// Current secret, which signs and encrypts.
    pub current: MasterSecret,
    /// Previous secrets, the latest first.
    pub previous: Vec<PreviousSecret>,
}

/// Replaced secret.
#[derive(Debug)]
pub struct PreviousSecret {
    /// The secret.
    pub secret: MasterSecret,
    /// Time until which it is accepted. If absent, it is accepted until it is removed from the settings.
    pub accepted_until: Option<DateTime<Utc>>,
}

impl Secrets {
    /// Returns the secrets of the settings. If there are none, it reads the file, and creates it if it is missing.
    ///
    /// # Errors
    /// When the file cannot be read or written, others can read it, or a secret is not valid.
    pub fn load(setting: &SecretString, previous: &[SecretString], path: &Path) -> io::Result<Self> {
        if setting.expose_secret().is_empty() {
            return Self::parse(&read_or_make(path)?).map_err(|reason| about(path, &reason));
        }
        let former = |text| MasterSecret::parse(text).map(|secret| PreviousSecret { secret, accepted_until: None });
        let previous: Result<_, _> = previous.iter().map(former).collect();
        Ok(Self {
            current: MasterSecret::parse(setting).map_err(io::Error::other)?,
            previous: previous.map_err(io::Error::other)?,
        })
    }

    /// Writes a new secret into the file and keeps the previous one for this time. Running processes read the file at
    /// their next start. Returns the time until which the previous secret is accepted.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn rotate(path: &Path, now: DateTime<Utc>, window: Duration) -> io::Result<DateTime<Utc>> {
        // The folder is locked, because the file is replaced.
        let folder = File::open(path.parent().unwrap_or(Path::new("."))).map_err(|error| about(path, &error))?;
        folder.lock().map_err(|error| about(path, &error))?;
        let before = Self::parse(&read_or_make(path)?).map_err(|reason| about(path, &reason))?;
        let until = now.checked_add_signed(window).ok_or_else(|| about(path, &"the time to keep it is too long"))?;
        let draft = path.with_extension(format!("draft-{}", std::process::id()));
        let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
        let mut file = file.map_err(|error| about(path, &error))?;
        writeln!(file, "{}", new_secret()?.expose_secret())?;
        write_former(&mut file, &before.current, until)?;
        for former in &before.previous {
            match former.accepted_until {
                Some(until) if until > now => write_former(&mut file, &former.secret, until)?,
                _ => {}
            }
        }
        file.sync_all()?;
        fs::rename(&draft, path).map_err(|error| about(path, &error))?;
        folder.sync_all()?;
        Ok(until)
    }

    fn parse(text: &SecretString) -> Result<Self, &'static str> {
        let mut lines = text.expose_secret().lines().filter(|line| !line.trim().is_empty());
        let current = MasterSecret::parse(&lines.next().unwrap_or_default().into())?;
        let previous = lines.map(|line| {
            let wrong = "a previous secret must be followed by `until` and a time";
            let (secret, until) = line.split_once(UNTIL).ok_or(wrong)?;
            let until = DateTime::parse_from_rfc3339(until.trim()).map_err(|_| wrong)?;
            let secret = MasterSecret::parse(&secret.into())?;
            Ok(PreviousSecret { secret, accepted_until: Some(until.to_utc()) })
        });
        Ok(Self { current, previous: previous.collect::<Result<_, &'static str>>()? })
    }
}

fn write_former(file: &mut File, secret: &MasterSecret, until: DateTime<Utc>) -> io::Result<()> {
    let text = SecretString::from(BASE64_STANDARD.encode(secret.as_bytes()));
    writeln!(file, "{}{UNTIL}{}", text.expose_secret(), until.to_rfc3339_opts(SecondsFormat::Secs, true))
}
