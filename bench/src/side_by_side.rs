//! This project compared with django-easyjwt under the same load.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use crate::client_graph_service as client;
use crate::easyjwt::EasyJwt;
use crate::load::Load;
use crate::login_storm;
use crate::machine::resident;
use crate::process::Server;
use crate::samples::{Comparison, Side, compare};
use crate::table::{Row, Target, Unit};
use crate::verify;

const CONNECTIONS: usize = 16;

/// Measures both projects.
///
/// # Errors
/// When a service does not start, or a request fails.
pub fn rows(
    auth: &Server,
    auth_url: &str,
    tokens: &[String],
    folder: &Path,
    time: Duration,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let theirs = EasyJwt::start()?;
    let client = client::start(auth_url, folder, &folder.join("client.log"))?;
    let against = |server, load: Load, other_server, other: Load| -> Result<Comparison, Box<dyn Error>> {
        let ours = Side { load: &load, server };
        let theirs = Side { load: &other, server: other_server };
        compare([&ours, &theirs], time)
    };
    let verify = verify::load(auth, tokens, CONNECTIONS);
    let verify = against(auth, verify, &theirs.auth, theirs.verify(CONNECTIONS))?;
    let principal = client::principal_only(&client, tokens, CONNECTIONS);
    let principal = against(&client, principal, &theirs.client, theirs.protected(CONNECTIONS))?;
    let user = client::with_user(&client, tokens, CONNECTIONS);
    let user = against(&client, user, &theirs.client, theirs.protected(CONNECTIONS))?;
    let login = login_storm::load(auth, CONNECTIONS);
    let login = against(auth, login, &theirs.auth, theirs.log_in(CONNECTIONS))?;

    let row = |what: &str, comparison: &Comparison, notes: &str| {
        let notes = format!("{}{notes}", comparison.describe("ours", "theirs"));
        let what = format!("{what}: ours / django-easyjwt, requests per second");
        Row::new(what, comparison.ratio, Unit::Times, Target::None, notes)
    };
    let hashers = format!("; {} against {}", login_storm::hasher(), theirs.hasher);
    let (our_memory, their_memory) = (resident(auth.id()).0 + resident(client.id()).0, theirs.resident());
    Ok(vec![
        row("verify", &verify, "; GraphQL `verify` against POST /auth/token/verify/"),
        row("protected request", &principal, "; GET /api/test/ of the client services"),
        row("protected request that reads the user", &user, "; `whoami { user }` against GET /api/test/"),
        row("log-in", &login, &hashers),
        Row::new(
            "resident memory of both services: theirs / ours",
            their_memory / our_memory,
            Unit::Times,
            Target::None,
            format!(
                "{their_memory:.0} MB against {our_memory:.0} MB after these loads; theirs in 2 workers for each \
                 service, pages that they share counted for each"
            ),
        ),
    ])
}
