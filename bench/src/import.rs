//! The import of a million Django users with their hashes, and the search for them afterwards.
//!
//! PostgreSQL is measured if `TEST_DATABASE_URL` names a server. The search is measured there only: SQLite has no index
//! for parts of texts.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use engine::pagination::Page;
use engine::{accounts, boot};
use model::clock::Clock;
use model::config::{Config, Sources};
use sea_orm::{ConnectionTrait, Database};
use secrecy::SecretString;
use serde_json::json;
use store::users::Filter;

use crate::machine::resident;
use crate::process::{failed, sibling};
use crate::table::{Row, Target, Unit};

const MANY: usize = 1_000_000;
const FEW: usize = 10_000;
const SEARCHES: usize = 500;
const DATABASE: &str = "imported";
const HASH: &str = "pbkdf2_sha256$1000000$QnT5qXmDVgXKp0mmZQnWrT$fLsb0CSiFnYzsTuzHsZyMOnAPxNOX1tDsT9n0OIwCOY=";

/// Measures the import and the search.
///
/// # Errors
/// When a user is not imported, or a search does not find its user.
pub fn rows() -> Result<Vec<Row>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let sources = [FEW, MANY].map(|count| (count, folder.path().join(format!("{count}.jsonl"))));
    for (count, source) in &sources {
        write_users(source, *count)?;
    }
    let mut rows = import_rows("SQLite", &folder.path().join("sqlite"), None, &sources)?;
    if let Ok(server) = std::env::var("TEST_DATABASE_URL") {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let database = runtime.block_on(create_database(&server))?;
        let data = folder.path().join("postgresql");
        rows.extend(import_rows("PostgreSQL", &data, Some(&database), &sources)?);
        rows.push(runtime.block_on(search_row(&data, &database))?);
    }
    Ok(rows)
}

/// Writes users in the format of `dumpdata --format jsonl`.
fn write_users(file: &Path, count: usize) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(file)?);
    for number in 1..=count {
        let user = Person(number);
        let fields = json!({
            "username": user.email(), "email": user.email(), "password": HASH, "first_name": user.first_name(),
            "last_name": user.last_name(), "is_active": true, "is_staff": false, "is_superuser": false,
            "date_joined": "2024-05-06T07:08:09.123456Z", "last_login": null,
        });
        writeln!(file, "{}", json!({ "model": "auth.user", "pk": number, "fields": fields }))?;
    }
    file.flush()
}

/// A user who shares a given name with 300 of a million users, a family name with 25, and a domain with 2,000.
struct Person(usize);

impl Person {
    fn first_name(&self) -> String {
        format!("F{:06x}", scattered(self.0 % 3_000))
    }

    fn last_name(&self) -> String {
        format!("L{:06x}", scattered(self.0 % 40_000 + 3_000))
    }

    fn domain(&self) -> String {
        format!("{:06x}.com", scattered(self.0 % 500 + 43_000))
    }

    fn email(&self) -> String {
        format!("{}.{}{}@{}", self.first_name(), self.last_name(), self.0, self.domain()).to_lowercase()
    }
}

/// Returns six hexadecimal digits; neighbouring numbers give unrelated digits.
fn scattered(number: usize) -> usize {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40
}

fn import_rows(
    name: &str,
    data: &Path,
    database: Option<&str>,
    sources: &[(usize, PathBuf); 2],
) -> Result<Vec<Row>, Box<dyn Error>> {
    let [few, many] = sources.each_ref().map(|(_, source)| source);
    // The small set is a part of the large one, so its users are read without being written.
    let looked = import(data, database, few, &["--dry-run"])?;
    let imported = import(data, database, many, &[])?;
    Ok(vec![
        Row::new(
            format!("users imported from Django, per second, {name}"),
            MANY as f64 / imported.seconds,
            Unit::Count,
            Target::AtLeast(20_000.0),
            format!("{MANY} lines of dumpdata with their hashes and integer identifiers"),
        ),
        Row::new(
            "… resident memory at most",
            imported.megabytes,
            Unit::Megabytes,
            Target::None,
            format!("{:.0} MB when it only looks through {FEW}", looked.megabytes),
        ),
    ])
}

struct Run {
    seconds: f64,
    megabytes: f64,
}

fn import(data: &Path, database: Option<&str>, source: &Path, options: &[&str]) -> Result<Run, Box<dyn Error>> {
    let mut command = Command::new(sibling("auth-graph")?);
    command.args(["import", "--from", "django"]).arg(source).args(options);
    command.arg("--report").arg(data.with_extension("refused.csv"));
    command.arg("--set").arg(format!("data_dir={}", data.display()));
    if let Some(database) = database {
        command.env("AUTH_GRAPH_DATABASE__URL", database);
    }
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(&command, &error))?;
    let mut megabytes = f64::NAN;
    while child.try_wait()?.is_none() {
        megabytes = megabytes.max(resident(child.id()).1);
        thread::sleep(Duration::from_millis(20));
    }
    let seconds = started.elapsed().as_secs_f64();
    let said = String::from_utf8(child.wait_with_output()?.stdout)?;
    if !said.contains(", 0 refused") {
        return Err(format!("not every user was imported: {said}").into());
    }
    Ok(Run { seconds, megabytes })
}

async fn create_database(server: &str) -> Result<String, Box<dyn Error>> {
    let db = Database::connect(server).await?;
    db.execute_unprepared(&format!("CREATE DATABASE {DATABASE}")).await?;
    Ok(server.replacen("/postgres?", &format!("/{DATABASE}?"), 1))
}

/// The search text for a person.
type Sought = fn(&Person) -> String;

/// Measures the time of a search's page of users, for several kinds of search text.
async fn search_row(data: &Path, database: &str) -> Result<Row, Box<dyn Error>> {
    let mut config = Config::load(&Sources::default()).map_err(text)?;
    config.data_dir = data.to_owned();
    config.database.url = SecretString::from(database);
    let app = boot(config, Clock::default()).await.map_err(text)?;
    engine::build_indexes(&app).await.map_err(text)?;
    // The database does this by itself soon after an import.
    app.db.execute_unprepared("VACUUM ANALYZE users").await?;
    let kinds: [(&str, Sought); 6] = [
        ("a given name", Person::first_name),
        ("a family name", Person::last_name),
        ("an address", Person::email),
        ("the end of an address", |user| format!("{}@{}", user.0, user.domain())),
        ("a domain", |user| format!("@{}", user.domain())),
        ("a part of every address", |_| ".com".to_owned()),
    ];
    let mut worst = 0.0_f64;
    let mut notes = Vec::new();
    for (what, sought) in kinds {
        let mut times = Vec::with_capacity(SEARCHES);
        for number in 0..SEARCHES {
            let user = Person(number * 7_919 % MANY + 1);
            let search = Some(sought(&user).parse().map_err(text)?);
            let started = Instant::now();
            let found = accounts::list(&app, &Filter { search, ..Filter::default() }, &Page::default()).await;
            times.push(started.elapsed().as_secs_f64() * 1e3);
            if found.map_err(text)?.rows.is_empty() {
                return Err(format!("{what} was not found").into());
            }
        }
        times.sort_by(f64::total_cmp);
        let slow = times[SEARCHES * 99 / 100];
        worst = worst.max(slow);
        notes.push(format!("{what} {slow:.1}"));
    }
    Ok(Row::new(
        format!("a search among {MANY} users, PostgreSQL, p99"),
        worst,
        Unit::Milliseconds,
        Target::Below(20.0),
        format!("the slowest kind; {} ms", notes.join(", ")),
    ))
}

fn text(error: impl std::fmt::Display) -> Box<dyn Error> {
    error.to_string().into()
}
