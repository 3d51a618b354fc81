//! JSON Schemas of operators.

use std::fmt;
use std::path::Path;

use jsonschema::Validator;
use serde_json::Value;

/// JSON Schema. References to other files and addresses are never followed.
pub struct JsonSchema(Validator);

impl JsonSchema {
    /// Reads a schema from a file.
    ///
    /// # Errors
    /// The reason why the file cannot be read or is not a schema.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
        let schema: Value = serde_json::from_str(&text).map_err(|error| format!("is not JSON: {error}"))?;
        let validator = jsonschema::validator_for(&schema);
        validator.map(Self).map_err(|error| format!("is not a JSON Schema: {error}"))
    }

    /// Checks a value.
    ///
    /// # Errors
    /// The place of the first violation as a JSON Pointer (RFC 6901), and the reason without the value.
    pub fn check(&self, value: &Value) -> Result<(), (String, String)> {
        let refused = |error: jsonschema::ValidationError<'_>| {
            (error.instance_path().to_string(), error.masked_with("the value").to_string())
        };
        self.0.validate(value).map_err(refused)
    }
}

impl fmt::Debug for JsonSchema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("JsonSchema").finish_non_exhaustive()
    }
}
