//! The message about a key that does not exist, with the key that was probably meant.

use std::collections::BTreeMap;

use figment::value::Value;
use strsim::normalized_damerau_levenshtein;

use crate::layout::Layout;
use crate::secret_file::FILE;

/// Similarity from which a key is suggested: 1 is the same key.
const SIMILAR: f64 = 0.7;

/// Describes the problem with an unknown key.
pub(crate) fn describe(key: &str, source: &str, layout: &Layout, known: &BTreeMap<String, Value>) -> String {
    if let Some(key) = key.strip_suffix(FILE).filter(|key| known.contains_key(*key)) {
        let secrets = layout.secrets.join(", ");
        return format!("unknown key ({source}): {key} cannot be read from a file, only the secrets can: {secrets}");
    }
    let files: Vec<String> = layout.secrets.iter().map(|key| format!("{key}{FILE}")).collect();
    match nearest(key, known.keys().chain(&files)) {
        Some(meant) if source.starts_with("environment") => {
            let variable = format!("{}{}", layout.prefix, meant.replace('.', "__").to_uppercase());
            format!("unknown key ({source}); did you mean {meant} ({variable})?")
        }
        Some(meant) => format!("unknown key ({source}); did you mean {meant}?"),
        None => format!("unknown key ({source})"),
    }
}

/// Returns the most similar key, or the only one with the same last part.
fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a String> + Clone) -> Option<&'a str> {
    let plain = |key: &str| key.to_lowercase().replace(['.', '_', '-'], "");
    let wanted = plain(key);
    let similarity = |key: &str| normalized_damerau_levenshtein(&wanted, &plain(key));
    let best = known.clone().map(|key| (similarity(key), key)).max_by(|(one, _), (other, _)| one.total_cmp(other));
    if let Some((_, key)) = best.filter(|(similarity, _)| *similarity >= SIMILAR) {
        return Some(key);
    }
    let last = |key: &str| plain(key.rsplit('.').next().unwrap_or(key));
    let mut same = known.filter(|known| last(known) == last(key));
    same.next().filter(|_| same.next().is_none()).map(String::as_str)
}
