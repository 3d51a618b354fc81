//! The options of the command, and the place that they name.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::Failure;
use super::content::Content;
use model::error::Error;

#[derive(Debug, Args)]
pub(in crate::cli) struct Options {
    /// System or format that the users come from.
    #[arg(long, value_enum)]
    pub(super) from: Format,
    /// File; for django, easyjwt, supabase and devise also their database (postgres://…, sqlite://… or a file of
    /// SQLite).
    pub(super) source: String,
    /// Report which rows would be rejected, and write nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Table of the users, such as app_user or accounts.app_user. Default: auth_user for django, user for easyjwt,
    /// auth.users for supabase, users for devise.
    #[arg(long)]
    pub(super) table: Option<String>,
    /// Model whose rows of a `dumpdata` file are the users. Default: auth.user for django, easyjwt_user.user for
    /// easyjwt.
    #[arg(long, value_name = "APP.MODEL")]
    pub(super) model: Option<String>,
    /// TOML file that says which roles the members of groups get, and what becomes of further columns.
    #[arg(long, value_name = "FILE")]
    pub(super) mapping: Option<PathBuf>,
    /// File with the password hash parameters that the console of Firebase shows.
    #[arg(long, value_name = "FILE")]
    pub(super) hash_config: Option<PathBuf>,
    /// Treatment of users whose password hash cannot be used.
    #[arg(long, value_enum, default_value_t = OnUnusableHash::Refuse)]
    pub(super) unusable_hash: OnUnusableHash,
    /// File for rejected rows, as CSV: row, identifier, email, code, field. A run that begins anew replaces it; a run
    /// that continues adds to it. Default: import-refused.csv, in a dry run import-dry-run.csv.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Systems and formats that users come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Users of Django: a database, or the output of `dumpdata`.
    Django,
    /// Users of the authentication service of django-easyjwt, in the same forms.
    Easyjwt,
    /// Exports of users and of password hashes from Auth0. The second file completes the users of the first.
    Auth0,
    /// Export of a realm of Keycloak with its users.
    Keycloak,
    /// Output of `firebase auth:export users.json`.
    Firebase,
    /// Users of AWS Cognito: the output of `list-users`, or CSV. They have no password hashes.
    Cognito,
    /// Users of Supabase: a database, or its table as CSV.
    Supabase,
    /// Users of Devise (Ruby on Rails): a database, or its table as CSV.
    Devise,
    /// CSV with a heading.
    Csv,
    /// Output of `export`, or other users as JSON: one object per line, or a list.
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum OnUnusableHash {
    /// Reject the users.
    Refuse,
    /// Import the users without a password.
    Drop,
}

/// The place of the users.
pub(super) enum Place {
    /// URL of a database.
    Database(String),
    Json(PathBuf),
    Csv(PathBuf),
}

impl Format {
    /// Returns the name of the system, for messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Django => "Django",
            Self::Easyjwt => "django-easyjwt",
            Self::Auth0 => "Auth0",
            Self::Keycloak => "Keycloak",
            Self::Firebase => "Firebase",
            Self::Cognito => "Cognito",
            Self::Supabase => "Supabase",
            Self::Devise => "Devise",
            Self::Csv => "CSV",
            Self::Json => "JSON",
        }
    }

    /// Returns the name of the option.
    pub(super) fn option(self) -> String {
        self.to_possible_value().expect("no format is hidden").get_name().to_owned()
    }

    /// Returns whether the rows are those of `dumpdata`.
    pub(super) fn is_of_django(self) -> bool {
        matches!(self, Self::Django | Self::Easyjwt)
    }

    fn default_table(self) -> Option<&'static str> {
        match self {
            Self::Django => Some("auth_user"),
            Self::Easyjwt => Some("user"),
            Self::Supabase => Some("auth.users"),
            Self::Devise => Some("users"),
            _ => None,
        }
    }
}

impl Options {
    pub(super) fn report(&self) -> &Path {
        let default = if self.dry_run { "import-dry-run.csv" } else { "import-refused.csv" };
        self.report.as_deref().unwrap_or(Path::new(default))
    }

    /// Returns the model of the users in a file of `dumpdata`.
    pub(super) fn model(&self) -> &str {
        let default = if self.from == Format::Easyjwt { "easyjwt_user.user" } else { "auth.user" };
        self.model.as_deref().unwrap_or(default)
    }

    /// Returns the table of the users in a database.
    pub(super) fn table(&self) -> &str {
        self.table.as_deref().or(self.from.default_table()).unwrap_or_default()
    }

    /// Finds the place of the users, and refuses options that have no meaning there.
    pub(super) fn place(&self) -> Result<Place, Failure> {
        let place = self.find()?;
        let is_database = matches!(place, Place::Database(_));
        let unused = |name, message| Err(Error::invalid(name, message).into());
        if self.table.is_some() && !is_database {
            return unused("table", "is for a database; --model chooses the rows of a file of dumpdata");
        }
        if self.model.is_some() && (is_database || !self.from.is_of_django()) {
            return unused("model", "is for a file of dumpdata; --table chooses the table of a database");
        }
        if self.hash_config.is_some() && self.from != Format::Firebase {
            return unused("hash-config", "is for users of Firebase");
        }
        Ok(place)
    }

    fn find(&self) -> Result<Place, Failure> {
        let source = &self.source;
        if self.from.default_table().is_some() && is_database(source) {
            return Ok(Place::Database(source.clone()));
        }
        let path = file(source)?;
        let content = Content::of(path).map_err(|error| Failure::at(path, &error))?;
        let refused = |what: &str| Err(Failure::at(path, &io::Error::new(io::ErrorKind::InvalidData, what)));
        let takes_csv = matches!(self.from, Format::Csv | Format::Cognito | Format::Supabase | Format::Devise);
        match content {
            Content::Sqlite if self.from.default_table().is_some() => Ok(Place::Database(sqlite_url(path)?)),
            Content::Sqlite => {
                refused("the file is a database of SQLite, which --from django, easyjwt, supabase and devise read")
            }
            Content::Text | Content::Unclear if takes_csv => Ok(Place::Csv(path.to_owned())),
            Content::Json if self.from == Format::Csv => refused("the file is JSON: import it with --from json"),
            Content::Json | Content::Unclear => Ok(Place::Json(path.to_owned())),
            Content::Text => {
                refused("the file is not JSON, which `dumpdata --format jsonl` writes; CSV is imported with --from csv")
            }
        }
    }
}

/// Returns the source as a file, which is read more than once.
fn file(source: &str) -> Result<&Path, Failure> {
    // The message does not repeat the source, because a URL may contain a password.
    if source.contains("://") {
        let message =
            "must be a file; for django, easyjwt, supabase and devise, postgres://… or sqlite://… is accepted too";
        return Err(Error::invalid("source", message).into());
    }
    let path = Path::new(source);
    let found = path.metadata().map_err(|error| Failure::at(path, &error))?;
    match found.is_file() {
        true => Ok(path),
        false => Err(Failure::at(path, &io::Error::other("it is not a file"))),
    }
}

/// Returns the URL of a file of SQLite. The parser of URLs decodes the path.
fn sqlite_url(path: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(path)?;
    let path = path.to_str().ok_or_else(|| Error::invalid("source", "has a path that is not UTF-8"))?;
    Ok(format!("sqlite://{}", path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")))
}

fn is_database(source: &str) -> bool {
    ["postgres://", "postgresql://", "sqlite:"].iter().any(|scheme| source.starts_with(scheme))
}
