//! Checks the architecture: allowed dependencies, the length of files, and the first line of each file.

use std::path::{Path, PathBuf};

use auth_graph::cli::Cli;
use clap::CommandFactory;

/// Packages whose sources are read.
const PACKAGES: [&str; 14] = [
    "auth-graph",
    "bench",
    "chaos",
    "client-graph",
    "demo",
    "libs/database",
    "libs/errors",
    "libs/graphql-edge",
    "libs/profile",
    "libs/serving",
    "libs/settings",
    "libs/subgraph",
    "migrations",
    "playground",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

fn all_sources() -> Vec<(String, String)> {
    let found: Vec<_> = PACKAGES.iter().flat_map(|package| sources(&root().join(package))).collect();
    assert!(found.len() > 50, "the sources were found");
    found
}

#[test]
fn every_file_says_what_it_is_for_and_stays_short() {
    for (name, text) in all_sources() {
        assert!(text.starts_with("//! "), "{name} does not start with a //! line");
        let lines = text.lines().count();
        assert!(lines <= 400, "{name} has {lines} lines");
        assert!(!name.ends_with("/mod.rs"), "{name}: name the file after the module");
    }
}

/// Names of variants may change, so that stored or published values need their own form. Debug texts are for panics and
/// the log.
#[test]
fn no_value_is_written_in_its_debug_form() {
    let of_product = |name: &str| {
        let folder = ["auth-graph/", "client-graph/", "libs/", "migrations/", "playground/"];
        folder.iter().any(|folder| name.starts_with(folder)) && name.contains("/src/") && !name.contains("/testing/")
    };
    for (name, text) in all_sources().into_iter().filter(|(name, _)| of_product(name)) {
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (number, line) in code.lines().enumerate() {
            let debug = line.split('{').skip(1).any(|rest| {
                let (inside, _) = rest.split_once('}').unwrap_or((rest, ""));
                inside.ends_with(":?") || inside.ends_with(":#?")
            });
            let is_exempt = ["tracing::", "assert", "panic!", "///", "//!"].iter().any(|word| line.contains(word));
            assert!(!debug || is_exempt, "{name}:{}: write it with Display, as_str() or serde", number + 1);
        }
    }
}

/// Cookies, credentials and addresses of clients have one reader each, which copes with bytes and with repeated
/// headers.
#[test]
fn headers_that_several_routes_read_have_one_reader() {
    for (name, text) in all_sources().into_iter().filter(|(name, _)| name.contains("/src/")) {
        let is_exempt = ["/testing/", "bench/", "chaos/"].iter().any(|part| name.contains(part));
        for header in ["COOKIE", "AUTHORIZATION", "FORWARDED_FOR"] {
            let reads = [format!("get({header})"), format!("get_all({header})"), format!("get(header::{header})")];
            assert!(is_exempt || !reads.iter().any(|read| text.contains(read)), "{name}: call http_input for {header}");
        }
    }
}

/// The parser recurses for milliseconds over a hostile text. The edge scans a text before it is parsed.
#[test]
fn requests_are_parsed_by_the_edge_only() {
    for (name, text) in all_sources().into_iter().filter(|(name, _)| name.contains("/src/")) {
        let is_exempt = name.starts_with("libs/graphql-edge/") || name.starts_with("bench/");
        assert!(is_exempt || !text.contains("parse_query"), "{name}: call graphql_edge::parse");
    }
}

/// `transaction` repeats the work when another transaction was in the way. An import commits one batch while it writes
/// the next one, and the mirror has errors of its own: both repeat the work themselves.
#[test]
fn a_transaction_is_begun_by_the_function_that_repeats_it() {
    let folders = ["auth-graph/engine/src", "auth-graph/store/src", "auth-graph/src", "client-graph/src"];
    let exempt = ["auth-graph/engine/src/transfer/import.rs", "client-graph/src/mirror/database.rs"];
    let mut begun = Vec::new();
    for (name, text) in folders.iter().flat_map(|folder| sources(&root().join(folder))) {
        let names =
            ["store::begin", "database::begin", "crate::begin", " begin(&self.db)", "begin_with_options", ".begin()"];
        if names.iter().any(|begin| text.contains(begin)) {
            let repeats = text.contains("is_conflict(") || text.contains("repeat_on_conflict(");
            assert!(repeats, "{name}: call store::transaction");
            begun.push(name);
        }
    }
    begun.sort_unstable();
    assert_eq!(begun, exempt);
}

/// rustfmt wraps code, but not comments.
#[test]
fn no_comment_is_wider_than_the_code() {
    for (name, text) in all_sources() {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("//")) {
            assert!(line.chars().count() <= 120, "{name}:{}: wrap it at 120 columns", number + 1);
        }
    }
}

/// Cargo enforces the floors. This test checks the doors: GraphQL does not know HTTP, and no door knows tables.
#[test]
fn each_door_names_only_what_it_translates() {
    let rules: [(&str, &[&str]); 4] = [
        ("graphql", &["axum", "sea_orm", "crate::http", "crate::cli", "crate::tasks"]),
        ("http", &["sea_orm", "crate::cli"]),
        ("tasks", &["axum", "async_graphql", "sea_orm", "crate::http", "crate::graphql", "crate::cli"]),
        ("cli", &["axum", "async_graphql"]),
    ];
    for (name, text) in sources(&root().join("auth-graph/src")) {
        let door = name.trim_start_matches("auth-graph/src/").split(['/', '.']).next().unwrap().to_owned();
        let forbidden = rules.iter().find(|(ruled, _)| *ruled == door).map_or(&[][..], |(_, forbidden)| forbidden);
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for word in forbidden {
                let named = line.contains(&format!("{word}::")) || line.contains(&format!("use {word};"));
                assert!(!named, "{name}:{}: {door} names {word}", number + 1);
            }
        }
    }
}

/// The floors of auth-graph from top to bottom. None depends on one above it.
#[test]
fn the_floors_depend_on_those_below_them() {
    let floors: [(&str, &[&str]); 4] = [
        ("model", &["axum", "async-graphql", "credentials", "engine", "store"]),
        ("store", &["axum", "async-graphql", "credentials", "engine"]),
        ("credentials", &["axum", "async-graphql", "engine", "reqwest", "sea-orm", "store"]),
        ("engine", &["axum", "async-graphql", "auth-graph"]),
    ];
    for (floor, forbidden) in floors {
        let manifest = root().join("auth-graph").join(floor).join("Cargo.toml");
        let manifest: toml::Table = std::fs::read_to_string(manifest).unwrap().parse().unwrap();
        let dependencies = manifest["dependencies"].as_table().unwrap();
        for name in forbidden {
            assert!(!dependencies.contains_key(*name), "{floor} depends on {name}");
        }
    }
}

/// The command line adds the command to the message of a floor, which the other doors show too.
#[test]
fn no_message_below_the_doors_names_a_command() {
    let cli = Cli::command();
    let commands: Vec<_> = cli.get_subcommands().map(clap::Command::get_name).collect();
    let floors = ["auth-graph/engine", "auth-graph/credentials", "auth-graph/store", "auth-graph/model", "libs"];
    for (name, text) in floors.iter().flat_map(|floor| sources(&root().join(floor))) {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let is_option = line.split([' ', '"', '`', '\'']).any(|word| {
                word.strip_prefix("--").is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_lowercase()))
            });
            let is_command = line.split('`').skip(1).any(|quoted| {
                let words = quoted.strip_prefix("auth-graph ").unwrap_or(quoted);
                words.split_once(' ').is_some_and(|(command, _)| commands.contains(&command))
            });
            assert!(!is_option && !is_command, "{name}:{}: the command line says which command helps", number + 1);
        }
    }
}

/// One file decides on timeouts, redirects, proxies and TLS. `reqwest::get` would build a client too.
#[test]
fn auth_graph_builds_its_http_clients_in_one_file() {
    let floors = ["src", "engine/src", "credentials/src", "store/src", "model/src"];
    let sources: Vec<_> = floors.iter().flat_map(|floor| sources(&root().join("auth-graph").join(floor))).collect();
    let client_file = "auth-graph/engine/src/egress/client.rs";
    assert!(sources.iter().any(|(name, text)| name == client_file && text.contains("Client::builder()")));
    for (name, text) in sources.iter().filter(|(name, text)| name != client_file && text.contains("reqwest")) {
        for (number, line) in text.lines().enumerate() {
            for word in ["Client::builder", "ClientBuilder", "Client::new", "Client::default", "reqwest::get"] {
                assert!(!line.contains(word), "{name}:{}: build the client with egress::client", number + 1);
            }
        }
    }
}

#[test]
fn client_graph_does_not_depend_on_auth_graph() {
    let manifest: toml::Table =
        std::fs::read_to_string(root().join("client-graph/Cargo.toml")).unwrap().parse().unwrap();
    assert!(!manifest["dependencies"].as_table().unwrap().contains_key("auth-graph"));
    for (name, text) in sources(&root().join("client-graph/src")) {
        assert!(!text.contains("auth_graph::"), "{name} names auth_graph");
    }
}

#[test]
fn no_trait_has_a_single_implementation() {
    let sources = all_sources();
    let whole: String = sources.iter().map(|(_, text)| text.as_str()).collect();
    for (name, text) in &sources {
        for line in text.lines() {
            let declared = line.trim().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
            let Some(rest) = declared.strip_prefix("trait ") else {
                continue;
            };
            let declared: String = rest.chars().take_while(|letter| letter.is_alphanumeric()).collect();
            let implementations = whole.matches(&format!("{declared} for ")).count();
            assert!(implementations >= 2 || declared.ends_with("Ext"), "{name}: trait {declared}");
        }
    }
}

/// Converts text to a name: "auth-js#213" and `auth_js_213` become the same.
fn as_name(text: &str) -> String {
    text.chars().map(|letter| if letter.is_alphanumeric() { letter.to_ascii_lowercase() } else { '_' }).collect()
}

/// Each fault must occur in a test of its row, in the name of the test or in its comment.
#[test]
fn every_fault_that_the_guide_lists_is_named_by_a_test() {
    let guide = std::fs::read_to_string(root().join("docs/guides/sessions-and-tokens.md")).unwrap();
    let (_, table) = guide.split_once("| fault | test |\n| --- | --- |\n").unwrap();
    let mut count = 0;
    for row in table.lines().take_while(|line| line.starts_with("| ")) {
        let [_, faults, files, _] = row.split('|').collect::<Vec<_>>().try_into().unwrap();
        let tests = texts_of(files);
        for fault in faults.split_once(": ").unwrap().0.split(", ") {
            let (fault, _other_name) = fault.split_once(" (").unwrap_or((fault, ""));
            count += 1;
            assert!(tests.contains(&format!("{}_", as_name(fault.trim()))), "{fault} in {row}");
        }
    }
    assert!(count > 60, "{count}");
}

#[test]
fn every_advisory_that_a_promise_names_is_named_by_its_test() {
    let promises = std::fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let (_, table) = promises.split_once("| promise | test |\n| --- | --- |\n").unwrap();
    let mut count = 0;
    for row in table.lines().take_while(|line| line.starts_with("| ")) {
        let advisories = row.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
        let advisories: Vec<_> =
            advisories.filter(|word| ["CVE-", "GHSA-", "RUSTSEC-"].iter().any(|list| word.starts_with(list))).collect();
        if advisories.is_empty() {
            continue;
        }
        let [_, _, files, _] = row.split('|').collect::<Vec<_>>().try_into().unwrap();
        let tests = texts_of(files);
        for advisory in advisories {
            count += 1;
            assert!(tests.contains(&as_name(advisory)), "{advisory} in {row}");
        }
    }
    assert!(count > 25, "{count}");
}

/// Returns the files that a row of a table names, as one text of names. A name without a folder is a file of this
/// package.
fn texts_of(files: &str) -> String {
    let files = files.split('`').skip(1).step_by(2).map(|file| match file.contains('/') {
        true => root().join(file),
        false => root().join("auth-graph/tests/it").join(file),
    });
    files.map(|file| as_name(&std::fs::read_to_string(file).unwrap())).collect()
}

#[test]
fn no_todo_is_without_an_issue() {
    for (name, text) in all_sources().iter().filter(|(name, _)| !name.ends_with("tidy.rs")) {
        for word in ["todo!(", "unimplemented!(", "#[ignore", "TODO:", "FIXME"] {
            assert!(!text.contains(word), "{name}: {word}");
        }
    }
}
