//! The command `import`: reads users from a file or a database of another system, and imports them in batches.

mod csv;
mod database;
mod lines;
mod prefix;
mod report;
mod shapes;

use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;

use self::csv::Table;
use self::database::Database;
use self::lines::Lines;
use self::report::Report;
use super::failure::Failure;
use engine::app::App;
use engine::transfer::{Batch, Import, PreparedBatch, Record, UnusableHash, Writing};
use model::error::Error;

/// Number of rows in one transaction.
const BATCH: usize = 1000;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// System or format that the users come from.
    #[arg(long, value_enum)]
    from: Format,
    /// File; for django and easyjwt also the URL of their database (postgres://… or sqlite://…).
    source: String,
    /// Report which rows would be rejected, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Table of the users. Default: auth_user for django, user for easyjwt.
    #[arg(long)]
    table: Option<String>,
    /// Treatment of users whose password hash cannot be used.
    #[arg(long, value_enum, default_value_t = OnUnusableHash::Refuse)]
    unusable_hash: OnUnusableHash,
    /// File for rejected rows, as CSV: place, code. Later runs append their rows.
    #[arg(long, value_name = "FILE", default_value = "import-refused.csv")]
    report: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Users of Django: a database, or the output of `dumpdata --format jsonl`.
    Django,
    /// Users of the authentication service of django-easyjwt, in the same forms.
    Easyjwt,
    /// Exports of users and of password hashes from Auth0, one JSON object per line.
    Auth0,
    /// CSV with a header line.
    Csv,
    /// Output of `export`.
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnUnusableHash {
    /// Reject the users.
    Refuse,
    /// Import the users without a password.
    Drop,
}

/// A source of rows. It continues at the position that an earlier run has reached.
enum Source {
    Lines(Lines),
    Table(Table),
    Database(Database),
}

impl Source {
    async fn open(options: &Options, position: &str) -> Result<Self, Failure> {
        let table = options.table.as_deref();
        let shape: fn(serde_json::Value) -> Option<Record> = match options.from {
            Format::Csv => {
                let path = file(&options.source)?;
                return Ok(Self::Table(Table::open(path, position).map_err(|error| Failure::at(path, &error))?));
            }
            Format::Django if is_database(&options.source) => {
                return Ok(Self::Database(
                    Database::open(&options.source, table.unwrap_or("auth_user"), position).await?,
                ));
            }
            Format::Easyjwt if is_database(&options.source) => {
                return Ok(Self::Database(Database::open(&options.source, table.unwrap_or("user"), position).await?));
            }
            Format::Django | Format::Easyjwt => shapes::dumped,
            Format::Auth0 => shapes::auth0,
            Format::Json => shapes::exported,
        };
        let path = file(&options.source)?;
        Ok(Self::Lines(Lines::open(path, position, shape).map_err(|error| Failure::at(path, &error))?))
    }

    /// Returns whether no earlier run has read from the source.
    fn is_at_its_beginning(&self) -> bool {
        match self {
            Self::Lines(lines) => lines.is_at_its_beginning(),
            Self::Table(table) => table.is_at_its_beginning(),
            Self::Database(database) => database.is_at_its_beginning(),
        }
    }

    /// Returns the position and the length, in bytes of a file or rows of a table.
    fn progress(&self) -> (u64, u64) {
        match self {
            Self::Lines(lines) => lines.progress(),
            Self::Table(table) => table.progress(),
            Self::Database(database) => database.progress(),
        }
    }

    /// Returns the next rows, or `None` at the end.
    async fn next(&mut self) -> Result<Option<Batch>, Failure> {
        match self {
            Self::Lines(lines) => Ok(lines.next(BATCH)?),
            Self::Table(table) => Ok(table.next(BATCH)?),
            Self::Database(database) => database.next(BATCH).await,
        }
    }
}

pub(super) async fn run(app: &App, options: Options) -> Result<(), Failure> {
    let writing = if options.dry_run { Writing::DryRun } else { Writing::Commit };
    let unusable = match options.unusable_hash {
        OnUnusableHash::Refuse => UnusableHash::Refuse,
        OnUnusableHash::Drop => UnusableHash::Drop,
    };
    let mut import = Import::open(app, &name(&options)?, writing).await?;
    let source = Source::open(&options, import.position()).await?;
    let mut report = Report::open(&options.report)?;
    let (imported_before, refused_before) = (import.imported(), import.refused());
    if !source.is_at_its_beginning() {
        eprintln!("continuing after {imported_before} imported and {refused_before} refused users");
    } else if !import.position().is_empty() {
        eprintln!("the file has changed since the earlier run and is read from its beginning");
    }
    let bar = progress_bar(&source);
    // The next rows are read and prepared while the database writes the previous ones.
    let (sender, mut batches) = mpsc::channel(1);
    let reading = tokio::spawn(read(app.clone(), source, unusable, sender));
    let written = write(app, &mut import, &mut batches, &mut report, &bar).await;
    // Committed rows are reported even if the import has failed.
    let settled = import.settle(app).await;
    report.add(&import.take_refused())?;
    written?;
    settled?;
    reading.await.map_err(io::Error::from)??;
    bar.finish();
    let (imported, refused) = (import.imported() - imported_before, import.refused() - refused_before);
    let verb = if options.dry_run { "would be imported" } else { "imported" };
    print_line!("{imported} {verb}, {refused} refused")?;
    if refused > 0 {
        print_line!("the refused rows are in {}", options.report.display())?;
    }
    Ok(())
}

/// Reads all rows, and passes each batch to the writer with the progress.
async fn read(
    app: App,
    mut source: Source,
    unusable: UnusableHash,
    batches: mpsc::Sender<(PreparedBatch, u64)>,
) -> Result<(), Failure> {
    while let Some(batch) = source.next().await? {
        if batches.send((batch.prepare(&app, unusable), source.progress().0)).await.is_err() {
            // The writer has failed and reports the error.
            break;
        }
    }
    Ok(())
}

/// Writes the batches, and reports rejected rows.
async fn write(
    app: &App,
    import: &mut Import,
    batches: &mut mpsc::Receiver<(PreparedBatch, u64)>,
    report: &mut Report,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    while let Some((batch, progress)) = batches.recv().await {
        import.write(app, &batch).await?;
        report.add(&import.take_refused())?;
        bar.set_position(progress);
        bar.set_message(format!("{} imported, {} refused", import.imported(), import.refused()));
    }
    Ok(())
}

/// Creates the progress bar, which is drawn only on a terminal.
fn progress_bar(source: &Source) -> ProgressBar {
    let (done, whole) = source.progress();
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} %, {eta} left: {msg}").expect("it is a template");
    let bar = ProgressBar::new(whole).with_style(style).with_position(done);
    bar.reset_eta();
    bar
}

/// Returns the source as a file, which is read more than once.
fn file(source: &str) -> Result<&Path, Failure> {
    // The message does not repeat the source, because a URL may contain a password.
    if source.contains("://") {
        let message = "must be a file; for django and easyjwt, postgres://… or sqlite://… is accepted too";
        return Err(Error::invalid("source", message).into());
    }
    let path = Path::new(source);
    let found = path.metadata().map_err(|error| Failure::at(path, &error))?;
    match found.is_file() {
        true => Ok(path),
        false => Err(Failure::at(path, &io::Error::other("it is not a file"))),
    }
}

/// Returns the name of the import, from its source and its options. It does not contain the location, because a URL may
/// contain a password.
fn name(options: &Options) -> Result<String, Failure> {
    let place = if is_database(&options.source) {
        format!("{} {}", options.source, options.table.as_deref().unwrap_or_default())
    } else {
        std::path::absolute(&options.source)?.display().to_string()
    };
    // An import without unusable hashes is another import, so that it includes the users who were rejected before.
    let how = match options.unusable_hash {
        OnUnusableHash::Refuse => "",
        OnUnusableHash::Drop => " drop",
    };
    let format = options.from.to_possible_value().expect("no format is hidden");
    let name = digest(&SHA256, format!("{} {place}{how}", format.get_name()).as_bytes());
    Ok(BASE64_URL_SAFE_NO_PAD.encode(name))
}

fn is_database(source: &str) -> bool {
    ["postgres://", "postgresql://", "sqlite:"].iter().any(|scheme| source.starts_with(scheme))
}
