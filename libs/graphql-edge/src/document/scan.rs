//! Scans the text of a document before it is parsed. The parser recurses at every open bracket until its stack is
//! nearly used up, which takes milliseconds. The scan takes microseconds, and its limits do not depend on the stack. It
//! is not a lexer: it stops without an error at the first character that cannot begin a token, because the parser also
//! stops there.

/// Properties of a document that are found without parsing it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Number of names, numbers, strings and punctuators.
    pub(super) tokens: usize,
    /// Maximum number of brackets that are open at the same time.
    pub(super) nesting: usize,
    /// True if the document contains a string literal.
    pub(super) strings: bool,
}

pub(super) fn scan(text: &str) -> Shape {
    let text = text.as_bytes();
    let mut shape = Shape::default();
    let (mut at, mut open) = (0, 0_usize);
    while let Some(&byte) = text.get(at) {
        let end = match byte {
            b' ' | b',' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            // The byte order mark is white space.
            0xEF if text[at..].starts_with(b"\xEF\xBB\xBF") => {
                at += 3;
                continue;
            }
            b'#' => {
                at = skip(text, at, |byte| byte != b'\n' && byte != b'\r');
                continue;
            }
            b'{' | b'[' | b'(' => {
                open += 1;
                shape.nesting = shape.nesting.max(open);
                at + 1
            }
            b'}' | b']' | b')' => {
                open = open.saturating_sub(1);
                at + 1
            }
            b'"' => match string_end(text, at) {
                Some(end) => {
                    shape.strings = true;
                    end
                }
                None => return shape,
            },
            b'.' => skip(text, at, |byte| byte == b'.'),
            b'!' | b'$' | b'&' | b':' | b'=' | b'@' | b'|' => at + 1,
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => skip(text, at, |byte| byte == b'_' || byte.is_ascii_alphanumeric()),
            b'-' | b'0'..=b'9' => {
                skip(text, at, |byte| matches!(byte, b'-' | b'+' | b'.') || byte.is_ascii_alphanumeric())
            }
            _ => return shape,
        };
        shape.tokens += 1;
        at = end;
    }
    shape
}

pub(super) fn skip(text: &[u8], from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    text[from..].iter().position(|&byte| !belongs(byte)).map_or(text.len(), |length| from + length)
}

/// Returns the end of the string that begins at `from`. Like the parser, it reads three quotes that are never closed as
/// an empty string followed by the beginning of another one. Otherwise brackets could hide after them.
pub(super) fn string_end(text: &[u8], from: usize) -> Option<usize> {
    if text[from..].starts_with(b"\"\"\"")
        && let Some(end) = block_string_end(text, from + 3)
    {
        return Some(end);
    }
    let mut at = from + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            b'\n' | b'\r' => return None,
            _ => at += 1,
        }
    }
}

fn block_string_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let rest = text.get(at..)?;
        if rest.starts_with(b"\"\"\"") {
            return Some(at + 3);
        }
        at += if rest.starts_with(b"\\\"\"\"") { 4 } else { 1 };
    }
}
