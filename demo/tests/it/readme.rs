//! Executes every command in README.md, and compares its output with the text below it.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::running::{Demo, Running};

/// A command of the text, and the output that the text shows.
struct Example {
    command: String,
    output: Option<String>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the `sh` blocks in order, each with the `json` or `text` block that follows it directly.
fn examples() -> Vec<Example> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut examples: Vec<Example> = Vec::new();
    let mut parts = readme.split("\n```");
    let mut before = parts.next().unwrap();
    while let (Some(block), Some(after)) = (parts.next(), parts.next()) {
        let (language, body) = block.split_once('\n').unwrap();
        match (language, examples.last_mut()) {
            ("sh", _) => examples.push(Example { command: body.to_owned(), output: None }),
            ("json" | "text", Some(example)) if before.trim().is_empty() => example.output = Some(body.to_owned()),
            _ => {}
        }
        before = after;
    }
    examples
}

/// Replaces the values that differ between runs by names: tokens, identifiers and times.
fn normal(output: &str) -> String {
    let mut normal = String::new();
    for piece in output.trim().split_inclusive(['"', ' ', ',', ':']) {
        let text = piece.trim_end_matches(['"', ' ', ',', ':']);
        let is_id = text.len() == 36 && text.matches('-').count() == 4;
        let name = match text {
            _ if text.starts_with("eyJ") => "<access token>",
            _ if text.starts_with("agr_") => "<refresh token>",
            _ if is_id => "<id>",
            _ => text,
        };
        normal += name;
        normal += &piece[text.len()..];
    }
    normal
}

/// `make test` runs this test, so that the test cannot run it. It checks that the build machine does.
#[test]
fn the_readme_starts_with_the_two_commands() {
    let commands: Vec<_> = examples().into_iter().map(|example| example.command).collect();
    assert_eq!(commands[..2], ["make run", "make test"]);
    let continuous = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    assert_eq!(continuous.lines().skip(3).collect::<Vec<_>>(), ["make test", "make check"]);
}

#[test]
fn every_make_target_in_the_documents_exists() {
    let targets = ["run", "test", "check", "bench", "chaos", "schema", "release-schema", "playground", "help"];
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = std::fs::read_to_string(root().join(name)).unwrap();
        for rest in text.split("make ").skip(1) {
            let target: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            let known = targets.contains(&target.as_str());
            let named = text.contains(&format!("`make {target}")) || text.contains(&format!("\nmake {target}"));
            if named {
                assert!(known, "{name}: make {target}");
                let dry = Command::new("make").args(["--dry-run", &target]).current_dir(root()).output().unwrap();
                assert!(dry.status.success(), "make {target}: {}", String::from_utf8_lossy(&dry.stderr));
            }
        }
    }
}

/// The other tests use existing binaries. This one checks that `cargo` would build them.
#[test]
fn cargo_run_names_the_features_that_a_binary_needs() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let needed = |package: &str| -> Vec<String> {
        let packages = metadata["packages"].as_array().unwrap();
        let package = packages.iter().find(|found| found["name"] == package).unwrap();
        let targets = package["targets"].as_array().unwrap().iter();
        let binary = targets.filter(|target| target["kind"][0] == "bin").collect::<Vec<_>>()[0];
        let features = binary["required-features"].as_array().into_iter().flatten();
        features.map(|feature| feature.as_str().unwrap().to_owned()).collect()
    };
    let by_default = metadata["workspace_default_members"].as_array().unwrap();
    assert!(by_default.len() == 1 && by_default[0].to_string().contains("/demo#"), "{by_default:?}");
    let commands: String = examples().into_iter().map(|example| example.command).collect();
    let mut runs = 0;
    for run in commands.split("cargo run -p ").skip(1) {
        let (package, rest) = run.split_once(' ').unwrap();
        let (options, _) = rest.split_once("-- ").unwrap();
        for feature in needed(package) {
            assert!(options.contains(&format!("--features {feature}")), "{package} needs {feature}");
        }
        runs += 1;
    }
    assert!(runs >= 5, "the commands were found");
}

/// Makes the command use existing binaries, see `bin/cargo`.
fn with_cargo(command: &mut Command) -> &mut Command {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/bin");
    let path = format!("{}:{}", here.display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("BINARIES", Path::new(env!("CARGO_BIN_EXE_demo")).parent().unwrap())
}

/// Executes the commands in one shell, which keeps variables between them, and compares their output with the text.
/// Returns the number of compared outputs.
fn execute(examples: &[Example], folder: &Path, address: impl Fn(&str) -> String) -> usize {
    let mut script = String::from("set -eu\n");
    for Example { command, .. } in examples {
        script += &format!("{}\nprintf '\\n=====\\n'\n", address(command));
    }
    let mut bash = Command::new("bash");
    let run = with_cargo(bash.arg("-c").arg(&script).current_dir(folder)).output().unwrap();
    let printed = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{printed}\n{}", String::from_utf8_lossy(&run.stderr));
    let mut compared = 0;
    for (Example { command, output }, printed) in examples.iter().zip(printed.split("\n=====\n")) {
        if let Some(output) = output {
            assert_eq!(normal(output), normal(printed), "{command}");
            compared += 1;
        }
    }
    compared
}

/// Covers the part from `make run` to Ctrl-C.
#[test]
fn the_commands_of_the_first_part_print_what_the_text_shows() {
    let folder = TempDir::new().unwrap();
    // The existing pages are used, because building them needs the internet. `env` restores the default action of
    // Ctrl-C, which is ignored when the tests run in the background.
    let mut make = Command::new("env");
    make.args(["--default-signal=INT", "make", "--old-file=playground/dist/index.html", "run"]).current_dir(root());
    // If `make test` runs this test, the inner `make` must not be a part of it.
    for name in ["MAKEFLAGS", "MAKELEVEL", "MFLAGS"] {
        make.env_remove(name);
    }
    let demo = Demo::start_by(with_cargo(&mut make), &folder.path().join("data"));
    let commands: Vec<_> =
        examples().into_iter().skip(2).take_while(|example| !example.command.contains("cargo run")).collect();
    let compared = execute(&commands, folder.path(), |command| {
        command.replace("http://127.0.0.1:8000", &demo.auth_url).replace("http://127.0.0.1:8001", &demo.client_url)
    });
    assert!(compared >= 6, "the outputs were found");
    let (status, said) = demo.interrupt();
    // make ends by the same signal after the demo has ended.
    assert_eq!(status.signal(), Some(2), "{status}: {said}");
    assert!(said.starts_with("Stopped. The data stays in"), "{said}");
}

/// Covers the part from "Run auth-graph by itself" on. A service keeps running while the commands below it are
/// executed.
#[tokio::test]
async fn the_commands_of_the_second_part_serve_until_they_are_stopped() {
    let folder = TempDir::new().unwrap();
    let commands = examples().into_iter().map(|example| example.command);
    let commands: Vec<_> = commands.skip_while(|command| !command.contains("cargo run")).collect();
    let mut urls: Vec<String> = Vec::new();
    let mut serving = Vec::new();
    for line in commands.join("\n").replace("\\\n", "").lines() {
        let mut shell = Command::new("sh");
        with_cargo(&mut shell).current_dir(folder.path()).arg("-c");
        if line.ends_with("-- serve") {
            shell.arg(format!("exec {line} 2>&1"));
            let free = "127.0.0.1:0";
            shell.envs([("AUTH_GRAPH_SERVER__BIND", free), ("CLIENT_GRAPH_SERVER__BIND", free)]);
            shell.envs(urls.first().map(|url| ("CLIENT_GRAPH_AUTH__URL", url)));
            let running = Running::start(&mut shell, "-graph serves ");
            let (_, url) = running.said.rsplit_once(" url=\"").unwrap();
            urls.push(url.split('"').next().unwrap().to_owned());
            serving.push(running);
        } else {
            assert!(type_in(shell.arg(line), "correct horse battery\n"), "{line}");
        }
    }
    let [auth_url, client_url] = &urls[..] else { panic!("{urls:?}") };
    assert!(reqwest::get(format!("{auth_url}/readyz")).await.unwrap().status().is_success());
    let user = json!({ "email": "admin@example.com", "password": "correct horse battery" });
    let answer = reqwest::Client::new().post(format!("{client_url}/auth/token/")).json(&user).send().await.unwrap();
    assert!(answer.status().is_success(), "the client service calls the auth-graph that was started before");
    let signals = ["TERM", "INT"].into_iter();
    for (running, signal) in serving.into_iter().rev().zip(signals) {
        let (status, said) = running.end(signal);
        assert!(status.success() && said.contains("stopping"), "SIG{signal}: {status}, {said}");
    }
}

/// Executes a command that may ask for input, and returns whether it succeeded.
fn type_in(command: &mut Command, answer: &str) -> bool {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    // Most commands ask for no input, and may have ended already.
    let _ = child.stdin.take().unwrap().write_all(answer.as_bytes());
    child.wait().unwrap().success()
}
