//! What mails say: one file of texts for each language, and one layout for text and one for HTML. A file of the same
//! name in the configured folder takes the place of ours, and a new one there adds a language.

use std::collections::BTreeMap;
use std::path::Path;

use minijinja::{Environment, context};
use secrecy::SecretString;
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

/// Which mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// To a person who wants to register.
    ConfirmRegistration,
    /// The same, where the address has an account already.
    AccountExists,
    /// To a user whose address was not shown to be theirs.
    ConfirmAddress,
    /// To the address that a user wants to have.
    ConfirmNewAddress,
    /// The same, where the address has an account already.
    AddressTaken,
    /// To a user who has forgotten the password.
    ResetPassword,
    /// To a person who may register.
    Invitation,
    /// To the address that a user has had.
    AddressChanged,
    /// To a user with a new password.
    PasswordChanged,
    /// To a user who must set another password.
    PasswordTaken,
    /// To a user with a new, changed or removed credential other than the password.
    FactorsChanged,
    /// To a user who was deleted.
    AccountDeleted,
    /// To a user whose account has become part of another one.
    AccountMerged,
}

const ALL: [Template; 13] = [
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
    Template::FactorsChanged,
    Template::AccountDeleted,
    Template::AccountMerged,
];

/// Values for the template.
#[derive(Debug, Default)]
pub struct Content<'a> {
    /// The language; none: the configured one.
    pub locale: Option<&'a Locale>,
    /// Name of the reader; may be empty.
    pub name: &'a str,
    /// Link with a one-time token, and the end of its validity.
    pub link: Option<(SecretString, String)>,
}

/// The texts of one language.
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
}

impl Templates {
    /// Reads everything, and writes each mail, with a name and without, so that a broken template is found now and not
    /// by a user.
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
                    languages.insert(language.to_owned(), texts);
                }
                // The name tells whether what is filled in is escaped.
                None => environment.add_template_owned(name.clone(), text).map_err(|error| broken(&name, error))?,
            }
        }
        let service = match config.mail.service_name.as_str() {
            "" => config.issuer(),
            name => name.to_owned(),
        };
        let templates = Self { environment, languages, default: config.mail.language.clone(), service };
        if !templates.languages.contains_key(&templates.default) {
            return Err(Error::internal(format!("there are no mails in mail.language \"{}\"", templates.default)));
        }
        for language in templates.languages.keys() {
            let locale: Locale = language.parse()?;
            for (template, name) in ALL.into_iter().flat_map(|template| [(template, ""), (template, "Ada")]) {
                let link = Some(("https://example.com/".into(), String::new()));
                let content = Content { locale: Some(&locale), name, link };
                templates.write("nobody@example.com".parse()?, template, &content)?;
            }
        }
        Ok(templates)
    }

    pub(super) fn write(&self, to: Email, template: Template, content: &Content<'_>) -> Result<Mail> {
        let wanted = content.locale.map(Locale::language).filter(|language| self.languages.contains_key(language));
        let language = wanted.unwrap_or_else(|| self.default.clone());
        let missing = || Error::internal(format!("{language}.toml has no mail {}", serde_json::json!(template)));
        let texts = self.languages.get(&language).ok_or_else(missing)?;
        let letter = texts.letters.get(&template).ok_or_else(missing)?;
        let (link, valid_until) = match &content.link {
            Some((link, until)) => (secrecy::ExposeSecret::expose_secret(link), until.as_str()),
            None => ("", ""),
        };
        let fill = |text: &str| {
            let values = context! { name => content.name, service => &self.service, email => to.as_str(), valid_until };
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
    Error::internal(format!("the mail template {name} can not be used: {error}"))
}
