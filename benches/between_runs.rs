//! How much two runs of the same thing differ, how often `avt compare` reports that as a change, and how often it finds
//! a real change.
//!
//! `cargo bench --bench between_runs [-- RUNS]`: RUNS runs (3) of a scenario that computes and of one that serves,
//! alternating with runs of the same scenarios with 20 % more work; about ten seconds per pair, on a quiet machine. For
//! each figure it prints how much consecutive runs differed (the median, 19 of 20, and the largest of all pairs), the
//! share of figures of A/A pairs that `avt compare` reports as changed, and the share of A/B pairs in which it finds
//! the 20 %, with one run per side and with three. The thresholds in `analysis/compare.rs` are based on the first of
//! these figures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use async_vs_threads::analysis::compare::{Change, Direction, compare};
use async_vs_threads::analysis::{Analysis, analyze};
use async_vs_threads::record::{Folder, Record, Run};
use async_vs_threads::scenario::{Scenario, parse};

/// Eight computations, of 10 ms or a fifth more.
const COMPUTE: &str = "question = \"A/A?\"\nanalysis = \"A.\"\nworkload = \"offload\"\njobs = 8\ncompute = \"LENGTH\"\n\
                       models = [\"threads\", \"pool/2\", \"async\"]\n[rounds]\nquick = 6\nfull = 10\n";

/// A server that computes for 50 us a request, or a fifth more.
const ECHO: &str = "question = \"A/A?\"\nanalysis = \"A.\"\nworkload = \"echo\"\ncompute = \"LENGTH\"\nserver_cpus = 1\n\
                    models = [\"threads\", \"async\"]\n[rounds]\nquick = 6\nfull = 10\n\
                    [load]\nloop = \"open\"\nrate = 4000\nconnections = 50\nwarmup = \"50ms\"\nduration = \"500ms\"\n";

/// A run as it was read back.
struct Kept {
    run: Run,
    scenarios: Vec<Scenario>,
    records: Vec<Record>,
}

impl Kept {
    fn read(folder: &Path) -> Self {
        let (run, records) = Folder::read(folder).expect("the run wrote its folder");
        let parse = |source: &async_vs_threads::record::Source| {
            parse(&source.name, &source.toml).unwrap_or_else(|mistakes| panic!("{mistakes}"))
        };
        Self { scenarios: run.scenarios.iter().map(parse).collect(), run, records }
    }

    fn analysis(&self) -> Analysis<'_> {
        analyze(&self.run, &self.scenarios, &self.records)
    }
}

/// Runs a scenario once; the calibration is that of the runs beside it.
fn run(folder: &Path, name: &str, text: &str, rounds: Option<&str>) -> Kept {
    let file = folder.join(format!("{name}.toml"));
    std::fs::write(&file, text).expect("a file in a new folder");
    let count = std::fs::read_dir(folder).expect("the folder").count();
    let out: PathBuf = folder.join(format!("{name}-{count}"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_avt"));
    command.arg("run").arg(&file).arg("--out").arg(&out).stdout(Stdio::null()).stderr(Stdio::null());
    command.args(rounds.iter().flat_map(|rounds| ["--rounds", rounds]));
    assert!(command.status().is_ok_and(|status| status.success()), "the run of {name} failed");
    Kept::read(&out)
}

/// By how much pairs of runs of the same thing differ, figure by figure.
#[derive(Default)]
struct Differences {
    /// For each figure the distances of all pairs, ratios of at least 1.
    by_figure: BTreeMap<&'static str, Vec<f64>>,
    /// Figures that were called different, and all.
    called: [usize; 2],
    /// Pairs with at least one of them, and all.
    pairs: [usize; 2],
}

impl Differences {
    fn add(&mut self, changes: &[Change]) {
        let is_called = |change: &&Change| matches!(change.direction, Direction::Better | Direction::Worse);
        let called = changes.iter().filter(is_called).count();
        for change in changes {
            self.by_figure.entry(change.metric.name()).or_default().push(change.distance());
        }
        self.called = [self.called[0] + called, self.called[1] + changes.len()];
        self.pairs = [self.pairs[0] + usize::from(called > 0), self.pairs[1] + 1];
    }

    fn print(&mut self) {
        for (figure, distances) in &mut self.by_figure {
            distances.sort_by(f64::total_cmp);
            let at = |share: f64| {
                let place = ((distances.len() - 1) as f64 * share).round() as usize;
                100.0 * (distances[place] - 1.0)
            };
            println!(
                "  {figure:<12} differs by {:5.1} % (median), {:5.1} % (19 of 20), {:5.1} % (most)",
                at(0.5),
                at(0.95),
                at(1.0)
            );
        }
    }
}

fn share([some, all]: [usize; 2]) -> String {
    format!("{some} of {all} ({:.1} %)", 100.0 * some as f64 / all.max(1) as f64)
}

fn measure(name: &str, text: &str, lengths: [&str; 2], runs: usize, rounds: Option<&str>) {
    let folder = tempfile::tempdir().expect("a new folder");
    let [same, more] = lengths.map(|length| text.replace("LENGTH", length));
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        before.push(run(folder.path(), name, &same, rounds));
        after.push(run(folder.path(), name, &more, rounds));
    }
    let (before, after): (Vec<_>, Vec<_>) =
        (before.iter().map(Kept::analysis).collect(), after.iter().map(Kept::analysis).collect());
    let side = std::slice::from_ref;

    println!("{name}: {} and {}", lengths[0], lengths[1]);
    let (mut all, mut consecutive) = (Differences::default(), Differences::default());
    for (i, one) in before.iter().enumerate() {
        for (j, other) in before.iter().enumerate().skip(i + 1) {
            let changes = compare(side(one), side(other)).changes;
            all.add(&changes);
            if j == i + 1 {
                consecutive.add(&changes);
            }
        }
    }
    all.print();
    println!(
        "  A/A, consecutive pairs: figures called different {}, pairs with one {}",
        share(consecutive.called),
        share(consecutive.pairs)
    );
    println!("  A/A, all pairs: figures called different {}, pairs with one {}", share(all.called), share(all.pairs));

    // The runs with more work: the figures that `avt compare` calls worse.
    let mut found: BTreeMap<(&str, &str), [usize; 2]> = BTreeMap::new();
    let mut count = |sides: &'static str, changes: &[Change]| {
        for change in changes {
            let [worse, all] = found.entry((sides, change.metric.name())).or_default();
            *worse += usize::from(change.direction == Direction::Worse);
            *all += 1;
        }
    };
    let mut pairs = [0; 2];
    for (one, other) in before.iter().zip(&after) {
        let changes = compare(side(one), side(other)).changes;
        let is_found = changes.iter().any(|change| change.direction == Direction::Worse);
        pairs = [pairs[0] + usize::from(is_found), pairs[1] + 1];
        count("one run per side", &changes);
    }
    for (before, after) in before.chunks_exact(3).zip(after.chunks_exact(3)) {
        count("three runs per side", &compare(before, after).changes);
    }
    for ((sides, figure), count) in found {
        println!("  +20 %, {sides}: {figure:<12} worse in {}", share(count));
    }
    println!("  +20 %, one run per side: pairs in which some figure is worse {}", share(pairs));
    let mut aa = Differences::default();
    for six in before.chunks_exact(6) {
        aa.add(&compare(&six[..3], &six[3..]).changes);
    }
    println!("  A/A, three runs per side: figures called different {}", share(aa.called));
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let runs = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(3);
    let (runs, rounds) = if is_test { (2, Some("2")) } else { (runs, None) };
    measure("compute", COMPUTE, ["10ms", "12ms"], runs, rounds);
    measure("echo", ECHO, ["50us", "60us"], runs, rounds);
    ExitCode::SUCCESS
}
