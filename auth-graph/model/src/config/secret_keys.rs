//! The keys of secrets.

/// Keys of secrets, and of URLs that can contain one. `config print` hides them, and each can be read from a file.
pub(super) const SECRETS: &[&str] =
    &["secret", "previous_secrets", "database.url", "mail.smtp_url", "claims.hook.secrets"];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_secret_field_is_in_the_list() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let folder = fs::read_dir(source.join("config")).unwrap().map(|entry| entry.unwrap().path());
        let files = folder.filter(|path| path.is_file()).chain([source.join("config.rs")]);
        let mut count = 0;
        for path in files {
            for line in fs::read_to_string(path).unwrap().lines() {
                let field = line.trim().strip_prefix("pub ").and_then(|field| field.split_once(": "));
                let Some((name, _)) = field.filter(|(_, of_type)| of_type.contains("SecretString")) else { continue };
                let is_listed = SECRETS.iter().any(|key| key.rsplit('.').next() == Some(name));
                assert!(is_listed, "{name}: add its key to SECRETS");
                count += 1;
            }
        }
        assert_eq!(count, SECRETS.len());
    }
}
