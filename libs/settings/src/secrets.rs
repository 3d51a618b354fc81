//! The secret in use and the ones before it, which are accepted for a while after it was replaced.
//!
//! The file holds one secret a line: first the one in use, then the others, each with the time until which it is
//! accepted. What it means to accept one is the service's business.

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

/// Between a former secret and the time until which it is accepted.
const UNTIL: &str = " until ";

/// The secrets of a service.
#[derive(Debug)]
pub struct Secrets {
    /// Whatever is new is made with this one.
    pub current: MasterSecret,
    /// The ones before, the latest first.
    pub previous: Vec<PreviousSecret>,
}

/// A secret that was replaced.
#[derive(Debug)]
pub struct PreviousSecret {
    /// It.
    pub secret: MasterSecret,
    /// When what was made with it stops being accepted; absent: when it is taken out of the settings.
    pub accepted_until: Option<DateTime<Utc>>,
}

impl Secrets {
    /// The secrets of the settings, or if there is none those in the file, which is made if it is not there.
    ///
    /// # Errors
    /// When the file can not be read or written, others can read it, or one of the secrets is not good.
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

    /// Puts a new secret into the file and keeps the one before for this long. A process that runs reads the file when
    /// it starts the next time. The answer is the time until which the one before is accepted.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn rotate(path: &Path, now: DateTime<Utc>, window: Duration) -> io::Result<DateTime<Utc>> {
        // The file is replaced, so it is the folder that is locked.
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
            let wrong = "a former secret must be followed by `until` and a time";
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
