//! Rules of the section `[rest]`.

use crate::config::Config;
use crate::values::ClaimSource;

impl Config {
    pub(in crate::config) fn check_rest(&self, rule: &mut impl FnMut(bool, &str, &str)) {
        let rest = &self.rest;
        rule(rest.enabled || !rest.create_user, "rest.create_user", "needs rest.enabled");
        rule(
            rest.enabled || !rest.old_names.is_empty() || rest.user_fields.is_empty(),
            "rest.user_fields",
            "needs rest.enabled or rest.old_names",
        );
        for (field, source) in &rest.user_fields {
            let ClaimSource::Metadata(path) = source else { continue };
            let reserved = path.first().is_some_and(|key| self.accounts.reserves(key));
            rule(
                reserved || rest.user_settable_fields.contains(field),
                &format!("rest.user_fields.{}", field.as_str()),
                "users can set this metadata themselves, and clients may grant access by it: take a key that begins \
                 with _, list the key in accounts.reserved_metadata, or list the field in rest.user_settable_fields",
            );
        }
        for field in &rest.user_settable_fields {
            rule(
                rest.user_fields.contains_key(field),
                "rest.user_settable_fields",
                &format!("names {}, which is not among rest.user_fields", field.as_str()),
            );
        }
    }
}
