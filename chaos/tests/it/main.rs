//! A short run of the whole program, on PostgreSQL.

use std::process::Command;

/// The seed differs from run to run; a failure prints it with the command that replays it.
#[test]
fn users_under_faults_get_what_they_were_promised() {
    // There is no cluster on SQLite.
    if std::env::var_os("TEST_DATABASE_URL").is_none() {
        return;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
    command.args(["--steps", "32", "--users", "6", "--replicas", "2", "--services", "1"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn without_postgresql_it_says_how_to_get_one() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
    let output = command.args(["--steps", "1"]).env_remove("TEST_DATABASE_URL").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("scripts/with-postgres"), "{said}");
}
