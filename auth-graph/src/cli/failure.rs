//! Failures of commands, and the messages for them.

use std::error::Error as _;
use std::path::Path;
use std::process::ExitCode;
use std::{fmt, io};

use sea_orm::DbErr;

use model::config::Problems;
use model::error::Error;

/// The failure of a command.
#[derive(Debug)]
pub enum Failure {
    /// The configuration is wrong: exit code 2.
    Configuration(Problems),
    /// A use case was rejected or failed: exit code 1.
    Refused(Error),
    /// A file, a socket or the terminal failed: exit code 1.
    Io(io::Error),
}

impl Failure {
    /// Builds the failure for a file that cannot be used, with its name.
    pub(super) fn at(path: &Path, error: &io::Error) -> Self {
        Self::Io(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }

    /// Returns whether the only failure is that the reader of the output closed the pipe, as `grep -q` does.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Returns the exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Configuration(_) => ExitCode::from(2),
            Self::Refused(_) | Self::Io(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    /// Prints the cause if there is one, else the public message. Unlike a caller of the API, the operator may see the
    /// cause.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(problems) => problems.fmt(formatter),
            Self::Io(error) => error.fmt(formatter),
            Self::Refused(error) => formatter.write_str(&errors::explain(error.source().unwrap_or(error))),
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Configuration(problems)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Self {
        Self::Refused(error.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
