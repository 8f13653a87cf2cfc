//! Conventions that the compiler does not check: the allowed imports, the purity of modules, and the consistency of
//! code that exists twice.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors of `src/lib.rs`, lowest first. A module imports only from floors below its own.
const FLOORS: [&[&str]; 11] = [
    &["thread_count", "histogram", "timeline", "host", "proc", "random", "replace", "text", "units"],
    &["http1", "job_log", "clock_cost", "schedule", "stats", "usage"],
    &["lanes", "scenario"],
    &["record"],
    &["gate", "protocol"],
    &["analysis", "workload"],
    &["report", "service"],
    &["model", "load"],
    &["runner", "trial"],
    &["session"],
    &["bench", "cli"],
];

/// Modules that compute from their arguments alone.
const PURE: [&str; 10] =
    ["analysis", "histogram", "http1", "random", "report", "scenario", "schedule", "stats", "text", "units"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns every Rust file below a folder, with its text.
fn sources(folder: &str) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.insert(path.strip_prefix(root()).unwrap().to_owned(), text);
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no Rust files");
    found
}

/// Returns the top-level module of a file of `src/`.
fn module(path: &Path) -> String {
    let first = path.components().nth(1).unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// Returns every `crate::name` in the code of a file, except in tests.
fn imports(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut names = Vec::new();
    // Only the paths of visibilities name the private module that all of these are in.
    for part in code.join("\n").replace("crate::floors::", "crate::").split("crate::").skip(1) {
        let list = part.strip_prefix('{').map(|list| list.split('}').next().unwrap());
        let paths: Vec<&str> = list.map_or_else(|| vec![part], |list| list.split(',').collect());
        for path in paths {
            let name: String = path.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !name.is_empty() {
                names.push(name);
            }
        }
    }
    names
}

#[test]
fn a_module_imports_only_from_lower_floors() {
    for (path, text) in sources("src") {
        let own = module(&path);
        if ["lib", "main", "build"].contains(&own.as_str()) {
            continue;
        }
        let own_floor = floor(&own).unwrap_or_else(|| panic!("{own} has no floor: add it to lib.rs and here"));
        for name in imports(&text) {
            let Some(other) = floor(&name) else { panic!("{}: {name} has no floor", path.display()) };
            assert!(
                name == own || other < own_floor,
                "{}: floor {own_floor} imports {name} of floor {other}",
                path.display()
            );
        }
    }
}

/// For each kind of reader, the code that reads a type is compiled once more: with two, 6 % of the library was there twice.
#[test]
fn json_is_read_by_one_kind_of_reader() {
    for (path, text) in sources("src") {
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for other in ["serde_json::from_str", "serde_json::from_reader", "Deserializer::from_"] {
            assert!(!code.contains(other), "{}: {other}: call serde_json::from_slice", path.display());
        }
    }
}

#[test]
fn every_module_is_on_the_map() {
    let map = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let rows: Vec<&str> = map.lines().filter(|line| line.starts_with("//! | ")).collect();
    for (floor, names) in FLOORS.iter().enumerate() {
        let row = rows.iter().find(|row| row.starts_with(&format!("//! | {floor} |")));
        let row = row.unwrap_or_else(|| panic!("the map in lib.rs has no floor {floor}"));
        let modules = row.split(" | ").nth(2).unwrap();
        assert_eq!(modules.matches('`').count(), 2 * names.len(), "floor {floor} of the map: {modules}");
        for name in *names {
            assert!(map.contains(&format!("mod {name};")), "lib.rs has no module {name}");
            assert!(modules.contains(&format!("`{name}`")), "the map in lib.rs has no {name} on floor {floor}");
        }
    }
}

/// Returns the name of the type that a line defines. An indented alias is an associated type, whose name its trait
/// chooses.
fn type_name(line: &str) -> Option<&str> {
    let item = line.trim_start();
    let item = match item.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ")?.1,
        Some(rest) => rest.trim_start(),
        None => item,
    };
    let (kind, rest) = item.split_once(' ')?;
    let is_type = ["struct", "enum", "trait", "union"].contains(&kind) || kind == "type" && !line.starts_with(' ');
    is_type.then(|| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(rest))
}

/// Returns every name that several types have, with the places where they are defined.
fn shared_names(sources: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, text) in sources {
        for (line, name) in (1..).zip(text.lines()).filter_map(|(line, text)| Some((line, type_name(text)?))) {
            places.entry(name).or_default().push(format!("{}:{line}", path.display()));
        }
    }
    places.retain(|name, places| *name != "Error" && places.len() > 1);
    places.into_iter().map(|(name, places)| format!("{name}: {}", places.join(", "))).collect()
}

#[test]
fn no_two_types_share_a_name() {
    let shared = shared_names(&sources("src"));
    assert!(shared.is_empty(), "one name, several types:\n{}", shared.join("\n"));
}

#[test]
fn types_that_share_a_name_are_found_wherever_they_are_defined() {
    let check = |text: &str, expected: &[&str]| {
        let sources = [("src/a.rs", "pub struct Plan {\n"), ("src/b.rs", text)];
        let sources = sources.map(|(path, text)| (PathBuf::from(path), text.to_owned())).into();
        assert_eq!(shared_names(&sources), expected, "{text}");
    };
    check("\npub(in crate::load) enum Plan<'a> {\n", &["Plan: src/a.rs:1, src/b.rs:2"]);
    check("trait Plan: Sized {}\ntype Plan = u32;\n", &["Plan: src/a.rs:1, src/b.rs:1, src/b.rs:2"]);
    check("mod tests {\n    struct Plan;\n}\n", &["Plan: src/a.rs:1, src/b.rs:2"]);
    check("struct Planned;\nimpl X for Y {\n    type Plan = u32;\n}\n// struct Plan\nlet plan: Plan = x;\n", &[]);
    check("enum Error {}\nmod other {\n    pub(crate) struct Error;\n}\n", &[]);
}

#[test]
fn pure_modules_use_no_clock_thread_or_socket() {
    const IMPURE: [&str; 10] = [
        "Instant::now",
        "SystemTime",
        "std::thread",
        "thread::",
        "std::net",
        "tokio",
        "std::fs",
        "std::process",
        "std::env",
        "reqwest",
    ];
    for (path, text) in sources("src") {
        if !PURE.contains(&module(&path).as_str()) {
            continue;
        }
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for word in IMPURE {
                // A word in a message is not an import.
                let uses = line.contains(&format!("{word}::"))
                    || line.contains(&format!("use {word}"))
                    || word.ends_with("now") && line.contains(word);
                assert!(!uses, "{}: a pure module uses {word}: {}", path.display(), line.trim());
            }
        }
    }
}

#[test]
fn the_thread_models_use_no_async_runtime() {
    let sources = sources("src");
    let threads = &sources[Path::new("src/model/threads.rs")];
    for word in ["tokio", "async ", ".await", "rayon", "reqwest"] {
        assert!(!threads.contains(word), "model/threads.rs contains {word}");
    }
    let tasks = &sources[Path::new("src/model/tasks.rs")];
    for word in ["std::thread", "thread::", "block_in_place", "Mutex"] {
        assert!(!tasks.contains(word), "model/tasks.rs contains {word}");
    }
    for (path, text) in &sources {
        assert!(!text.contains("reqwest::blocking"), "{}: reqwest::blocking runs an async runtime", path.display());
    }
}

#[test]
fn the_twins_have_the_same_functions_in_the_same_order() {
    let sources = sources("src");
    let functions = |path: &str| -> Vec<String> {
        let names = sources[Path::new(path)].lines().filter_map(|line| {
            let line = line.trim_start_matches("pub(super) ").trim_start_matches("async ");
            let name: String =
                line.strip_prefix("fn ")?.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            // Variants that only the thread models need.
            let name = ["_sequential", "_each", "_pool"].iter().fold(name, |name, variant| name.replace(variant, ""));
            (name != "start").then_some(name)
        });
        let mut names: Vec<String> = names.collect();
        names.dedup();
        names
    };
    assert_eq!(functions("src/model/threads.rs"), functions("src/model/tasks.rs"));
}

/// Returns a function of one of the twins without async keywords, the pool, comments and line wrapping.
fn normalized(text: &str, function: &str) -> String {
    const STRIPPED: [&str; 7] =
        ["async move ", "async ", ".await", "<P: Pool>", ", P: Pool", "pool: &P, ", ", pool: &P"];
    let start = text.find(&format!("fn {function}")).unwrap_or_else(|| panic!("no function {function}"));
    let end = start + text[start..].find("\n}\n").unwrap();
    let lines = text[start..end].lines().map(str::trim).filter(|line| !line.starts_with("//"));
    let code = STRIPPED.iter().fold(lines.collect::<Vec<_>>().join(" "), |code, words| code.replace(words, ""));
    let breaks = [("; ", ";\n"), ("{ ", "{\n"), ("} ", "}\n"), ("( ", "("), (", )", ")")];
    breaks.iter().fold(code, |code, (joint, wrapped)| code.replace(joint, wrapped))
}

#[test]
fn the_twins_differ_only_in_the_model() {
    let sources = sources("src");
    let [threads, tasks] = ["src/model/threads.rs", "src/model/tasks.rs"].map(|path| sources[Path::new(path)].as_str());
    let differences = ["job", "accept", "connection"].map(|function| {
        let [threads, tasks] = [threads, tasks].map(|text| normalized(text, function));
        let diff = similar::TextDiff::from_lines(&threads, &tasks);
        let changes = diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
        let lines: Vec<String> = changes.map(|change| format!("{} {}", change.tag(), change.value().trim())).collect();
        format!("fn {function}\n{}\n", lines.join("\n"))
    });
    insta::assert_snapshot!(differences.join("\n"));
}

#[test]
fn the_fuzz_targets_share_one_self_contained_oracle() {
    let oracle = fs::read_to_string(root().join("tests/it/http1/oracle.rs")).unwrap();
    for path in ["super::", "crate::"] {
        assert!(!oracle.contains(path), "the oracle is included in other crates, which have no {path}");
    }
    for (path, text) in sources("tests/fuzz").iter().filter(|(path, _)| path.components().count() == 3) {
        let target = path.file_stem().unwrap().to_str().unwrap();
        assert!(text.contains("#[path = \"../it/http1/oracle.rs\"]"), "{target} has an oracle of its own");
        assert!(oracle.contains(&format!("pub(crate) fn check_{target}(")), "the oracle has no check for {target}");
        assert!(root().join("tests/fuzz/corpus").join(target).is_dir(), "{target} has no corpus");
    }
}

#[test]
fn no_dependency_needs_a_newer_compiler_than_stated() {
    let metadata = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let parse = |version: &str| version.split('.').map(|part| part.parse::<u32>().unwrap()).collect::<Vec<_>>();
    let packages = metadata["packages"].as_array().unwrap();
    let ours = packages.iter().find(|package| package["name"] == "async-vs-threads").unwrap();
    let stated = parse(ours["rust_version"].as_str().unwrap());
    // Only resolved packages are built; the lock file also lists those of other platforms.
    let resolved = metadata["resolve"]["nodes"].as_array().unwrap();
    for package in packages.iter().filter(|package| resolved.iter().any(|node| node["id"] == package["id"])) {
        if let Some(needed) = package["rust_version"].as_str() {
            assert!(parse(needed)[..2] <= stated[..2], "{} needs Rust {needed}", package["name"]);
        }
    }
}
