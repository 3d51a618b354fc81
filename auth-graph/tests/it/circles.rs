//! There is no circle between files, so that each file can be read, tested and moved together with the files below it.
//!
//! The test reads the product code of every package (`src/`, without `#[cfg(test)] mod tests`). A file has an arrow to
//! each file whose items it names: by a `use`, by a path that begins with `crate`, `super` or `self`, or by a path that
//! begins with a module that it declares or imports. A `mod child;` is not an arrow, nor is a `pub use child::Item`
//! whose name the file itself does not use. A name that a module re-exports leads to the file that defines it.

mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use words::{end_of_block, is_name, words};

#[test]
fn no_circle_between_files() {
    let packages = packages();
    assert!(packages.len() > 10, "the packages were found");
    let mut circles = BTreeSet::new();
    for package in packages {
        let name = package.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let found = Tree::read(&package.join("src")).circles();
        circles.extend(found.iter().map(|circle| format!("{name}: {}", circle.join(" <-> "))));
    }
    let circles: Vec<_> = circles.into_iter().collect();
    assert!(circles.is_empty(), "a circle between files:\n{}\n", circles.join("\n"));
}

/// Tests the reader itself: the names that it counts as arrows, and those that it does not.
#[test]
fn a_circle_is_found_through_names_that_a_module_re_exports() {
    let circles = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), File::read(text))).collect();
        Tree { files }.circles()
    };
    let passed_on = [("lib.rs", "mod a; mod b; pub use a::A;"), ("a.rs", "use crate::b::B; pub struct A(B);")];
    let back = |text| [passed_on[0], passed_on[1], ("b.rs", text)];
    assert_eq!(circles(&back("use crate::A; pub struct B;")), [["a.rs", "b.rs"]]);
    assert_eq!(circles(&back("pub struct B; fn f() { let _ = super::A::new(); }")), [["a.rs", "b.rs"]]);
    assert!(circles(&back("pub struct B; // crate::A and \"crate::A\"\n")).is_empty());
    assert!(circles(&back("pub struct B; #[cfg(test)] mod tests { use crate::A; }")).is_empty());
    let parent = "mod child; pub use child::Child; pub struct Item;";
    let child = ("a/child.rs", "use super::Item; pub struct Child(Item);");
    assert!(circles(&[("lib.rs", "mod a;"), ("a.rs", parent), child]).is_empty());
    let user = format!("{parent} fn f(_: Child) {{}}");
    assert_eq!(circles(&[("lib.rs", "mod a;"), ("a.rs", &user), child]), [["a.rs", "a/child.rs"]]);
    let user = "mod child; pub struct Item; fn f() { child::g() }";
    assert_eq!(circles(&[("lib.rs", "mod a;"), ("a.rs", user), child]), [["a.rs", "a/child.rs"]]);
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns the folders with a `Cargo.toml` and a `src`, up to three levels deep.
fn packages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![(root(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        if folder.join("Cargo.toml").exists() && folder.join("src").is_dir() {
            found.push(folder.clone());
        }
        let skipped = ["target", "node_modules", "src", "tests"];
        let inner = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        let inner = inner.filter(|path| !skipped.iter().any(|name| path.ends_with(name)));
        folders.extend(inner.filter(|_| depth < 3).map(|path| (path, depth + 1)));
    }
    found.sort();
    found
}

/// The files of a package by their names below `src`.
struct Tree {
    files: BTreeMap<String, File>,
}

/// The names of one file.
#[derive(Debug, Default)]
struct File {
    /// Names that the file defines.
    items: BTreeSet<String>,
    /// Child modules that are files.
    children: BTreeSet<String>,
    /// Names that the file imports.
    imports: BTreeMap<String, Import>,
    /// Modules that the file imports with a glob.
    globs: Vec<Vec<String>>,
    /// Every path with more than one segment outside of a `use`.
    paths: BTreeSet<Vec<String>>,
    /// Every name outside of a `use`.
    names: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Import {
    path: Vec<String>,
    public: bool,
}

/// The target of a path.
enum Target {
    Item(String),
    Module(String),
}

impl Tree {
    fn read(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(inner) = folders.pop() {
            for entry in std::fs::read_dir(inner).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                    files.insert(name, File::read(&std::fs::read_to_string(&path).unwrap()));
                }
            }
        }
        Self { files }
    }

    /// Returns the file of a module, such as `a/child.rs` for `child` of `a.rs`.
    fn child(&self, of: &str, name: &str) -> Option<String> {
        let child = match of {
            "lib.rs" | "main.rs" => format!("{name}.rs"),
            _ => format!("{}/{name}.rs", of.trim_end_matches(".rs")),
        };
        self.files.contains_key(&child).then_some(child)
    }

    fn parent(&self, of: &str) -> String {
        match of.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}.rs"),
            None if self.files.contains_key("lib.rs") => "lib.rs".to_owned(),
            None => "main.rs".to_owned(),
        }
    }

    /// Returns the target of a path in a file, or `None` when it leaves the package.
    fn follow(&self, from: &str, path: &[String], depth: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" if from == "main.rs" => self.descend("main.rs".to_owned(), rest, depth),
            "crate" => self.descend(self.parent("top"), rest, depth),
            "self" => self.descend(from.to_owned(), rest, depth),
            "super" => {
                let parent = self.parent(from);
                match rest.first().is_some_and(|next| next == "super") {
                    true => self.follow(&parent, rest, depth),
                    false => self.descend(parent, rest, depth),
                }
            }
            name => {
                let file = &self.files[from];
                if file.children.contains(name) || file.items.contains(name) {
                    return self.descend(from.to_owned(), path, depth);
                }
                let import = file.imports.get(name).filter(|import| import.path != path && depth < 9)?;
                self.follow(from, &[&import.path, rest].concat(), depth + 1)
            }
        }
    }

    /// Returns the target of a path that begins in a module.
    fn descend(&self, module: String, path: &[String], depth: usize) -> Option<Target> {
        let Some((name, rest)) = path.split_first() else {
            return Some(Target::Module(module));
        };
        if let Some(child) = self.child(&module, name) {
            return self.descend(child, rest, depth);
        }
        let file = &self.files.get(&module)?;
        if file.items.contains(name) || depth > 9 {
            return Some(Target::Item(module));
        }
        if let Some(import) = file.imports.get(name) {
            return self.follow(&module, &[&import.path, rest].concat(), depth + 1);
        }
        let known = |glob: &Vec<String>| match self.follow(&module, glob, depth + 1)? {
            Target::Module(through) if self.files[&through].items.contains(name) => Some(Target::Item(through)),
            _ => None,
        };
        file.globs.iter().find_map(known).or(Some(Target::Item(module)))
    }

    fn arrows(&self, from: &str) -> BTreeSet<String> {
        let file = &self.files[from];
        let mut arrows = BTreeSet::new();
        let mut add = |path: &[String]| {
            if let Some(Target::Item(to)) = self.follow(from, path, 0)
                && to != from
            {
                arrows.insert(to);
            }
        };
        for (name, import) in &file.imports {
            let first = import.path.iter().find(|segment| *segment != "self");
            let passes_on = import.public && first.is_some_and(|first| file.children.contains(first));
            if !passes_on || file.names.contains(name) {
                add(&import.path);
            }
        }
        for path in &file.paths {
            add(path);
        }
        arrows
    }

    /// Returns the strongly connected components with more than one file: files that reach each other.
    fn circles(&self) -> Vec<Vec<String>> {
        let arrows: BTreeMap<&String, BTreeSet<String>> =
            self.files.keys().map(|name| (name, self.arrows(name))).collect();
        let reached = |from: &String| {
            let mut seen = BTreeSet::new();
            let mut waiting = vec![from.clone()];
            while let Some(file) = waiting.pop() {
                let new = arrows[&file].iter().filter(|to| seen.insert((*to).clone()));
                waiting.extend(new.cloned().collect::<Vec<_>>());
            }
            seen
        };
        let reached: BTreeMap<&String, BTreeSet<String>> =
            self.files.keys().map(|name| (name, reached(name))).collect();
        let mut circles = BTreeSet::new();
        for name in self.files.keys().filter(|name| reached[name].contains(*name)) {
            let together = reached[name].iter().filter(|other| reached[other].contains(name));
            circles.insert(together.cloned().collect::<Vec<_>>());
        }
        circles.into_iter().collect()
    }
}

impl File {
    fn read(text: &str) -> Self {
        let words = words(text);
        let mut file = Self::default();
        // Depths of the braces of the inline modules that contain the current position.
        let mut inline: Vec<usize> = Vec::new();
        let (mut at, mut depth) = (0, 0);
        let word = |at: usize| words.get(at).map_or("", String::as_str);
        while at < words.len() {
            match word(at) {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    inline.retain(|opened| *opened <= depth);
                }
                "use" if word(at + 1) != "<" => {
                    let public = at > 0 && matches!(word(at - 1), "pub" | ")");
                    let end = at + words[at..].iter().position(|word| word == ";").unwrap_or(words.len() - at - 1);
                    file.take_use(&words[at + 1..end], &mut Vec::new(), public, inline.len());
                    at = end;
                }
                "mod" if word(at + 2) == ";" => {
                    file.children.insert(word(at + 1).to_owned());
                    at += 2;
                }
                "mod" if word(at + 2) == "{" => {
                    if word(at + 1) == "tests" {
                        at = end_of_block(&words, at + 2);
                    } else {
                        file.items.insert(word(at + 1).to_owned());
                        depth += 1;
                        inline.push(depth);
                        at += 2;
                    }
                }
                "struct" | "enum" | "fn" | "trait" | "const" | "static" | "type" | "union" if depth == inline.len() => {
                    file.items.insert(word(at + 1).to_owned());
                }
                "macro_rules" => {
                    file.items.insert(word(at + 2).to_owned());
                }
                "." => at += 1,
                name if is_name(name) && word(at.wrapping_sub(1)) != "::" => {
                    let mut path = vec![name.to_owned()];
                    while word(at + 1) == "::" && is_name(word(at + 2)) {
                        path.push(word(at + 2).to_owned());
                        at += 2;
                    }
                    file.take_path(path, inline.len());
                }
                _ => {}
            }
            at += 1;
        }
        file
    }

    /// Records a path. Within inline modules, `super` leads to the file itself.
    fn take_path(&mut self, path: Vec<String>, inline: usize) {
        self.names.insert(path[0].clone());
        let up = path.iter().take_while(|segment| *segment == "super").count();
        if path.len() > 1 && (up == 0 || up > inline) && !(inline > 0 && path[0] == "self") {
            self.paths.insert(path[up.min(inline)..].to_vec());
        }
    }

    /// Records the tree of a `use`, such as `crate::{a::A, b as c}`.
    fn take_use(&mut self, words: &[String], prefix: &mut Vec<String>, public: bool, inline: usize) {
        let length = prefix.len();
        let mut at = 0;
        let mut alias = None;
        while at < words.len() {
            match words[at].as_str() {
                "::" => {}
                "{" => {
                    let end = end_of_block(words, at);
                    self.take_use(&words[at + 1..end], prefix, public, inline);
                    prefix.truncate(length);
                    at = end + 1;
                    alias = None;
                }
                "as" => {
                    alias = words.get(at + 1).cloned();
                    at += 1;
                }
                "," => {
                    self.take_import(prefix, length, alias.take(), public, inline);
                    prefix.truncate(length);
                }
                name => prefix.push(name.to_owned()),
            }
            at += 1;
        }
        self.take_import(prefix, length, alias, public, inline);
        prefix.truncate(length);
    }

    fn take_import(&mut self, path: &[String], length: usize, alias: Option<String>, public: bool, inline: usize) {
        let up = path.iter().take_while(|segment| *segment == "super").count();
        if path.len() == length || (up > 0 && up <= inline) {
            return;
        }
        let mut path = path[up.min(inline)..].to_vec();
        match path.last().map(String::as_str) {
            Some("*") => {
                path.pop();
                self.globs.push(path);
                return;
            }
            Some("self") => drop(path.pop()),
            _ => {}
        }
        if let Some(name) = alias.or_else(|| path.last().cloned()) {
            self.imports.insert(name, Import { path, public });
        }
    }
}
