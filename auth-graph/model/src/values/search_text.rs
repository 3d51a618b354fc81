//! Search texts of lists, and the form in which texts are searched.

use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

use crate::error::Error;

/// Returns a text in the form in which it is searched: in lower case, without accents, in one encoding.
///
/// The database compares these forms only. It cannot compute them, because `lower` of SQLite, and of PostgreSQL in the
/// locale C, changes ASCII letters only.
#[must_use]
pub fn folded(text: &str) -> String {
    let plain = text.nfkd().filter(|letter| !is_ignored(*letter)).map(with_ascii_apostrophe);
    // The capital sharp s has a small letter, and only that one has the capital letters SS.
    let small = plain.flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    small.filter(|letter| !is_ignored(*letter)).nfc().collect()
}

/// Returns true for accents of Latin, Greek and Cyrillic letters, and for characters that nobody sees.
fn is_ignored(letter: char) -> bool {
    matches!(letter,
        '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn with_ascii_apostrophe(letter: char) -> char {
    if matches!(letter, '\u{2018}' | '\u{2019}' | '\u{2bc}') { '\'' } else { letter }
}

/// Search text of at most 100 characters without control characters, split into words. PostgreSQL does not accept NUL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchText(Vec<String>);

impl SearchText {
    /// Returns the words, folded. A text that consists of blanks has none.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// Returns the part of a word that the fewest users have, as far as the words show it: the longest one, if it is
    /// not a domain, which many users share.
    #[must_use]
    pub fn rarest(&self) -> Option<&str> {
        let parts = self.0.iter().map(|word| rarest(word));
        parts.max_by_key(|part| (!part.starts_with('@'), part.chars().count()))
    }
}

/// Returns the part of a word that the fewest users have. Many addresses have the same end, so it is the part before
/// the @ of an address, and the part before the last dot of a domain.
fn rarest(text: &str) -> &str {
    let Some(at) = text.find('@') else { return text };
    let end = match text.rfind('.') {
        _ if is_word(&text[..at]) => at,
        Some(dot) if dot > at && is_word(&text[at + 1..dot]) => dot,
        _ => return text,
    };
    &text[..=end]
}

/// Returns true for a text that ends with three letters or digits. An index of trigrams does not help with fewer.
fn is_word(text: &str) -> bool {
    text.chars().rev().take_while(|character| character.is_alphanumeric()).count() >= 3
}

impl FromStr for SearchText {
    type Err = Error;

    /// # Errors
    /// [`Error::ValidationFailed`] when the text is too long or contains a control character.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.chars().count() > 100 || text.trim().contains(char::is_control) {
            return Err(Error::invalid("search", "must have at most 100 characters, and none that is invisible"));
        }
        let folded = folded(text);
        let mut words: Vec<String> = Vec::new();
        for word in folded.split_whitespace() {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        Ok(Self(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_part_tells_as_much_as_can_be_told() {
        for (text, part) in [
            ("lovelace", "lovelace"),
            ("ada@example.com", "ada@"),
            ("ada@", "ada@"),
            ("@example.com", "@example."),
            ("a@example.com", "a@example."),
            ("a.b@mail.example.com", "a.b@mail.example."),
            ("@x.com", "@x.com"),
            ("@example", "@example"),
            ("lovelace ada@example", "lovelace"),
            ("ann @mail.example.com", "ann"),
            ("van der berg", "berg"),
            ("e@umlaut.de", "e@umlaut."),
        ] {
            assert_eq!(text.parse::<SearchText>().unwrap().rarest(), Some(part), "{text}");
        }
        assert_eq!("  ".parse::<SearchText>().unwrap().rarest(), None);
    }

    #[test]
    fn spellings_of_one_word_are_folded_to_one_form() {
        for spellings in [
            &["Özge", "özge", "ÖZGE", "O\u{308}zge", "ozge"][..],
            &["İpek", "ipek", "IPEK", "İPEK", "ıpek", "i\u{307}pek"],
            &["Ωμέγα", "ωμέγα", "ΩΜΈΓΑ", "ΩΜΕΓΑ"],
            &["Οδυσσεύς", "οδυσσεύσ", "ΟΔΥΣΣΕΎΣ"],
            &["ᾠδή", "ᾨΔΉ", "ΩΔΗ"],
            &["Иван", "иван", "ИВАН"],
            &["Йозеф", "йозеф", "И\u{306}озеф"],
            &["Фёдор", "федор", "ФЕДОР"],
            &["Weiß", "weiß", "WEISS", "WEIẞ", "weiss"],
            &["ﬁnn", "Finn", "FINN", "Ｆｉｎｎ"],
            &["O’Brien", "o'brien", "O‘BRIEN"],
            &["Նարեկ", "ՆԱՐԵԿ"],
            &["ガリ", "ｶﾞﾘ", "カ\u{3099}リ"],
            &["김", "\u{1100}\u{1175}\u{11b7}"],
            &["نیک\u{200c}نام", "نیکنام"],
        ] {
            let forms: Vec<_> = spellings.iter().map(|spelling| folded(spelling)).collect();
            assert!(forms.iter().all(|form| *form == forms[0]), "{spellings:?} {forms:?}");
            assert_eq!(folded(&forms[0]), forms[0], "folding twice changes nothing");
        }
        for (one, other) in [("カ", "ガ"), ("Иван", "Ivan"), ("Berg", "Burg")] {
            assert_ne!(folded(one), folded(other));
        }
    }

    #[test]
    fn a_search_has_words() {
        let text: SearchText = " Berg\u{a0}van  der BERG ".parse().unwrap();
        assert_eq!(text.words(), ["berg", "van", "der"]);
        assert!("a\u{0}b".parse::<SearchText>().is_err() && "a".repeat(101).parse::<SearchText>().is_err());
    }
}
