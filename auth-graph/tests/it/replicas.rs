//! Two processes of the real program on one database know each other's tokens and revocations.

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
        // The first process creates the secret in the folder and the tables.
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
        // The session has advanced by exactly one generation: the successor is the newest token at both processes.
        let next = replicas.second.refresh(successor).await["data"]["refresh"]["refreshToken"].clone();
        assert_eq!(replicas.first.refresh(successor).await["data"]["refresh"]["refreshToken"], next);
        // A request with the first token that was delayed until now ends nothing, at either.
        let delayed = replicas.second.refresh(&token).await;
        assert_eq!(delayed["errors"][0]["extensions"]["code"], "UNAVAILABLE");
        assert!(replicas.first.refresh(&next).await["data"]["refresh"]["refreshToken"].is_string());
    }
}

/// Prints the delay. The benchmark measures it on an idle machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_one_process_ended_is_rejected_by_the_other() {
    const ROUNDS: usize = 40;
    let replicas = Replicas::start().await;
    let mut delays = Vec::new();
    for round in 0..ROUNDS {
        let pair = replicas.first.login("ada@test.com").await;
        let token = &pair["accessToken"];
        // In some rounds the other process sees the token for the first time after its end.
        if round % 2 == 0 {
            assert_eq!(replicas.second.refusal(token).await, Value::Null, "it is valid before its end");
        }
        let ended = replicas.first.logout(&pair["refreshToken"]).await;
        assert_eq!(ended["data"]["logout"]["revokedSessions"], 1);
        let from = Instant::now();
        assert_eq!(
            replicas.first.refusal(token).await,
            "REVOKED",
            "it is rejected at once by the process that ended it"
        );
        while replicas.second.refusal(token).await != json!("REVOKED") {
            assert!(from.elapsed() < Duration::from_secs(20), "it is never rejected");
        }
        delays.push(from.elapsed());
        assert_eq!(replicas.second.refusal(token).await, "REVOKED");
    }
    delays.sort_unstable();
    println!("median {:?}, longest {:?} of {ROUNDS}", delays[ROUNDS / 2], delays[ROUNDS - 1]);
}
