//! The name and the picture under which a user is shown to others. auth-graph and the services with a mirror compute
//! them from the same data, so that both show the same.

use serde_json::Value;
use url::Url;

/// Key of the metadata that contains the address of the picture. OpenID Connect has a claim of the same name.
pub const PICTURE: &str = "picture";

/// Maximum length of the address of a picture.
const LONGEST: usize = 2048;

/// Returns the name under which a user is shown: the given name and the family name. Systems that know no names often
/// have the e-mail address in their place, so a part with an at sign is left out. Returns `None` if nothing remains:
/// there is no other source, because an address or a user name is what the user signs in with.
#[must_use]
pub fn display_name(first_name: &str, last_name: &str) -> Option<String> {
    let parts = [first_name.trim(), last_name.trim()];
    let shown: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty() && !has_at_sign(part)).collect();
    (!shown.is_empty()).then(|| shown.join(" "))
}

/// Returns the address of the picture in a user's metadata, or `None` if there is none that a page may load.
#[must_use]
pub fn picture_url(metadata: &Value) -> Option<String> {
    parse_picture_url(metadata.get(PICTURE)?.as_str()?)
}

/// Returns the address of a picture in the spelling of the URL Standard: `https://`, without user and password, at most
/// 2048 characters. Returns `None` for any other text.
#[must_use]
pub fn parse_picture_url(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let is_plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
    (is_plain && url.as_str().len() <= LONGEST).then(|| url.into())
}

fn has_at_sign(text: &str) -> bool {
    text.contains(['@', '\u{fe6b}', '\u{ff20}'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_display_name_is_the_names_and_never_an_address() {
        let names = [
            ("Ada", "Lovelace", Some("Ada Lovelace")),
            (" Ada ", "", Some("Ada")),
            ("", "Lovelace", Some("Lovelace")),
            ("ada@example.com", "Lovelace", Some("Lovelace")),
            ("ada@example.com", "", None),
            ("ada\u{ff20}example.com", "", None),
            ("", " ", None),
        ];
        for (first, last, shown) in names {
            assert_eq!(display_name(first, last).as_deref(), shown, "{first} {last}");
        }
    }

    #[test]
    fn a_picture_is_an_address_that_a_page_may_load() {
        let of = |picture: Value| picture_url(&json!({ "picture": picture }));
        assert_eq!(of(json!("https://example.com/a b.png")).as_deref(), Some("https://example.com/a%20b.png"));
        assert_eq!(of(json!("HTTPS://EXAMPLE.com\\a\".png")).as_deref(), Some("https://example.com/a%22.png"));
        let long = format!("https://example.com/{}", "a".repeat(LONGEST));
        let refused = ["http://example.com/a.png", "javascript:alert(1)", "data:image/png;base64,AA", "/a.png", &long];
        for text in refused.into_iter().chain(["https://ada:secret@example.com/a.png", ""]) {
            assert_eq!(of(json!(text)), None, "{text}");
        }
        assert_eq!(of(json!(7)), None);
        assert_eq!(picture_url(&json!({})), None);
        assert_eq!(picture_url(&Value::Null), None);
    }
}
