//! Refreshing after the database was set back, by a restore or a failover: sessions continue, and a theft is still
//! detected.

use chrono::Duration;
use engine::accounts::Rank;
use futures_util::future::join_all;
use model::values::SessionId;
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use store::sessions;

use crate::support::{Answer, TestApp, claims_of};

/// A session and its newest tokens.
struct Stored<'a> {
    test: &'a TestApp,
    id: SessionId,
}

impl<'a> Stored<'a> {
    async fn begin(test: &'a TestApp, email: &str) -> (Self, String) {
        let signed_in = test.signed_in(email, Rank::User).await;
        let id = claims_of(&signed_in.access)["sid"].as_str().unwrap().parse().unwrap();
        (Self { test, id }, signed_in.refresh)
    }

    async fn row(&self) -> sessions::Model {
        sessions::find(&self.test.app.db, self.id).await.unwrap().unwrap()
    }

    /// Sets the row back to an earlier state.
    async fn restore(&self, row: &sessions::Model) {
        row.clone().into_active_model().reset_all().update(&self.test.app.db).await.unwrap();
    }

    /// Returns the successor of a token two minutes later, or the code of the refusal.
    async fn refresh(&self, token: &str) -> Result<String, String> {
        self.test.app.clock.advance(Duration::minutes(2));
        successor(&self.test.anonymous().refresh(token).await)
    }
}

fn successor(answer: &Answer) -> Result<String, String> {
    if answer.body["errors"].is_null() {
        Ok(answer.data("refresh")["refreshToken"].as_str().unwrap().to_owned())
    } else {
        Err(answer.code().to_owned())
    }
}

#[tokio::test]
async fn a_session_continues_from_a_token_that_is_newer_than_its_restored_row() {
    let test = TestApp::new().await;
    let (stored, first) = Stored::begin(&test, "ada@test.com").await;
    let backup = stored.row().await;
    let second = stored.refresh(&first).await.unwrap();
    let third = stored.refresh(&second).await.unwrap();
    stored.restore(&backup).await;

    assert_eq!(test.anonymous().verify(&third).await.data("verify")["active"], true);
    let caller = test.anonymous();
    let answers = join_all((0..5).map(|_| caller.refresh(&third))).await;
    let successors: Vec<_> = answers.iter().map(|answer| successor(answer).unwrap()).collect();
    assert!(successors.iter().all(|token| *token == successors[0]), "safe to repeat");
    let row = stored.row().await;
    assert_eq!((row.generation, row.previous_use_at), (3, None));
    stored.refresh(&successors[0]).await.unwrap();
    assert_eq!(stored.refresh(&first).await, Err("TOKEN_REUSED".to_owned()), "earlier tokens are outdated");
    assert_eq!(stored.refresh(&successors[0]).await, Err("TOKEN_REVOKED".to_owned()));
}

#[tokio::test]
async fn a_token_that_is_newer_than_its_restored_row_signs_out() {
    let test = TestApp::new().await;
    let (stored, first) = Stored::begin(&test, "ada@test.com").await;
    let backup = stored.row().await;
    let second = stored.refresh(&first).await.unwrap();
    stored.restore(&backup).await;
    assert_eq!(test.anonymous().logout(&second).await.data("logout")["revokedSessions"], 1);
    assert_eq!(stored.refresh(&second).await, Err("TOKEN_REVOKED".to_owned()));
}

#[tokio::test]
async fn a_restored_session_that_had_ended_stays_ended() {
    let test = TestApp::new().await;
    let (stored, first) = Stored::begin(&test, "ada@test.com").await;
    let second = stored.refresh(&first).await.unwrap();
    let before = stored.row().await;
    assert!(sessions::revoke(&test.app.db, stored.id, "logout", test.app.clock.now()).await.unwrap());
    let ended = sessions::Model { generation: 0, ..stored.row().await };
    stored.restore(&ended).await;
    assert_eq!(stored.refresh(&second).await, Err("TOKEN_REVOKED".to_owned()));
    let expired = sessions::Model { generation: 0, expires_at: test.app.clock.now(), ..before };
    stored.restore(&expired).await;
    assert_eq!(stored.refresh(&second).await, Err("TOKEN_EXPIRED".to_owned()));
}

/// Numbers that look random and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// The model of generations with restores: an owner alone is never signed out, whatever the row is set back to; with a
/// thief the session ends once both have come back.
#[tokio::test]
async fn restores_sign_no_owner_out_and_hide_no_thief() {
    let test = TestApp::new().await;
    for seed in 0..24 {
        let mut numbers = Numbers(seed);
        let (stored, mut owner) = Stored::begin(&test, &format!("ada{seed}@test.com")).await;
        let mut backups = vec![stored.row().await];
        let mut stolen = None;
        for step in 0..12 {
            match numbers.below(4) {
                0 => backups.push(stored.row().await),
                1 => stored.restore(&backups[numbers.below(backups.len())]).await,
                2 if step > 3 && stolen.is_none() => stolen = Some(owner.clone()),
                _ => owner = stored.refresh(&owner).await.unwrap_or_else(|code| panic!("{seed}, {step}: {code}")),
            }
        }
        let mut thief = stolen.unwrap_or_else(|| owner.clone());

        // Both use the session, in any order, and between them the row is set back.
        let mut caught = None;
        for _ in 0..8 {
            match numbers.below(5) {
                0 => stored.restore(&backups[numbers.below(backups.len())]).await,
                1 | 2 => match stored.refresh(&thief).await {
                    Ok(next) => thief = next,
                    Err(code) => caught = Some(code),
                },
                _ => match stored.refresh(&owner).await {
                    Ok(next) => owner = next,
                    Err(code) => caught = Some(code),
                },
            }
            if caught.is_some() {
                break;
            }
        }
        // From now on the database is not set back. The owner continues, then both come back once.
        let mut last = Vec::new();
        for _ in 0..3 {
            match stored.refresh(&owner).await {
                Ok(next) => owner = next,
                Err(code) => last.push(code),
            }
        }
        for token in [&thief, &owner, &thief] {
            last.extend(stored.refresh(token).await.err());
        }
        assert!(!last.is_empty(), "{seed}: two of them used the session and nobody noticed");
        let allowed = ["TOKEN_REUSED", "TOKEN_REVOKED"];
        assert!(caught.iter().chain(&last).all(|code| allowed.contains(&code.as_str())), "{seed}: {caught:?} {last:?}");
        assert_eq!(stored.row().await.revoked_reason.as_deref(), Some("reused"), "{seed}");
    }
}
