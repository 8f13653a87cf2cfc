//! The documents match the program: their console blocks are run, their links have targets, and their tables match the
//! code.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use async_vs_threads::scenario::{Metric, builtin};

use crate::support::{avt, run};

/// Documents whose console blocks are run.
const RUN: [&str; 3] = ["README.md", "METHOD.md", "CLI.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(document: &str) -> String {
    fs::read_to_string(root().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// A fenced block.
struct Block {
    language: String,
    text: String,
}

fn blocks(document: &str) -> Vec<Block> {
    let text = read(document);
    let parts: Vec<&str> = text.split("```").collect();
    assert!(parts.len() % 2 == 1, "{document}: unclosed fenced block");
    let fenced = parts.into_iter().skip(1).step_by(2);
    fenced
        .map(|block| {
            let (language, text) = block.split_once('\n').unwrap_or((block, ""));
            Block { language: language.to_owned(), text: text.to_owned() }
        })
        .collect()
}

/// Writes the blocks that begin with `# NAME.toml` to files of that name, for the commands that use them.
fn write_scenarios(blocks: &[Block], folder: &Path) {
    for block in blocks.iter().filter(|block| block.language == "toml") {
        let name = block.text.lines().next().and_then(|line| line.strip_prefix("# "));
        if let Some(name) = name.filter(|name| name.ends_with(".toml") && !name.contains(' ')) {
            fs::write(folder.join(name), &block.text).unwrap();
        }
    }
}

/// Runs a shell command in which `avt` is the binary under test. Returns both output streams together.
fn shell(line: &str, folder: &Path) -> String {
    let avt = Path::new(env!("CARGO_BIN_EXE_avt")).parent().unwrap();
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once(PathBuf::from(avt)).chain(env::split_paths(&path))).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 2>&1\n{line}")]).current_dir(folder).env("PATH", path);
    shell.env_remove("COLUMNS").env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    run(shell).stdout
}

#[test]
fn console_blocks_show_the_output_of_their_commands() {
    for document in RUN {
        let folder = tempfile::tempdir().unwrap();
        let blocks = blocks(document);
        write_scenarios(&blocks, folder.path());
        let is_console = |block: &&Block| ["console", "text"].contains(&block.language.as_str());
        let consoles: Vec<&Block> =
            blocks.iter().filter(is_console).filter(|block| block.text.starts_with("$ avt ")).collect();
        assert!(!consoles.is_empty(), "{document} shows no command");
        for Block { text, .. } in consoles {
            let commands = text.lines().filter_map(|line| line.strip_prefix("$ "));
            let printed: String =
                commands.map(|command| format!("$ {command}\n{}", shell(command, folder.path()))).collect();
            assert_eq!(&printed, text, "{document} does not show the actual output");
        }
    }
}

#[test]
fn code_in_the_readme_is_part_of_a_bench() {
    let custom = read("benches/custom.rs");
    let blocks = blocks("README.md");
    let code: Vec<&Block> = blocks.iter().filter(|block| block.language == "rust").collect();
    assert!(!code.is_empty(), "README.md shows no code");
    for Block { text, .. } in code {
        assert!(custom.contains(text), "benches/custom.rs does not contain:\n{text}");
    }
}

#[test]
fn exit_codes_match_the_help() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let help = words(&run(avt(["--help"])).stdout);
    let document = read("CLI.md");
    let section = document.split("## Exit codes").nth(1).unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() >= 6, "{rows:?}");
    for row in rows {
        let plain = row.replace('`', "");
        let (code, meaning) = plain.trim_matches('|').split_once(" | ").unwrap();
        let (code, meaning) = (code.trim(), meaning.trim());
        assert!(help.contains(&format!("{code} {meaning}")), "avt --help does not contain {code} {meaning:?}: {help}");
    }
}

#[test]
fn every_gate_is_described() {
    let words = read("src/gate/wording.rs");
    let names = words.split("pub fn name").nth(1).unwrap().split("pub fn advice").next().unwrap();
    let names: Vec<&str> = names.split('"').skip(1).step_by(2).collect();
    assert!(names.len() > 20, "{names:?}");
    let method = read("METHOD.md");
    for name in names {
        assert!(method.contains(&format!("| {name} | ")), "METHOD.md has no row for the gate {name:?}");
    }
}

#[test]
fn every_figure_is_described() {
    let method = read("METHOD.md");
    let section = method.split("## Figures").nth(1).unwrap().split("## Gates").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let described: Vec<&str> = rows.flat_map(|figures| figures.split(", ")).collect();
    // The headings for jobs, and those for requests.
    for scenario in ["sleep", "echo"] {
        let scenario = builtin::find(scenario).unwrap().scenario();
        for metric in Metric::ALL {
            let heading = metric.heading(&scenario.points[0].work);
            assert!(described.contains(&heading), "METHOD.md does not describe the figure {heading:?}");
        }
    }
}

#[test]
fn commands_for_continuous_integration_have_valid_options() {
    let [workflow, document] = ["examples/ci/avt.yml", "examples/ci/README.md"].map(read);
    let lines = workflow.lines().chain(document.lines()).map(str::trim);
    let commands: Vec<&str> =
        lines.filter(|line| line.starts_with("avt run ") || line.starts_with("avt compare ")).collect();
    assert!(commands.len() >= 4, "{commands:?}");
    for command in commands {
        // Options before --help are parsed, and nothing is started.
        let words = command.split(" || ").next().unwrap().split(' ').skip(1).map(|word| word.trim_matches('"'));
        let ended = run(avt(words.chain(["--help"])));
        assert_eq!(ended.code, Some(0), "{command}: {ended:?}");
    }
    let ended = run(avt(["run", "--no-such-option", "--help"]));
    assert_eq!(ended.code, Some(2), "an unknown option before --help is refused: {ended:?}");
}

/// Every document of the project.
const DOCUMENTS: [&str; 12] = [
    "README.md",
    "METHOD.md",
    "CLI.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "benches/README.md",
    "examples/ci/README.md",
    "reports/README.md",
    "scenarios/README.md",
    "src/package.md",
    "tests/fuzzing.md",
];

/// Returns the targets of the links of a document, except in code.
fn links(text: &str) -> Vec<String> {
    let prose = text.split("```").step_by(2);
    let targets = prose.flat_map(|prose| prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()));
    targets.map(str::to_owned).collect()
}

/// Returns the anchors of the headings of a document, as GitHub generates them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.split("```").step_by(2).flat_map(str::lines).filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

/// Returns the files of the package that `cargo publish` would upload.
fn packaged() -> Vec<String> {
    let mut cargo = Command::new(env!("CARGO"));
    let listed = run({
        cargo.args(["package", "--list", "--allow-dirty", "--offline", "--locked"]).current_dir(root());
        cargo
    });
    assert_eq!(listed.code, Some(0), "{listed:?}");
    listed.stdout.lines().map(str::to_owned).collect()
}

/// crates.io shows this page, and removes links to files of a package that names no repository.
#[test]
fn the_page_of_the_package_needs_no_repository() {
    let text = read("src/package.md");
    let links = links(&text);
    assert!(!links.is_empty() && links.iter().all(|link| link.starts_with("https://")), "{links:?}");
    assert!(!text.contains("![") && !text.contains("<img"), "a picture");
    let manifest = read("Cargo.toml");
    assert!(manifest.contains("readme = \"src/package.md\"") && !manifest.contains("\nrepository ="), "{manifest}");
    let version = format!("version = \"{}.{}\"", env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"));
    assert!(text.contains(&version), "no {version} in {text}");
}

#[test]
fn links_point_to_existing_files_and_headings() {
    let packaged = packaged();
    for document in DOCUMENTS {
        assert!(packaged.iter().any(|file| file == document), "{document} is not in the package");
        let text = read(document);
        for link in links(&text) {
            if link.contains("://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() {
                root().join(document)
            } else {
                root().join(document).parent().unwrap().join(path)
            };
            assert!(target.exists(), "{document}: {link}: no such file");
            let file = target.canonicalize().unwrap();
            let file = file.strip_prefix(root().canonicalize().unwrap()).unwrap().to_str().unwrap();
            let is_packaged = packaged.iter().any(|name| name == file || name.starts_with(&format!("{file}/")));
            assert!(is_packaged, "{document}: {link}: not in the package");
            if !anchor.is_empty() {
                let headings = anchors(&fs::read_to_string(&target).unwrap());
                assert!(headings.iter().any(|heading| heading == anchor), "{document}: {link}: not in {headings:?}");
            }
        }
    }
}
