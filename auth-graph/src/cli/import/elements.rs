//! Splits a JSON document into the elements of its list: an array, the member `users` of an object, or values that
//! follow each other. The document is never in memory as a whole.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use super::prefix::FilePosition;

/// Maximum length of an element, and of a line. A longer one is rejected.
pub(super) const LONGEST: usize = 1024 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The way in which a file holds its rows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layout {
    /// Each line is a row.
    Lines(FilePosition),
    /// Each element of a list is a row. The first one is at this position.
    List(FilePosition),
    /// Values follow each other, and each one may have several lines.
    Values(FilePosition),
}

impl Layout {
    /// Looks at the beginning of a file.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut file = BufReader::new(File::open(path)?);
        let offset = if file.fill_buf()?.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() as u64 } else { 0 };
        let start = FilePosition { offset, line: 0 };
        let mut scanner = Scanner::at(file, start)?;
        match scanner.skip_blanks()? {
            Some(b'[') => {
                scanner.advance()?;
                Ok(Self::List(scanner.place))
            }
            Some(b'{') => scanner.layout_of_object(start),
            _ => Ok(Self::Lines(start)),
        }
    }

    pub(super) fn start(self) -> FilePosition {
        match self {
            Self::Lines(start) | Self::List(start) | Self::Values(start) => start,
        }
    }
}

/// Reads a file byte by byte, and knows the line.
pub(super) struct Scanner {
    file: BufReader<File>,
    /// The position, with the number of line ends before it.
    pub(super) place: FilePosition,
}

impl Scanner {
    pub(super) fn at(mut file: BufReader<File>, place: FilePosition) -> io::Result<Self> {
        file.seek(SeekFrom::Start(place.offset))?;
        Ok(Self { file, place })
    }

    /// Returns the line and the bytes of the next element; `None` for the bytes if it is too long. Returns `None` at
    /// the end of the list or of the file.
    pub(super) fn next_element(&mut self, layout: Layout) -> io::Result<Option<(u64, Option<Vec<u8>>)>> {
        while self.skip_blanks()? == Some(b',') {
            self.advance()?;
        }
        match (self.peek()?, layout) {
            (Some(b']'), Layout::List(_)) => Ok(None),
            (None, Layout::List(_)) => {
                let what = "the file ends before its list of users does: it was cut off, or it is not JSON";
                Err(io::Error::new(io::ErrorKind::InvalidData, what))
            }
            (None, _) => Ok(None),
            (Some(_), _) => {
                let (line, mut bytes) = (self.place.line + 1, Vec::new());
                let is_whole = self.skip_value(Some(&mut bytes))?;
                Ok(Some((line, is_whole.then_some(bytes))))
            }
        }
    }

    /// Finds the list of users in an object.
    fn layout_of_object(&mut self, start: FilePosition) -> io::Result<Layout> {
        let first = self.place;
        self.advance()?;
        loop {
            match self.skip_blanks()? {
                Some(b',') => drop(self.advance()?),
                Some(b'"') => {
                    let mut name = Vec::new();
                    self.skip_value(Some(&mut name))?;
                    if self.skip_blanks()? != Some(b':') {
                        return Ok(Layout::Lines(start));
                    }
                    self.advance()?;
                    let is_list = self.skip_blanks()? == Some(b'[');
                    if is_list && name.eq_ignore_ascii_case(b"\"users\"") {
                        self.advance()?;
                        return Ok(Layout::List(self.place));
                    }
                    self.skip_value(None)?;
                }
                Some(b'}') if self.place.line > first.line => return Ok(Layout::Values(start)),
                _ => return Ok(Layout::Lines(start)),
            }
        }
    }

    /// Skips a value, and keeps its bytes. Returns false if it is too long to keep.
    fn skip_value(&mut self, mut kept: Option<&mut Vec<u8>>) -> io::Result<bool> {
        let (mut depth, mut is_text, mut is_escaped, mut length) = (0_u32, false, false, 0);
        while let Some(byte) = self.peek()? {
            let is_outside = depth == 0 && !is_text;
            if is_outside && length > 0 && matches!(byte, b',' | b']' | b'}' | b':' | b' ' | b'\n' | b'\r' | b'\t') {
                break;
            }
            self.advance()?;
            length += 1;
            if let Some(kept) = kept.as_deref_mut().filter(|_| length <= LONGEST) {
                kept.push(byte);
            }
            let was_text = is_text;
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_text => is_escaped = true,
                b'"' => is_text = !is_text,
                b'{' | b'[' if !is_text => depth += 1,
                b'}' | b']' if !is_text => depth = depth.saturating_sub(1),
                _ => {}
            }
            let has_closed = matches!(byte, b'}' | b']') || (byte == b'"' && was_text);
            if depth == 0 && !is_text && has_closed {
                break;
            }
        }
        Ok(length <= LONGEST)
    }

    fn skip_blanks(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\n' | b'\r' | b'\t') => drop(self.advance()?),
                other => return Ok(other),
            }
        }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.file.fill_buf()?.first().copied())
    }

    fn advance(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.file.consume(1);
            self.place.offset += 1;
            self.place.line += u64::from(byte == b'\n');
        }
        Ok(byte)
    }
}
