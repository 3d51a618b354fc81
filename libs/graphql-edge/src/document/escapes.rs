//! Writes the characters of the escapes that the parser does not know: `\u{1F600}` and pairs of surrogates, which the
//! specification of September 2025 allows in strings and which other languages write for characters such as emoji.
//! What is not valid is left as it is, so that the parser rejects it.

use std::borrow::Cow;

use super::scan::{skip, string_end};

/// Returns the document without these escapes. The positions of everything after a changed string stay as they were.
pub(crate) fn written_out(text: &str) -> Cow<'_, str> {
    if !text.contains("\\u") {
        return text.into();
    }
    let bytes = text.as_bytes();
    let mut written = String::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            b'#' => skip(bytes, at, |byte| byte != b'\n' && byte != b'\r'),
            b'"' => {
                let Some(end) = string_end(bytes, at) else { break };
                let is_block = end - at >= 6 && text[at..].starts_with("\"\"\"");
                if !is_block {
                    written.push_str(&text[copied..at]);
                    let literal = without_escapes(&text[at..end]);
                    // A control character is written in a longer form than `\\u{A}`.
                    let lost = text[at..end].chars().count().saturating_sub(literal.chars().count());
                    written.push_str(&literal);
                    written.extend(std::iter::repeat_n(' ', lost));
                    copied = end;
                }
                end
            }
            _ => at + 1,
        };
    }
    written.push_str(&text[copied..]);
    written.into()
}

/// Returns a string literal without these escapes.
fn without_escapes(literal: &str) -> String {
    let mut written = String::with_capacity(literal.len());
    let mut rest = literal;
    while let Some(start) = rest.find('\\') {
        written.push_str(&rest[..start]);
        rest = &rest[start..];
        // The other escapes have one character after the backslash.
        let length = 1 + rest.chars().nth(1).map_or(0, char::len_utf8);
        rest = match escaped(rest) {
            Some((character, after)) => {
                match u32::from(character) {
                    // Such a character may end the string, or begin an escape.
                    code @ 0..=0x7f => written.push_str(&format!("\\u{code:04X}")),
                    _ => written.push(character),
                }
                after
            }
            None => {
                written.push_str(&rest[..length]);
                &rest[length..]
            }
        };
    }
    written + rest
}

/// Returns the character of an escape that the parser does not know, and the text after it.
fn escaped(text: &str) -> Option<(char, &str)> {
    let after = text.strip_prefix("\\u")?;
    if let Some(braced) = after.strip_prefix('{') {
        let (digits, rest) = braced.split_once('}')?;
        return Some((char::from_u32(hexadecimal(digits)?)?, rest));
    }
    let unit = |text: &str| hexadecimal(text.get(..4)?);
    let high = unit(after).filter(|unit| (0xd800..0xdc00).contains(unit))?;
    let second = after[4..].strip_prefix("\\u")?;
    let low = unit(second).filter(|unit| (0xdc00..0xe000).contains(unit))?;
    Some((char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?, &second[4..]))
}

fn hexadecimal(digits: &str) -> Option<u32> {
    let valid = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    valid.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_an_escape_is_written_out_and_the_rest_is_kept() {
        for (given, expected) in [
            (r#""\u{1F600}" x"#, "\"😀\"         x".to_owned()),
            (r#""\ud83d\uDE00""#, "\"😀\"           ".to_owned()),
            (r#""\u{e9}\u{000e9}""#, format!("\"éé\"{}", " ".repeat(13))),
            (r#""\u{22}\u{5c}""#, format!(r#""\u0022\u005C"{}"#, " ".repeat(0))),
            (r#""\u00e9 \\u{41} \\\u{e9}""#, format!(r#""\u00e9 \\u{{41}} \\é"{}"#, " ".repeat(5))),
        ] {
            let written = written_out(given);
            assert_eq!(written.trim_end(), expected.trim_end(), "{given}");
        }
        for unchanged in [
            r#""\u{110000}""#,
            r#""\u{D800}""#,
            r#""\u{}""#,
            r#""\u{+41}""#,
            r#""\u{41""#,
            r#""\ud83d""#,
            r#""\ud83dx""#,
            r#""\ude00\ud83d""#,
            r#""\ud83d\u0041""#,
            r#""""\u{1F600}""""#,
            r#"# "\u{1F600}""#,
            r#""\u{1F600}"#,
            "\"\\u\u{e9}\u{e9}\u{e9}\"",
            r#""\"#,
        ] {
            assert_eq!(written_out(unchanged), unchanged);
        }
    }
}
