//! The part of the facts that is recorded: what differs, within bounded space, and without private metadata.

use serde_json::{Map, Value, json};

const METADATA: &str = "metadata";
const PRIVATE: &str = "privateMetadata";
/// Stands for a value that readers of the audit log must not see.
const HIDDEN: &str = "(not recorded)";
/// Maximum length of a value in the metadata, as JSON.
const LONGEST: usize = 256;
/// Maximum length of the metadata, as JSON.
const WHOLE: usize = 4 * 1024;

/// Returns the members in which two objects differ; a value that is no object is kept as it is.
pub(super) fn differences(before: Value, after: Value) -> (Option<Value>, Option<Value>) {
    match (before, after) {
        (Value::Object(mut before), Value::Object(mut after)) => {
            remove_equal(&mut before, &mut after);
            if let (Some(Value::Object(before)), Some(Value::Object(after))) =
                (before.get_mut(METADATA), after.get_mut(METADATA))
            {
                remove_equal(before, after);
            }
            (Some(recorded(before.into())), Some(recorded(after.into())))
        }
        (before, after) => {
            let given = |value: Value| (!value.is_null()).then(|| recorded(value));
            (given(before), given(after))
        }
    }
}

fn remove_equal(these: &mut Map<String, Value>, those: &mut Map<String, Value>) {
    let equal: Vec<String> = these
        .iter()
        .filter(|(name, value)| those.get(name.as_str()) == Some(*value))
        .map(|(name, _)| name.clone())
        .collect();
    for name in equal {
        these.remove(&name);
        those.remove(&name);
    }
}

/// Returns a value with bounded metadata, and without private metadata. Records of earlier versions have both in full.
pub(super) fn recorded(mut facts: Value) -> Value {
    if let Some(private) = facts.get_mut(PRIVATE).filter(|private| **private != json!({})) {
        *private = HIDDEN.into();
    }
    let Some(metadata) = facts.get_mut(METADATA) else { return facts };
    for value in metadata.as_object_mut().into_iter().flat_map(Map::values_mut) {
        shorten(value, LONGEST);
    }
    shorten(metadata, WHOLE);
    facts
}

/// Replaces a longer value by its length.
fn shorten(value: &mut Value, longest: usize) {
    let length = value.to_string().len();
    if length > longest {
        *value = format!("({length} bytes)").into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_members_that_differ_are_recorded_in_metadata_too() {
        let before = json!({ "email": "a", "metadata": { "theme": "dark", "city": "London", "old": 1 } });
        let after = json!({ "email": "a", "metadata": { "theme": "light", "city": "London", "new": 2 } });
        let expected = (
            Some(json!({ "metadata": { "theme": "dark", "old": 1 } })),
            Some(json!({ "metadata": { "theme": "light", "new": 2 } })),
        );
        assert_eq!(differences(before.clone(), after), expected);
        assert_eq!(differences(before.clone(), before), (Some(json!({})), Some(json!({}))));
    }

    #[test]
    fn no_metadata_makes_a_record_long() {
        let long = json!({ "metadata": { "a": "x".repeat(16_000), "b": 1 } });
        let many: Map<String, Value> = (0..2_000).map(|number| (number.to_string(), Value::from(number))).collect();
        let keys: Map<String, Value> =
            (0..40).map(|number| ("x".repeat(400) + &number.to_string(), 1.into())).collect();
        let few_keys: Map<String, Value> =
            (0..10).map(|number| ("x".repeat(1_600) + &number.to_string(), 1.into())).collect();
        for after in [long, json!({ "metadata": many }), json!({ "metadata": keys }), json!({ "metadata": few_keys })] {
            for before in [json!(null), json!({ "metadata": {} })] {
                let (_, after) = differences(before, after.clone());
                let text = after.unwrap().to_string();
                assert!(text.len() <= WHOLE + 20, "{}: {text}", text.len());
            }
        }
    }

    #[test]
    fn private_metadata_is_recorded_as_changed_only() {
        let private = |value: Value| json!({ "privateMetadata": value });
        let (before, after) = differences(private(json!({})), private(json!({ "risk": "high" })));
        assert_eq!((before, after), (Some(private(json!({}))), Some(private(HIDDEN.into()))));
        assert_eq!(differences(Value::Null, private(json!({ "risk": 1 }))).1, Some(private(HIDDEN.into())));
        let same = private(json!({ "risk": 1 }));
        assert_eq!(differences(same.clone(), same).1, Some(json!({})));
    }
}
