//! The command `import`: reads users from a file or a database of another system, and imports them in batches.

mod content;
mod csv;
mod database;
mod dump;
mod elements;
mod fields;
mod lines;
mod mapping;
mod notes;
mod options;
mod prefix;
mod reading;
mod report;
mod shapes;
mod source;
mod summary;
mod systems;
mod tables;
mod times;

use std::collections::BTreeMap;
use std::io;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;
use url::Url;

use self::mapping::Mapping;
use self::notes::Notes;
use self::options::{Format, OnUnusableHash, Place};
use self::reading::Reading;
use self::report::{Earlier, Report};
use self::source::Source;
use self::summary::Summary;
use self::systems::HashConfig;
use super::failure::Failure;
use engine::app::App;
use engine::transfer::{Existing, Import, PreparedBatch, UnusableHash, Writing};
use model::error::Error;

pub(super) use options::Options;

pub(super) async fn run(app: &App, options: Options) -> Result<(), Failure> {
    let writing = if options.dry_run { Writing::DryRun } else { Writing::Commit };
    let unusable = match options.unusable_hash {
        OnUnusableHash::Refuse => UnusableHash::Refuse,
        OnUnusableHash::Drop => UnusableHash::Drop,
    };
    // Auth0 gives out names and password hashes in two files.
    let existing = if options.from == Format::Auth0 { Existing::Complete } else { Existing::Keep };
    let place = options.place()?;
    let mapping = options.mapping.as_deref().map_or(Ok(Mapping::default()), |path| Mapping::read(app, path))?;
    let name = name(&options, &place, &mapping)?;
    let hash_config = hash_config(&options)?;
    let mut reading = Reading::new(options.from, options.model(), mapping, hash_config, app.clock.now());
    let mut import = Import::open(app, &name, writing, existing).await?;
    let source = Source::open(&options, &place, import.position(), &mut reading).await?;
    let earlier = match (source.is_at_its_beginning(), writing) {
        (false, Writing::Commit) => Earlier::Continued,
        _ => Earlier::Replaced,
    };
    let mut report = Report::open(options.report(), earlier)?;
    let (imported_before, refused_before) = (import.imported(), import.refused());
    if !source.is_at_its_beginning() {
        eprintln!("continuing after {imported_before} imported and {refused_before} refused users");
    } else if !import.position().is_empty() {
        eprintln!("the file has changed since the earlier run and is read from its beginning");
    }
    let bar = progress_bar(&source);
    // The next rows are read and prepared while the database writes the previous ones.
    let (sender, mut batches) = mpsc::channel(1);
    let reader = tokio::spawn(read(app.clone(), source, reading, unusable, sender));
    let mut summary = Summary::new(writing);
    let written = write(app, &mut import, &mut batches, &mut report, &mut summary, &bar).await;
    // Committed rows are reported even if the import has failed.
    let settled = import.settle(app).await;
    let rejected = import.take_rejected();
    report.add(&rejected)?;
    summary.count(&rejected);
    written?;
    settled?;
    let notes = reader.await.map_err(io::Error::from)??;
    bar.finish();
    summary.imported = import.imported() - imported_before;
    summary.here_already = import.here_already();
    summary.completed = import.completed();
    summary.print(&notes, options.report())
}

/// Reads all rows, passes each batch to the writer with the progress, and returns what was not used.
async fn read(
    app: App,
    mut source: Source,
    mut reading: Reading,
    unusable: UnusableHash,
    batches: mpsc::Sender<(PreparedBatch, u64)>,
) -> Result<Notes, Failure> {
    let mut dropped: BTreeMap<&'static str, u64> = BTreeMap::new();
    while let Some(batch) = source.next(&mut reading).await? {
        let prepared = batch.prepare(&app, unusable);
        for (field, count) in &prepared.dropped {
            *dropped.entry(field).or_default() += count;
        }
        if batches.send((prepared, source.progress().0)).await.is_err() {
            // The writer has failed and reports the error.
            break;
        }
    }
    let mut notes = reading.finish();
    for (field, count) in dropped {
        notes.dropped.add(field, count);
    }
    Ok(notes)
}

/// Writes the batches, and reports rejected rows.
async fn write(
    app: &App,
    import: &mut Import,
    batches: &mut mpsc::Receiver<(PreparedBatch, u64)>,
    report: &mut Report,
    summary: &mut Summary,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    while let Some((batch, progress)) = batches.recv().await {
        import.write(app, &batch).await?;
        let rejected = import.take_rejected();
        report.add(&rejected)?;
        summary.count(&rejected);
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

/// Reads the parameters of Firebase's hashes. Without them no hash of Firebase can be used.
fn hash_config(options: &Options) -> Result<Option<HashConfig>, Failure> {
    match (&options.hash_config, options.from, options.unusable_hash) {
        (Some(path), _, _) => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::at(path, &error))?;
            HashConfig::read(&text).map(Some)
        }
        (None, Format::Firebase, OnUnusableHash::Refuse) => Err(Error::invalid(
            "hash-config",
            "is needed for the password hashes of Firebase: a file with the parameters that its console shows under \
             Authentication, Users, Password hash parameters; or --unusable-hash drop imports the users without passwords",
        )
        .into()),
        _ => Ok(None),
    }
}

/// Returns the name of the import, from its source and its options. It is a digest without the password of a database,
/// which could be guessed from it otherwise.
fn name(options: &Options, place: &Place, mapping: &Mapping) -> Result<String, Failure> {
    let place = match place {
        Place::Database(url) => format!("{} {}", without_password(url)?, options.table()),
        Place::Json(path) | Place::Csv(path) => {
            format!("{} {}", std::path::absolute(path)?.display(), options.model())
        }
    };
    // An import without unusable hashes is another import, so that it includes the users who were rejected before.
    let how = match options.unusable_hash {
        OnUnusableHash::Refuse => "",
        OnUnusableHash::Drop => " drop",
    };
    let name = format!("{} {place}{how} {}", options.from.option(), mapping.fingerprint()?);
    Ok(BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, name.as_bytes())))
}

fn without_password(url: &str) -> Result<String, Failure> {
    store::check_url(url).map_err(|reason| Error::invalid("source", reason))?;
    let mut url = Url::parse(url).map_err(|_| Error::invalid("source", "is not a URL"))?;
    // It fails for URLs without a host, which have no password.
    let _ = url.set_password(None);
    let parameters: Vec<_> = url.query_pairs().into_owned().filter(|(name, _)| name != "password").collect();
    url.set_query(None);
    if !parameters.is_empty() {
        url.query_pairs_mut().extend_pairs(parameters);
    }
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_not_named_after_the_password_of_its_database() {
        for (url, expected) in [
            ("postgres://me:hunter2@db/app", "postgres://me@db/app"),
            ("postgres://db/app?user=me&password=hunter2", "postgres://db/app?user=me"),
            ("postgres://db/app?password=hunter2", "postgres://db/app"),
            ("sqlite:///srv/app.db?mode=ro", "sqlite:///srv/app.db?mode=ro"),
            ("sqlite:app.db", "sqlite:app.db"),
        ] {
            assert_eq!(without_password(url).unwrap(), expected);
        }
        assert!(without_password("postgres://db/app?sslpassword=hunter2").is_err());
    }
}
