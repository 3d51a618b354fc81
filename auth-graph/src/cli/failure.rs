//! Failures of commands, and the messages for them.

use std::error::Error as _;
use std::path::Path;
use std::process::ExitCode;
use std::{fmt, io};

use sea_orm::DbErr;

use model::config::Problems;
use model::error::Error;

/// Every command that opens the database can find that a newer version has migrated it.
const TAKE_BACK: &str = "`auth-graph migrate --down STEPS` of the newer version takes its migrations back";

/// The failure of a command.
#[derive(Debug)]
pub enum Failure {
    /// The configuration is wrong: exit code 2.
    Configuration(Problems),
    /// A use case refused or failed: exit code 1.
    Refused {
        /// The error of the use case. It names no command, as other doors show it too.
        error: Error,
        /// The command that helps, if there is one.
        hint: Option<&'static str>,
    },
    /// A file, a socket or the terminal: exit code 1.
    Io(io::Error),
}

impl Failure {
    /// Builds the failure for a file that cannot be used, with its name.
    pub(super) fn at(path: &Path, error: &io::Error) -> Self {
        Self::Io(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }

    /// Builds the failure for an argument that names nothing.
    pub(super) fn missing(message: &str) -> Self {
        Self::Io(io::Error::new(io::ErrorKind::NotFound, message.to_owned()))
    }

    /// Adds the command that helps to an error of a use case.
    pub(super) fn with_hint(error: Error, hint: &'static str) -> Self {
        Self::Refused { error, hint: Some(hint) }
    }

    /// Whether nothing has failed but that whoever reads what is printed has seen enough, as `grep -q` does.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Returns the exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Configuration(_) => ExitCode::from(2),
            Self::Refused { .. } | Self::Io(_) => ExitCode::FAILURE,
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
            Self::Refused { error, hint } => {
                formatter.write_str(&errors::explain(error.source().unwrap_or(error)))?;
                hint.map_or(Ok(()), |hint| write!(formatter, "\nhint: {hint}"))
            }
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
        let cause = error.source().and_then(|source| source.downcast_ref());
        let hint = cause.is_some_and(store::is_newer).then_some(TAKE_BACK);
        Self::Refused { error, hint }
    }
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Self {
        Error::from(error).into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
