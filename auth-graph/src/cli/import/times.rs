//! Reads times as other systems write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use serde_json::Value;

/// Numbers from here on are milliseconds since 1970. As seconds, it is a time in the year 5138.
const MILLISECONDS: u64 = 100_000_000_000;

/// Reads a time: RFC 3339 and ISO 8601, also with an offset such as `+00` or `-0300`, or without one (UTC), what
/// Rails and PostgreSQL write, and seconds or milliseconds since 1970.
pub(super) fn time(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::Number(number) => since_1970(number.as_i64().or_else(|| number.as_f64().map(|number| number as i64))?),
        Value::String(text) => text_time(text.trim()),
        // Extended JSON of MongoDB.
        Value::Object(members) if members.len() == 1 => time(members.get("$date").or(members.get("$numberLong"))?),
        _ => None,
    }
}

fn since_1970(number: i64) -> Option<DateTime<Utc>> {
    if number.unsigned_abs() < MILLISECONDS {
        DateTime::from_timestamp(number, 0)
    } else {
        DateTime::from_timestamp_millis(number)
    }
}

fn text_time(text: &str) -> Option<DateTime<Utc>> {
    // A shorter number may be a date such as 20200102.
    if text.len() >= 9
        && let Ok(number) = text.parse()
    {
        return since_1970(number);
    }
    let (local, offset) = split_offset(text)?;
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let local = formats
        .into_iter()
        .find_map(|format| NaiveDateTime::parse_from_str(local, format).ok())
        .or_else(|| NaiveDate::parse_from_str(local, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
    Some(local.checked_sub_signed(offset)?.and_utc())
}

/// Splits a time from its offset to UTC, which is zero if there is none.
fn split_offset(text: &str) -> Option<(&str, TimeDelta)> {
    for zone in ["Z", "z", "UTC", "GMT"] {
        if let Some(local) = text.strip_suffix(zone) {
            return Some((local.trim_end(), TimeDelta::zero()));
        }
    }
    // The signs before the eleventh letter are those of the date.
    let date_ends = text.char_indices().nth(10).map_or(text.len(), |(place, _)| place);
    let Some(sign) = text[date_ends..].find(['+', '-']) else { return Some((text, TimeDelta::zero())) };
    let (local, offset) = text.split_at(date_ends + sign);
    let digits: String = offset[1..].chars().filter(|letter| *letter != ':').collect();
    if !matches!(digits.len(), 2 | 4 | 6) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| digits.get(at..at + 2).map_or(Some(0), |part| part.parse::<i64>().ok());
    let seconds = part(0)? * 3600 + part(2)? * 60 + part(4)?;
    Some((local.trim_end(), TimeDelta::seconds(if offset.starts_with('-') { -seconds } else { seconds })))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::time;

    #[test]
    fn the_forms_of_other_systems_are_read() {
        let expected = "2020-01-02T03:04:05Z";
        for form in [
            json!("2020-01-02T03:04:05Z"),
            json!("2020-01-02 03:04:05"),
            json!(" 2020-01-02 03:04:05.000+00 "),
            json!("2020-01-02 03:04:05 UTC"),
            json!("2020-01-02 03:04:05 +0000"),
            json!("2020-01-02 00:04:05-03"),
            json!("2020-01-02T08:34:05+05:30"),
            json!("2020-01-02T08:34:05+0530"),
            json!(1_577_934_245),
            json!(1_577_934_245_000_i64),
            json!("1577934245000"),
            json!({ "$date": "2020-01-02T03:04:05.000Z" }),
            json!({ "$date": { "$numberLong": "1577934245000" } }),
        ] {
            assert_eq!(time(&form).unwrap().to_rfc3339().replace("+00:00", "Z"), expected, "{form}");
        }
        assert_eq!(time(&json!("2020-01-02")).unwrap().to_rfc3339(), "2020-01-02T00:00:00+00:00");
        for form in [
            json!("yesterday"),
            json!("infinity"),
            json!("20200102"),
            json!("2020-13-02"),
            json!("2020-01-02 03:04:05+1"),
            json!(true),
        ] {
            assert!(time(&form).is_none(), "{form}");
        }
        assert!(time(&json!("ääääääääääää+00")).is_none());
    }
}
