//! The score of a new password by zxcvbn, within bounded work.
//!
//! zxcvbn looks up every part of a password, once for each combination of letters that its digits and symbols can stand
//! for (`4` or `@` for `a`). The time is therefore the square of the length, times the number of combinations.

/// Number of characters that are looked at, of a password without digits and symbols. A password that is strong up to
/// this length is strong.
const LENGTH: usize = 72;
/// Maximum number of combinations. Digits alone have no more.
const COMBINATIONS: usize = 32;
/// Maximum work: that of this many characters without digits and symbols.
const WORK: usize = 3 * LENGTH * LENGTH;

/// Characters that zxcvbn takes for letters, with their letters.
const SUBSTITUTES: [(char, &[char]); 12] = [
    ('a', &['4', '@']),
    ('b', &['8']),
    ('c', &['(', '{', '[', '<']),
    ('e', &['3']),
    ('g', &['6', '9']),
    ('i', &['1', '!', '|']),
    ('l', &['1', '|', '7']),
    ('o', &['0']),
    ('s', &['$', '5']),
    ('t', &['+', '7']),
    ('x', &['%']),
    ('z', &['2']),
];

/// Returns the score of a password, from 0 to 4. `known` are texts that attackers try first.
pub(super) fn score(password: &str, known: &[&str]) -> u8 {
    zxcvbn::zxcvbn(&bounded(password), known).score().into()
}

/// Returns the part of a password that is scored. If its symbols have too many combinations, each becomes a letter that
/// it stands for.
fn bounded(password: &str) -> String {
    let mut letters: Vec<char> = password.chars().take(LENGTH).collect();
    if combinations(&letters) > COMBINATIONS {
        for letter in letters.iter_mut().filter(|letter| !letter.is_ascii_digit()) {
            if let Some((meant, _)) = SUBSTITUTES.iter().find(|(_, substitutes)| substitutes.contains(letter)) {
                *letter = *meant;
            }
        }
    }
    while work(&letters) > WORK {
        letters.pop();
    }
    letters.into_iter().collect()
}

/// Returns a measure of the time that zxcvbn needs: each combination, and the text forwards and backwards.
fn work(letters: &[char]) -> usize {
    letters.len() * letters.len() * (2 + combinations(letters))
}

/// Returns an upper bound of the number of combinations. A substitute for two letters counts twice for each.
fn combinations(letters: &[char]) -> usize {
    let meanings = |substitute: &char| SUBSTITUTES.iter().filter(|(_, all)| all.contains(substitute)).count();
    let of_letter = |substitutes: &[char]| -> usize {
        substitutes.iter().filter(|substitute| letters.contains(substitute)).map(meanings).sum()
    };
    SUBSTITUTES.iter().map(|(_, substitutes)| of_letter(substitutes).max(1)).product()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// The string by which acsploit slows zxcvbn down.
    fn costly() -> String {
        "4@8({[<3690!|1/0$5+7%2".repeat(4).chars().take(72).collect()
    }

    #[test]
    fn no_password_has_more_than_the_allowed_work() {
        let all: String = SUBSTITUTES.iter().flat_map(|(_, substitutes)| *substitutes).collect();
        let passwords = [costly(), all.repeat(9), "0123456789".repeat(9), "(){}[]<>|!".repeat(9), "4".repeat(256)];
        for password in passwords {
            let judged: Vec<char> = bounded(&password).chars().collect();
            assert!(combinations(&judged) <= COMBINATIONS && work(&judged) <= WORK, "{password}");
            assert!(judged.len() >= 20, "{password}: {}", judged.len());
        }
        assert_eq!(bounded(&"abcdefgh".repeat(9)).len(), LENGTH, "letters are looked at as far as ever");
    }

    /// Times of the same process are compared, the shortest of five each: a busy machine lengthens both.
    #[test]
    fn the_most_costly_password_costs_about_as_much_as_letters() {
        let shortest = |password: &str| -> Duration {
            let once = || {
                let start = Instant::now();
                score(password, &["ada@test.com", "ada"]);
                start.elapsed()
            };
            (0..5).map(|_| once()).min().unwrap()
        };
        let letters: String = ('a'..='z').cycle().step_by(7).take(72).collect();
        let (plain, costly) = (shortest(&letters), shortest(&costly()));
        assert!(costly < plain * 6, "{costly:?} and {plain:?}");
    }

    #[test]
    fn a_word_in_disguise_is_weak_and_a_random_text_with_symbols_is_strong() {
        for weak in ["P@$$w0rd", "p4$$w0rd!", "1!2@3#4$"] {
            assert!(score(weak, &[]) < 3, "{weak}: {}", score(weak, &[]));
        }
        for strong in ["k4@8({[x<3q9!|1/0$5+7%2", "t7%Kd{9q|Lw$3(nZ+5", "four unrelated words here"] {
            assert_eq!(score(strong, &[]), 4, "{strong}");
        }
        assert!(score("ada.lovelace", &["ada.lovelace"]) < 2);
    }
}
