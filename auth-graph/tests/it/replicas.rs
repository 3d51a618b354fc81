//! Two processes of the real program on one database: what one gives away or ends, the other knows.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Process, create_user, fresh_database};

struct Replicas {
    first: Process,
    second: Process,
    _folder: TempDir,
}

impl Replicas {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let database = fresh_database().await;
        // The first makes the secret in the folder and the tables.
        create_user(folder.path(), database.as_deref(), "ada@test.com");
        let start = || Process::start(folder.path(), database.as_deref());
        Self { first: start(), second: start(), _folder: folder }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keycloak_45647_parallel_refreshes_at_two_processes_all_get_the_same_successor() {
    let replicas = Replicas::start().await;
    for count in [2, 3, 50] {
        let token = replicas.first.login("ada@test.com").await["refreshToken"].clone();
        let refreshes = (0..count).map(|number| {
            let replica = if number % 2 == 0 { &replicas.first } else { &replicas.second };
            replica.refresh(&token)
        });
        let answers = join_all(refreshes).await;
        let successor = &answers[0]["data"]["refresh"]["refreshToken"];
        assert!(successor.is_string() && *successor != token, "{}", answers[0]);
        for answer in &answers {
            assert_eq!(answer["data"]["refresh"]["refreshToken"], *successor, "{count}: {answer}");
        }
        // The token has gone one generation on and not more: its successor is the newest, at both.
        let next = replicas.second.refresh(successor).await["data"]["refresh"]["refreshToken"].clone();
        assert_eq!(replicas.first.refresh(successor).await["data"]["refresh"]["refreshToken"], next);
        // A request with the first token that was delayed until now ends nothing, at either.
        let delayed = replicas.second.refresh(&token).await;
        assert_eq!(delayed["errors"][0]["extensions"]["code"], "UNAVAILABLE");
        assert!(replicas.first.refresh(&next).await["data"]["refresh"]["refreshToken"].is_string());
    }
}

/// Prints how long it took; how fast it has to be is measured where nothing else runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_ends_the_other_refuses_and_goes_on_refusing() {
    const ROUNDS: usize = 40;
    let replicas = Replicas::start().await;
    let mut delays = Vec::new();
    for round in 0..ROUNDS {
        let pair = replicas.first.login("ada@test.com").await;
        let token = &pair["accessToken"];
        // Now and then the other is asked right away, with nothing of the token in memory.
        if round % 2 == 0 {
            assert_eq!(replicas.second.refusal(token).await, Value::Null, "it is good before it is ended");
        }
        let ended = replicas.first.logout(&pair["refreshToken"]).await;
        assert_eq!(ended["data"]["logout"]["revokedSessions"], 1);
        let from = Instant::now();
        assert_eq!(replicas.first.refusal(token).await, "REVOKED", "at once where it was ended");
        while replicas.second.refusal(token).await != json!("REVOKED") {
            assert!(from.elapsed() < Duration::from_secs(20), "it is never refused");
        }
        delays.push(from.elapsed());
        assert_eq!(replicas.second.refusal(token).await, "REVOKED");
    }
    delays.sort_unstable();
    println!("median {:?}, longest {:?} of {ROUNDS}", delays[ROUNDS / 2], delays[ROUNDS - 1]);
}
