//! Checks that the documents of this repository are consistent: links lead to files, and the figures of the README are
//! those of the benchmarks.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// Returns the names of the files with the extension `md` in a folder.
fn documents(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".md")).collect();
    names.sort();
    names
}

/// Returns the anchor of a heading, as the usual hosts generate it.
fn anchor(heading: &str) -> String {
    let letters = heading.trim_start_matches('#').trim().chars();
    let kept = letters.filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter.to_ascii_lowercase() }).collect()
}

#[test]
fn every_link_between_documents_has_a_target() {
    let mut links = 0;
    for folder in [".", "docs", "docs/adr", "docs/guides", "e2e", "playground", "schema/released"] {
        for name in documents(folder) {
            let text = read(Path::new(folder).join(&name));
            for rest in text.split("](").skip(1) {
                let link = rest.split(')').next().unwrap();
                if link.contains("://") {
                    continue;
                }
                links += 1;
                let (file, heading) = link.split_once('#').unwrap_or((link, ""));
                let target = if file.is_empty() { name.as_str() } else { file };
                let target = root().join(folder).join(target);
                assert!(target.exists(), "{folder}/{name}: {link}");
                if !heading.is_empty() {
                    let headings = read(&target);
                    let mut headings = headings.lines().filter(|line| line.starts_with('#'));
                    assert!(headings.any(|line| anchor(line) == heading), "{folder}/{name}: {link}");
                }
            }
        }
    }
    assert!(links > 100, "the links were found: {links}");
}

#[test]
fn every_decision_is_in_the_index() {
    let index = read("docs/adr/README.md");
    for name in documents("docs/adr").iter().filter(|name| *name != "README.md") {
        let number: u32 = name[..4].parse().unwrap();
        assert!(index.contains(&format!("[{number}]({name})")), "docs/adr/README.md: {name}");
    }
}

#[test]
fn the_figures_of_the_readme_are_those_of_the_benchmarks() {
    let (readme, benchmarks) = (read("README.md"), read("docs/benchmarks.md"));
    let (_, table) = readme.split_once("| Measured | Value | Target |\n| --- | ---: | ---: |\n").unwrap();
    let rows: Vec<_> = table.lines().take_while(|line| line.starts_with("| ")).collect();
    for row in &rows {
        let row = row.trim_end_matches(" |");
        assert!(benchmarks.lines().any(|line| line.starts_with(row)), "docs/benchmarks.md: {row}");
    }
    assert_eq!(rows.len(), 5);
}

/// Checks every path in backticks that begins with a folder of this repository and is not a pattern.
#[test]
fn every_file_that_the_recipes_name_exists() {
    let recipes = read("CONTRIBUTING.md");
    let folders =
        ["auth-graph/", "client-graph/", "docs/", "e2e/", "migrations/", "playground/", "schema/", "scripts/"];
    let mut files = 0;
    for quoted in recipes.lines().flat_map(|line| line.split('`').skip(1).step_by(2)) {
        let pattern = quoted.contains([' ', '…', '<']) || quoted.contains("YYYY");
        if !pattern && folders.iter().any(|folder| quoted.starts_with(folder)) {
            files += 1;
            assert!(root().join(quoted).exists(), "CONTRIBUTING.md: {quoted}");
        }
    }
    assert!(files > 20, "the files were found: {files}");
}
