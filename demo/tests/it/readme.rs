//! Every command in README.md is executed here, and what is printed below it is what it printed.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::running::Running;

/// A command of the text, and the output that is shown for it.
struct Example {
    command: String,
    output: Option<String>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The `sh` blocks in order, each with the `json` or `text` block that follows it directly.
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

/// What differs from run to run becomes a name: tokens, identifiers, times.
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

#[test]
fn the_readme_starts_with_the_two_commands() {
    let commands: Vec<_> = examples().into_iter().map(|example| example.command).collect();
    assert_eq!(commands[..2], ["make run", "make test"]);
}

#[test]
fn every_make_target_that_is_named_exists() {
    for name in ["README.md", "ARCHITECTURE.md"] {
        let text = std::fs::read_to_string(root().join(name)).unwrap();
        for rest in text.split("make ").skip(1) {
            let target: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
            let known = ["run", "test", "check", "bench", "schema", "playground", "help"].contains(&target.as_str());
            let named = text.contains(&format!("`make {target}")) || text.contains(&format!("\nmake {target}"));
            if named {
                assert!(known, "{name}: make {target}");
                let dry = Command::new("make").args(["--dry-run", &target]).current_dir(root()).output().unwrap();
                assert!(dry.status.success(), "make {target}: {}", String::from_utf8_lossy(&dry.stderr));
            }
        }
    }
}

/// The test below has the binaries built already: whether `cargo` would build them is seen here.
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

#[test]
fn every_command_does_what_is_printed_below_it() {
    let folder = TempDir::new().unwrap();
    let demo = Running::start(&folder.path().join("data"));
    // One shell for all, as variables are kept from one to the next. `make` is tried by the test above, and by whoever
    // runs this; a server would not come back.
    let mut script = String::from("set -eu\n");
    let mut expected = Vec::new();
    for Example { command, output } in examples() {
        if command.starts_with("make ") {
            continue;
        }
        let command = command
            .replace("http://127.0.0.1:8000", &demo.auth_url)
            .replace("http://127.0.0.1:8001", &demo.client_url)
            .replace("cargo run -p auth-graph -- serve", "true")
            .replace("cargo run -p client-graph --features service -- serve", "true")
            .replace("cargo run -p auth-graph -- user create", "echo 'correct horse battery' | auth-graph user create")
            .replace("cargo run -p auth-graph --", "auth-graph");
        script += &format!("{command}\nprintf '\\n=====\\n'\n");
        expected.push((command, output));
    }
    let binaries = PathBuf::from(env!("CARGO_BIN_EXE_demo")).parent().unwrap().to_owned();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let run =
        Command::new("bash").arg("-c").arg(&script).current_dir(folder.path()).env("PATH", path).output().unwrap();
    let printed = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{printed}\n{}", String::from_utf8_lossy(&run.stderr));
    let printed: Vec<_> = printed.split("\n=====\n").collect();
    let mut compared = 0;
    for ((command, output), printed) in expected.iter().zip(&printed) {
        if let Some(output) = output {
            assert_eq!(normal(output), normal(printed), "{command}");
            compared += 1;
        }
    }
    assert!(compared >= 6, "the outputs were found");
}
