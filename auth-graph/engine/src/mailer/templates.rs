//! Templates of mails: one file of texts for each language, a layout for plain text and one for HTML. A file of the
//! same name in the configured folder replaces the built-in one, and a new file adds a language.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::TimeDelta;
use minijinja::{Environment, context};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::message::Mail;
use model::config::Config;
use model::error::{Error, Result};
use model::values::{Email, Locale};

const LANGUAGES: [(&str, &str); 3] = [
    ("en", include_str!("../../mail/en.toml")),
    ("de", include_str!("../../mail/de.toml")),
    ("fr", include_str!("../../mail/fr.toml")),
];
const LAYOUT_TEXT: &str = include_str!("../../mail/layout.txt");
const LAYOUT_HTML: &str = include_str!("../../mail/layout.html");

/// The templates of mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// Asks a person who wants to register to confirm their address.
    ConfirmRegistration,
    /// The same, where the address has an account already.
    AccountExists,
    /// Asks a user to confirm their unverified address.
    ConfirmAddress,
    /// Asks a user to confirm the new address that they requested.
    ConfirmNewAddress,
    /// The same, where the address has an account already.
    AddressTaken,
    /// Lets a user reset a forgotten password.
    ResetPassword,
    /// Invites a person to register.
    Invitation,
    /// Notifies the former address of a user that the address was changed.
    AddressChanged,
    /// Notifies a user that their password was changed.
    PasswordChanged,
    /// Asks a user whose password was removed to set another one.
    PasswordTaken,
    /// Notifies a user of many wrong passwords in a row.
    PasswordGuessed,
    /// Notifies a user that a credential other than the password was added, changed or removed.
    FactorsChanged,
    /// Notifies a user that their account was deleted.
    AccountDeleted,
    /// Notifies a user that their account was merged into another one.
    AccountMerged,
}

const ALL: [Template; 14] = [
    Template::ConfirmRegistration,
    Template::AccountExists,
    Template::ConfirmAddress,
    Template::ConfirmNewAddress,
    Template::AddressTaken,
    Template::ResetPassword,
    Template::Invitation,
    Template::AddressChanged,
    Template::PasswordChanged,
    Template::PasswordTaken,
    Template::PasswordGuessed,
    Template::FactorsChanged,
    Template::AccountDeleted,
    Template::AccountMerged,
];

/// Values that a template is rendered with.
#[derive(Debug, Default)]
pub struct Content<'a> {
    /// Language; `None` for the configured one.
    pub locale: Option<&'a Locale>,
    /// Name of the recipient; may be empty.
    pub name: &'a str,
    /// Link with a one-time token.
    pub link: Option<Link>,
}

/// A link with a one-time token.
#[derive(Debug)]
pub struct Link {
    /// Address, with the token.
    pub address: SecretString,
    /// End of its validity, as readers see it.
    pub valid_until: String,
    /// Time for which it is valid.
    pub lifetime: TimeDelta,
}

/// Texts of one language.
#[derive(Debug, Deserialize)]
struct Texts {
    greeting: String,
    until: String,
    #[serde(flatten)]
    letters: BTreeMap<Template, Letter>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Letter {
    subject: String,
    paragraphs: Vec<String>,
    #[serde(default)]
    button: String,
}

#[derive(Debug)]
pub(super) struct Templates {
    environment: Environment<'static>,
    languages: BTreeMap<String, Texts>,
    default: String,
    service: String,
    sign_in_url: String,
    reset_url: String,
}

impl Templates {
    /// Loads all templates, and renders each mail with and without a name. An invalid template is then found at the
    /// start, not when a user needs the mail.
    pub(super) fn load(config: &Config) -> Result<Self> {
        let mut files: BTreeMap<String, String> =
            LANGUAGES.iter().map(|(language, text)| (format!("{language}.toml"), (*text).to_owned())).collect();
        files.insert("layout.txt".to_owned(), LAYOUT_TEXT.to_owned());
        files.insert("layout.html".to_owned(), LAYOUT_HTML.to_owned());
        if !config.mail.templates.as_os_str().is_empty() {
            files.extend(read_folder(&config.mail.templates)?);
        }
        let mut environment = Environment::new();
        let mut languages = BTreeMap::new();
        for (name, text) in files {
            match name.strip_suffix(".toml") {
                Some(language) => {
                    let texts = toml::from_str(&text).map_err(|error| broken(&name, error))?;
                    languages.insert(language.parse::<Locale>()?.to_string(), texts);
                }
                // The extension of the name decides whether values are escaped.
                None => environment.add_template_owned(name.clone(), text).map_err(|error| broken(&name, error))?,
            }
        }
        let templates = Self {
            environment,
            languages,
            default: config.mail.language.parse::<Locale>()?.to_string(),
            service: config.service_name(),
            sign_in_url: config.accounts.sign_in_url.clone(),
            reset_url: config.request_reset_url(),
        };
        if !templates.languages.contains_key(&templates.default) {
            return Err(Error::internal(format!(
                "there are no mail templates for mail.language \"{}\"",
                templates.default
            )));
        }
        for language in templates.languages.keys() {
            let locale: Locale = language.parse()?;
            for (template, name) in ALL.into_iter().flat_map(|template| [(template, ""), (template, "Ada")]) {
                for lifetime in [TimeDelta::minutes(5), TimeDelta::hours(1), TimeDelta::days(7)] {
                    let address = "https://example.com/".into();
                    let link = Some(Link { address, valid_until: String::new(), lifetime });
                    let content = Content { locale: Some(&locale), name, link };
                    templates.write("nobody@example.com".parse()?, template, &content)?;
                }
            }
        }
        Ok(templates)
    }

    pub(super) fn write(&self, to: Email, template: Template, content: &Content<'_>) -> Result<Mail> {
        let wanted = content.locale.into_iter().flat_map(|locale| [locale.to_string(), locale.language()]);
        let wanted = wanted.into_iter().find(|language| self.languages.contains_key(language));
        let language = wanted.unwrap_or_else(|| self.default.clone());
        let missing =
            || Error::internal(format!("{language}.toml has no texts for the mail {}", serde_json::json!(template)));
        let texts = self.languages.get(&language).ok_or_else(missing)?;
        let letter = texts.letters.get(&template).ok_or_else(missing)?;
        let (link, valid_until, lifetime) = match &content.link {
            Some(link) => (link.address.expose_secret(), link.valid_until.as_str(), link.lifetime),
            None => ("", "", TimeDelta::zero()),
        };
        let (valid_number, valid_unit) = rounded(lifetime);
        let fill = |text: &str| {
            let values = context! {
                name => content.name,
                service => &self.service,
                sign_in_url => &self.sign_in_url,
                reset_url => &self.reset_url,
                email => to.as_str(),
                valid_until,
                valid_number,
                valid_unit,
            };
            self.environment.render_str(text, values).map_err(|error| broken(&language, error))
        };
        let subject = fill(&letter.subject)?.replace(char::is_control, " ");
        let paragraphs = letter.paragraphs.iter().map(|text| fill(text)).collect::<Result<Vec<_>>>()?;
        let values = context! {
            language => &language, subject => &subject, paragraphs, link,
            greeting => fill(&texts.greeting)?,
            until => fill(&texts.until)?,
            button => &letter.button,
            service => &self.service,
        };
        let render = |layout: &str| {
            let rendered = self.environment.get_template(layout).and_then(|layout| layout.render(&values));
            rendered.map(SecretString::from).map_err(|error| broken(layout, error))
        };
        Ok(Mail { text: render("layout.txt")?, html: render("layout.html")?, to, subject })
    }
}

/// Returns a time in the largest unit that it is a whole number of: `day`, `hour` or `minute`.
fn rounded(time: TimeDelta) -> (i64, &'static str) {
    let minutes = time.num_minutes();
    match minutes {
        _ if minutes % (24 * 60) == 0 => (time.num_days(), "day"),
        _ if minutes % 60 == 0 => (time.num_hours(), "hour"),
        _ => (minutes, "minute"),
    }
}

fn read_folder(folder: &Path) -> Result<Vec<(String, String)>> {
    let failed = |error| broken(&folder.display().to_string(), error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".toml") || name == "layout.txt" || name == "layout.html" {
            found.push((name, std::fs::read_to_string(entry.path()).map_err(failed)?));
        }
    }
    Ok(found)
}

fn broken(name: &str, error: impl std::fmt::Display) -> Error {
    Error::internal(format!("the mail template {name} is invalid: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VARIABLES: [&str; 7] =
        ["name", "service", "email", "sign_in_url", "reset_url", "valid_until", "valid_number"];

    /// Returns the variables of a text that is rendered.
    fn variables(text: &str) -> Vec<&'static str> {
        VARIABLES.into_iter().filter(|name| text.contains(&format!("{{{{ {name} }}}}"))).collect()
    }

    #[test]
    fn every_language_says_the_same() {
        let texts = |text: &str| toml::from_str::<Texts>(text).unwrap();
        let english = texts(LANGUAGES[0].1);
        assert_eq!(english.letters.len(), ALL.len());
        for (language, text) in LANGUAGES {
            let other = texts(text);
            assert_eq!(variables(&other.greeting), variables(&english.greeting), "{language}");
            assert_eq!(variables(&other.until), variables(&english.until), "{language}");
            for (template, letter) in &english.letters {
                let translated = &other.letters[template];
                let of = |letter: &Letter| -> Vec<_> { letter.paragraphs.iter().map(|text| variables(text)).collect() };
                assert_eq!(of(translated), of(letter), "{language} {template:?}");
                assert_eq!(translated.button.is_empty(), letter.button.is_empty(), "{language} {template:?}");
            }
        }
    }

    #[test]
    fn a_lifetime_is_said_in_the_largest_unit() {
        for (minutes, number, unit) in [(5, 5, "minute"), (60, 1, "hour"), (90, 90, "minute"), (1440, 1, "day")] {
            assert_eq!(rounded(TimeDelta::minutes(minutes)), (number, unit));
        }
    }
}
