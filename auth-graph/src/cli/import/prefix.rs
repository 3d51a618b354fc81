//! What was read of a file so far. A run that goes on makes sure that it is still there: another file under the same
//! name is read from its beginning.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// A file as far as it was read.
pub(super) struct Prefix {
    file: File,
    length: u64,
    digest: Context,
}

/// The position at which a former run has stopped.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FilePosition {
    pub(super) offset: u64,
    pub(super) line: u64,
}

impl Prefix {
    /// The place at which a former run has stopped, if the file begins with what that run has read, and its beginning
    /// otherwise.
    pub(super) fn open(path: &Path, position: &str) -> io::Result<(Self, FilePosition)> {
        if let Some((place, expected)) = parse(position) {
            let mut prefix = Self::new(path)?;
            prefix.extend(place.offset)?;
            if prefix.length == place.offset && prefix.digest_so_far() == expected {
                return Ok((prefix, place));
            }
        }
        Ok((Self::new(path)?, FilePosition::default()))
    }

    /// A place, and what was read before it.
    pub(super) fn position(&mut self, place: FilePosition) -> io::Result<String> {
        self.extend(place.offset)?;
        Ok(format!("{}:{}:{}", place.offset, place.line, self.digest_so_far()))
    }

    fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, length: 0, digest: Context::new(&SHA256) })
    }

    fn extend(&mut self, offset: u64) -> io::Result<()> {
        let mut chunk = vec![0; 64 * 1024];
        let mut rest = (&mut self.file).take(offset.saturating_sub(self.length));
        loop {
            let read = rest.read(&mut chunk)?;
            if read == 0 {
                return Ok(());
            }
            self.digest.update(&chunk[..read]);
            self.length += read as u64;
        }
    }

    fn digest_so_far(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.digest.clone().finish())
    }
}

fn parse(position: &str) -> Option<(FilePosition, &str)> {
    let mut parts = position.split(':');
    let (offset, line) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((FilePosition { offset, line }, parts.next()?))
}
