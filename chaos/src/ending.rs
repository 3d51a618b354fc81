//! After the faults: waits until everything is calm, and collects what the invariants look at.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::calls::{Calls, Place, Request};
use crate::cluster::Cluster;
use crate::documents::{ME, SNAPSHOTS, WHOAMI};
use crate::observed::{AuditRow, Observed, UserRow};
use crate::program::is_ready;

type Failure = Box<dyn Error + Send + Sync>;

/// Time for the processes to be ready, and for delayed requests to be delivered.
const CALM: Duration = Duration::from_secs(60);
/// Time for the end of a session to be known everywhere.
const KNOWN_EVERYWHERE: Duration = Duration::from_secs(10);
/// Time for a mirror to catch up.
const CAUGHT_UP: Duration = Duration::from_secs(30);
/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// The fields that a mirror copies: the name in the feed, and the column of the mirror.
const FIELDS: [(&str, &str); 13] = [
    ("email", "email"),
    ("firstName", "first_name"),
    ("lastName", "last_name"),
    ("phoneNumber", "phone_number"),
    ("isActive", "is_active"),
    ("isStaff", "is_staff"),
    ("isSuperuser", "is_superuser"),
    ("emailVerified", "email_verified"),
    ("roles", "roles"),
    ("scopes", "scopes"),
    ("metadata", "metadata"),
    ("dateJoined", "date_joined"),
    ("updatedAt", "updated_at"),
];

/// Waits until all processes are ready and no request is under way. Returns those that are not.
pub async fn calm_down(cluster: &Cluster) -> Vec<String> {
    let begun = Instant::now();
    let replicas = cluster.replicas.iter().enumerate().map(|(n, replica)| (format!("replica {n}"), replica.address));
    let services = cluster.services.iter().enumerate().map(|(n, service)| (format!("service {n}"), service.address));
    let mut waiting: Vec<_> = replicas.chain(services).collect();
    loop {
        let mut unready = Vec::new();
        for (name, address) in waiting {
            if !is_ready(address).await {
                unready.push((name, address));
            }
        }
        let proxies = cluster.replicas.iter().flat_map(|replica| &replica.proxies);
        let is_busy = proxies.into_iter().any(|proxy| proxy.is_busy());
        if (unready.is_empty() && !is_busy) || begun.elapsed() > CALM {
            return unready.into_iter().map(|(name, _)| name).collect();
        }
        waiting = unready;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Uses the access tokens of ended sessions everywhere until each is refused. Returns those that are not in time.
pub async fn still_accepted(calls: &Calls, tokens: &[(usize, SecretString)]) -> Vec<(usize, String)> {
    let begun = Instant::now();
    let replicas = (0..calls.addresses.replicas.len()).map(|n| (Place::Replica(n), ME, format!("replica {n}")));
    let services = (0..calls.addresses.services.len()).map(|n| (Place::Service(n), WHOAMI, format!("service {n}")));
    let places: Vec<_> = replicas.chain(services).collect();
    let mut waiting: Vec<_> = tokens.iter().flat_map(|token| places.iter().map(move |place| (token, place))).collect();
    loop {
        let mut accepted = Vec::new();
        for (token, place) in waiting {
            let request = Request { document: place.1, variables: json!({}), bearer: Some(&token.1) };
            if calls.send(place.0, &request).await.outcome.is_success() {
                accepted.push((token, place));
            }
        }
        if accepted.is_empty() || begun.elapsed() > KNOWN_EVERYWHERE {
            return accepted.into_iter().map(|(token, place)| (token.0, place.2.clone())).collect();
        }
        waiting = accepted;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Reads the databases and the logs, once the mirrors have caught up or had the time to.
///
/// # Errors
/// When a database or auth-graph cannot be read.
pub async fn observe(cluster: &Cluster, calls: &Calls) -> Result<Observed, Failure> {
    let begun = Instant::now();
    let (users, mirrors) = loop {
        let users = users(cluster, calls).await?;
        let mut mirrors = Vec::new();
        for service in &cluster.services {
            let rows = service.database.mirror().await?;
            mirrors.push(rows.iter().map(mirrored).collect::<Option<Vec<_>>>().ok_or("a mirror has another form")?);
        }
        let differs = mirrors.iter().any(|mirror| !crate::invariants::records::differences(&users, mirror).is_empty());
        if !differs || begun.elapsed() > CAUGHT_UP {
            break (users, mirrors);
        }
        tokio::time::sleep(PAUSE).await;
    };
    let changes = cluster.database.changes().await?;
    let audit = cluster.command_line(&["audit", "export"], None)?;
    let audit = audit.lines().map(audited).collect::<Result<_, _>>()?;
    let mut remarks = Vec::new();
    for entry in std::fs::read_dir(cluster.folder())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            remarks.extend(calls.secrets.remarks_in(&name, &std::fs::read_to_string(&path)?));
        }
    }
    Ok(Observed { users, mirrors, changes, audit, remarks, ..Observed::default() })
}

/// Reads all users, as a client service does.
async fn users(cluster: &Cluster, calls: &Calls) -> Result<Vec<UserRow>, Failure> {
    let form = format!("grant_type=client_credentials&scope=feed:read&{}", cluster.reader);
    let ask = reqwest::Client::new().post(format!("http://{}/oauth/token", cluster.replicas[0].address));
    let answer = ask.header("content-type", "application/x-www-form-urlencoded").body(form).send().await?;
    let answer: Value = answer.json().await?;
    let token = answer["access_token"].as_str().map(SecretString::from).ok_or("the service client got no token")?;
    let (mut users, mut after) = (Vec::new(), Value::Null);
    loop {
        let variables = json!({ "first": 100, "after": after });
        let request = Request { document: SNAPSHOTS, variables, bearer: Some(&token) };
        let answer = calls.send(Place::Replica(0), &request).await;
        let nodes = answer.data["nodes"].as_array().ok_or_else(|| format!("no users: {:?}", answer.outcome))?;
        users.extend(nodes.iter().filter_map(snapshot));
        if answer.data["pageInfo"]["hasNextPage"] != true {
            return Ok(users);
        }
        after = answer.data["pageInfo"]["endCursor"].clone();
    }
}

/// Reads a user of the feed.
fn snapshot(node: &Value) -> Option<UserRow> {
    row(node, ["deletedAt", "version"], |(field, _)| *field)
}

/// Reads a row of a mirror.
fn mirrored(object: &Value) -> Option<UserRow> {
    row(object, ["deleted_at", "version"], |(_, column)| *column)
}

fn row(
    object: &Value,
    [deleted_at, version]: [&str; 2],
    name: impl Fn(&(&'static str, &'static str)) -> &'static str,
) -> Option<UserRow> {
    let deleted_at = object[deleted_at].as_str().map(time);
    let field = |pair| (pair, time_of(&object[name(pair)]));
    let fields: BTreeMap<_, _> = match deleted_at {
        Some(_) => BTreeMap::new(),
        None => FIELDS.iter().map(field).map(|((_, column), value)| ((*column).to_owned(), value)).collect(),
    };
    Some(UserRow { id: object["id"].as_str()?.to_owned(), version: object[version].as_i64()?, deleted_at, fields })
}

/// Writes times in one form, and leaves other values as they are.
fn time_of(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| time(text).into())
}

fn time(text: &str) -> String {
    let time = DateTime::parse_from_rfc3339(text);
    time.map_or_else(|_| text.to_owned(), |time| time.to_utc().to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn audited(line: &str) -> serde_json::Result<AuditRow> {
    let event: Value = serde_json::from_str(line)?;
    let text = |name: &str| event[name].as_str().map(str::to_owned);
    Ok(AuditRow {
        action: text("action").unwrap_or_default(),
        target: text("targetId").unwrap_or_default(),
        reason: text("reason"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_of_the_feed_and_their_row_in_a_mirror_are_read_alike() {
        let mut fed = json!({ "id": "1", "version": 2, "deletedAt": null });
        let mut copied = json!({ "id": "1", "version": 2, "deleted_at": null, "mirrored_at": "2026-01-01T00:00:00Z" });
        for (field, column) in FIELDS {
            (fed[field], copied[column]) = (json!(field), json!(field));
        }
        (fed["updatedAt"], copied["updated_at"]) =
            (json!("2026-01-01T00:00:00.5Z"), json!("2026-01-01T00:00:00.500000+00:00"));
        assert_eq!(snapshot(&fed), mirrored(&copied));
        fed["firstName"] = json!("another");
        assert_ne!(snapshot(&fed), mirrored(&copied));
    }
}
