//! Rules for new passwords, in addition to their length: hard to guess, not only digits, not the account's own name,
//! and not known from a breach.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::password_score;
use crate::app::App;
use crate::egress::breached_passwords::sha1;
use model::config::Profile;
use model::error::{Error, Result};
use model::values::{NewPassword, folded, is_sample_password};
use store::users;

const BREACHED: &str = "is known from a breach: choose another one";
/// Minimum length of a text about the account that passwords must not contain. Shorter texts occur in too many good
/// passwords.
const SHORTEST: usize = 4;
/// Minimum number of characters of a password that remain without the public facts about the account.
const LEFT: usize = 6;

/// Returns the texts about a user that their password must not be made of.
pub(crate) fn facts_of(user: &users::Model) -> Vec<&str> {
    let username = user.username.as_ref().map_or("", |name| name.as_str());
    vec![user.email.as_str(), user.email.local_part(), username, &user.first_name, &user.last_name]
}

/// Rejects a password that must not be set for an account with these facts.
///
/// # Errors
/// [`Error::ValidationFailed`], which states the reason; [`Error::Unavailable`] when too many passwords are being
/// hashed or judged.
pub(crate) async fn check(app: &App, password: &NewPassword, facts: &[&str]) -> Result<()> {
    let secret = password.as_secret();
    if is_sample_password(secret) {
        return match app.config.profile {
            Profile::Demo => Ok(()),
            _ => Err(refused("is printed in our documentation: choose another one")),
        };
    }
    let known = known(facts);
    refuse_likeness(secret, &known)?;
    if secret.expose_secret().chars().all(char::is_numeric) {
        return Err(refused("must not consist of digits only"));
    }
    let scored: SecretString = secret.clone();
    let (hash, least) = (sha1(secret), app.config.passwords.min_score);
    let list = app.config.passwords.breached_list.clone();
    // The check needs a processor and a disk. It takes its turn among the hashes, so that new passwords slow nothing
    // else down, however many there are.
    let judge = move || {
        require_score(&scored, &known, least)?;
        if !list.as_os_str().is_empty() && is_listed(&list, &hash).map_err(Error::internal)? {
            return Err(refused(BREACHED));
        }
        Ok(())
    };
    app.passwords.pool.reserve()?.run(judge).await??;
    let Some(service) = &app.passwords.breached else { return Ok(()) };
    match service.contains(secret).await {
        Ok(true) => Err(refused(BREACHED)),
        Ok(false) => Ok(()),
        Err(error) => {
            // An outage of a third-party service does not keep users from their accounts.
            tracing::warn!(error = errors::explain(&error), "a new password was not looked up among breached ones");
            Ok(())
        }
    }
}

/// Rejects a password that passed [`check`] with some facts, and must not be set for an account with all of these. It
/// looks for no breach again.
///
/// # Errors
/// As [`check`].
pub(crate) async fn check_further(app: &App, password: &NewPassword, checked: &[&str], facts: &[&str]) -> Result<()> {
    let secret = password.as_secret();
    let (checked, known) = (known(checked), known(facts));
    if is_sample_password(secret) || known.iter().all(|text| checked.contains(text)) {
        return Ok(());
    }
    refuse_likeness(secret, &known)?;
    let (scored, least) = (secret.clone(), app.config.passwords.min_score);
    app.passwords.pool.reserve()?.run(move || require_score(&scored, &known, least)).await?
}

/// Returns the facts in the form in which passwords are compared with them. Short ones are left out.
fn known(facts: &[&str]) -> Vec<String> {
    facts.iter().map(|text| folded(text)).filter(|text| text.chars().count() >= SHORTEST).collect()
}

fn refuse_likeness(secret: &SecretString, known: &[String]) -> Result<()> {
    let lower = folded(secret.expose_secret());
    let rest = known.iter().fold(lower.clone(), |rest, text| rest.replace(text, ""));
    let contains = rest.len() < lower.len();
    let is_part = known.iter().any(|text| text.contains(&lower));
    if is_part || contains && rest.chars().count() < LEFT {
        return Err(refused("is too much like the account"));
    }
    Ok(())
}

fn require_score(secret: &SecretString, known: &[String], least: u8) -> Result<()> {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    match password_score::score(secret.expose_secret(), &known) < least {
        true => Err(refused("is too easy to guess: choose a longer one, such as four unrelated words")),
        false => Ok(()),
    }
}

fn refused(reason: &str) -> Error {
    Error::invalid("password", reason)
}

/// Searches a sorted file for the hash of a password by bisection, so that a list of any size needs no memory.
fn is_listed(path: &Path, wanted: &str) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    let (mut low, mut high) = (0, file.metadata()?.len());
    // The line in question begins in low..high, if it exists.
    while low < high {
        let middle = low + (high - low) / 2;
        let start = line_start(&mut file, middle, low)?;
        let line = line_at(&mut file, start)?;
        let found = line.get(..wanted.len()).unwrap_or(&line).to_ascii_uppercase();
        match found.as_bytes().cmp(wanted.as_bytes()) {
            std::cmp::Ordering::Equal => return Ok(true),
            std::cmp::Ordering::Less => low = start + line.len() as u64 + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    Ok(false)
}

/// Returns the start of the line that contains this position, but not before `low`.
fn line_start(file: &mut File, place: u64, low: u64) -> std::io::Result<u64> {
    const STEP: u64 = 256;
    let mut end = place;
    while end > low {
        let begin = end.saturating_sub(STEP).max(low);
        let mut bytes = vec![0; usize::try_from(end - begin).unwrap_or(0)];
        file.seek(SeekFrom::Start(begin))?;
        file.read_exact(&mut bytes)?;
        if let Some(newline) = bytes.iter().rposition(|byte| *byte == b'\n') {
            return Ok(begin + newline as u64 + 1);
        }
        end = begin;
    }
    Ok(low)
}

fn line_at(file: &mut File, start: u64) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    let mut chunk = [0; 128];
    loop {
        let read = file.read(&mut chunk)?;
        match chunk[..read].iter().position(|byte| *byte == b'\n') {
            Some(newline) => bytes.extend_from_slice(&chunk[..newline]),
            None => bytes.extend_from_slice(&chunk[..read]),
        }
        if read == 0 || chunk[..read].contains(&b'\n') {
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}
