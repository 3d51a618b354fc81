//! The tokens of a source file: names and signs, without comments and literals.

pub(super) fn is_name(word: &str) -> bool {
    word.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

/// Returns the index of the brace that closes the one at `from`.
pub(super) fn end_of_block(words: &[String], from: usize) -> usize {
    let mut depth = 0;
    for (at, word) in words.iter().enumerate().skip(from) {
        match word.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    words.len()
}

/// Returns the names and signs of a source, without comments, texts and lifetimes.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = match letter {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => length_of_text(rest),
            'r' if rest[1..].trim_start_matches('#').starts_with('"') => {
                let hashes = rest[1..].find('"').unwrap();
                let end = format!("\"{}", "#".repeat(hashes));
                hashes + 2 + rest[hashes + 2..].find(&end).unwrap() + end.len()
            }
            // A character literal, or a lifetime.
            '\'' => match rest[1..].char_indices().nth(1) {
                Some((_, _)) if rest[1..].starts_with('\\') => 3 + rest[3..].find('\'').unwrap(),
                Some((end, '\'')) => end + 2,
                _ => 1 + rest[1..].find(|letter: char| !is_part(letter)).unwrap_or(rest.len() - 1),
            },
            ':' if rest.starts_with("::") => {
                words.push("::".to_owned());
                2
            }
            _ if is_part(letter) => {
                let end = rest.find(|letter: char| !is_part(letter)).unwrap_or(rest.len());
                words.push(rest[..end].to_owned());
                end
            }
            _ if letter.is_whitespace() => letter.len_utf8(),
            _ => {
                words.push(letter.to_string());
                letter.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    words
}

pub(super) fn is_part(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

pub(super) fn length_of_text(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
