//! The command `export`.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::failure::Failure;
use engine::app::App;
use engine::transfer;
use model::error::Error;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// File to write, which must not exist yet. Default: standard output.
    file: Option<PathBuf>,
    /// Include or omit password hashes. Passwords can be guessed offline from their hashes.
    #[arg(long, value_enum, default_value_t = Hashes::Omit)]
    hashes: Hashes,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Hashes {
    Omit,
    Include,
}

pub(super) async fn run(app: &App, options: Options) -> Result<(), Failure> {
    let hashes = match options.hashes {
        Hashes::Omit => transfer::Hashes::Omit,
        Hashes::Include => transfer::Hashes::Include,
    };
    let mut output: Box<dyn Write> = match &options.file {
        Some(path) => {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            Box::new(BufWriter::new(file.map_err(|error| Failure::at(path, &error))?))
        }
        None => Box::new(io::stdout().lock()),
    };
    let (mut after, mut count) = (None, 0);
    loop {
        let page = transfer::export(app, after, hashes).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        count += page.len();
        for (_, record) in page {
            serde_json::to_writer(&mut output, &record).map_err(Error::internal)?;
            output.write_all(b"\n")?;
        }
    }
    output.flush()?;
    eprintln!("{count} users exported");
    Ok(())
}
