//! The fields of an account that the operator adds to those of django-easyjwt.

use serde_json::{Map, Value};

use crate::app::App;
use crate::claims::policy::attribute;
use store::users;

/// Returns the configured fields of a user. A field without a value is null.
#[must_use]
pub fn further_fields(app: &App, user: &users::Model) -> Map<String, Value> {
    let fields = app.config.rest.user_fields.iter();
    fields.map(|(field, source)| (field.as_str().to_owned(), attribute(user, source))).collect()
}
