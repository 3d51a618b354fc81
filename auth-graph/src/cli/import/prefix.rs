//! The part of a file that was read so far. A run that continues checks that the file still begins with it. Another
//! file with the same name is read from its beginning.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// The part of a file that was read.
pub(super) struct Prefix {
    file: File,
    length: u64,
    digest: Context,
}

/// A position between two rows of a file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FilePosition {
    pub(super) offset: u64,
    pub(super) line: u64,
}

impl Prefix {
    /// Opens a file and returns the position at which the earlier run stopped. It is the beginning if the file does not
    /// begin with the part that the run has read.
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

    /// Returns a position as text, with a digest of the part before it.
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
