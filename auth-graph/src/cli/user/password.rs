//! Reading a new password: from a file, from the terminal, or from standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use crate::cli::failure::Failure;
use model::error::Error;

/// Returns the first line of a file. Without a file, it asks twice on a terminal, and reads the first line of standard
/// input elsewhere.
pub(super) fn read_password(file: Option<&Path>) -> Result<SecretString, Failure> {
    if let Some(path) = file {
        let file = File::open(path).map_err(|error| Failure::at(path, &error))?;
        return first_line(BufReader::new(file)).map_err(|error| Failure::at(path, &error));
    }
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Ok(first_line(stdin.lock())?);
    }
    let password: SecretString = rpassword::prompt_password("Password: ")?.into();
    let again: SecretString = rpassword::prompt_password("Password again: ")?.into();
    if password.expose_secret() != again.expose_secret() {
        return Err(Error::invalid("password", "the two passwords are not the same").into());
    }
    Ok(password)
}

fn first_line(mut reader: impl BufRead) -> io::Result<SecretString> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).into())
}
