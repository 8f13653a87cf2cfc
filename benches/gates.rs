//! How useful each gate is: whether the trials that it flags deviate more often than the others.
//!
//! `cargo bench --bench gates -- reports/ONE reports/TWO...` prints one table per run; `cargo bench --bench gates --
//! --test` only checks that `reports/sample` can be read. Nothing is measured.
//!
//! A trial is *off* if its figure deviates from the usual figure of its cell: the median response time by more than 15
//! %, the p99 by a factor of 2, the wall time of jobs by 5 %. The usual figure is the median over the rounds, in the
//! run where it is lowest, because a disturbed run is a bad reference. A gate is useful if many of the trials in which
//! it *fired* are off, and few of the *others*. No gate can find a trial that is off because it was faster than usual;
//! the last line counts those that were slower.
//!
//! *alone* counts the trials that no other gate flagged; *median* and *worst* are those of the value that is compared
//! with the threshold. Choose a threshold on some runs, and check it on others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use async_vs_threads::gate::{self, Finding};
use async_vs_threads::record::{Folder, FolderError, Measured, Outcome, Record};
use async_vs_threads::scenario::CellId;
use async_vs_threads::stats::Spread;

/// What kind of trial it was: each has gates of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Jobs,
    OpenLoop,
    ClosedLoop,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Jobs, Self::OpenLoop, Self::ClosedLoop];

    fn from_measured(measured: &Measured) -> Self {
        match &measured.load {
            None => Self::Jobs,
            Some(load) if load.offered_per_s.is_some() => Self::OpenLoop,
            Some(_) => Self::ClosedLoop,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::OpenLoop => "open loop",
            Self::ClosedLoop => "closed loop",
        }
    }
}

/// The figures of a trial, nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Figures {
    /// The wall time of jobs, the median response time of a load.
    typical: f64,
    /// The 99th percentile of the response times of a load.
    p99: Option<f64>,
}

/// One measured trial.
#[derive(Debug)]
struct Trial {
    cell: CellId,
    kind: Kind,
    figures: Figures,
    findings: Vec<Finding>,
}

impl Trial {
    /// Nothing of a trial that was not measured, or in which nobody was answered.
    fn from_record(record: &Record) -> Option<Self> {
        let Outcome::Measured(measured) = &record.outcome else { return None };
        let kind = Kind::from_measured(measured);
        let typical = match (kind, measured.series.first()) {
            (Kind::Jobs, _) => measured.wall_ns,
            (_, series) => series?.response_time.quantile(0.5)?,
        };
        let p99 = measured.series.first().filter(|_| kind != Kind::Jobs);
        let p99 = p99.and_then(|series| series.response_time.credible_quantile(0.99));
        Some(Self {
            cell: record.cell.clone(),
            kind,
            figures: Figures { typical: typical as f64, p99: p99.map(|nanos| nanos as f64) },
            findings: gate::check_trial(&record.conditions, measured),
        })
    }
}

/// How a trial compares with what is usual for its cell.
#[derive(Clone, Copy, Debug, Default)]
struct Off {
    /// The wall time, or the median response time.
    typical: bool,
    p99: bool,
    /// Whether one of these that is off is more than usual.
    is_slower: bool,
}

impl Off {
    fn any(self) -> bool {
        self.typical || self.p99
    }
}

/// The usual figures of each cell: medians over the rounds, and of several runs the lowest median.
fn usual(runs: &[Vec<Trial>]) -> BTreeMap<&CellId, Figures> {
    let mut usual: BTreeMap<&CellId, Figures> = BTreeMap::new();
    for run in runs {
        let cells: BTreeSet<&CellId> = run.iter().map(|trial| &trial.cell).collect();
        for cell in cells {
            let of_cell = || run.iter().filter(|trial| trial.cell == *cell).map(|trial| trial.figures);
            let median = |values: Vec<f64>| Spread::summarize(values).map(|spread| spread.median);
            let Some(typical) = median(of_cell().map(|figures| figures.typical).collect()) else { continue };
            let p99 = median(of_cell().filter_map(|figures| figures.p99).collect());
            let known = usual.entry(cell).or_insert(Figures { typical, p99 });
            known.typical = known.typical.min(typical);
            known.p99 = known.p99.into_iter().chain(p99).reduce(f64::min);
        }
    }
    usual
}

fn off(trial: &Trial, usual: &Figures) -> Off {
    let tolerance = if trial.kind == Kind::Jobs { 0.05 } else { 0.15 };
    let typical = trial.figures.typical / usual.typical;
    let p99 = trial.figures.p99.zip(usual.p99).map_or(1.0, |(p99, usual)| p99 / usual);
    let is_typical_off = (typical - 1.0).abs() > tolerance;
    let is_p99_off = !(0.5..=2.0).contains(&p99);
    let is_slower = is_typical_off && typical > 1.0 || is_p99_off && p99 > 1.0;
    Off { typical: is_typical_off, p99: is_p99_off, is_slower }
}

/// The value that a gate compares with its threshold, and its unit.
fn value(finding: &Finding) -> (f64, &'static str) {
    match *finding {
        Finding::Busy { share, .. }
        | Finding::Queued { share }
        | Finding::Stolen { share }
        | Finding::OtherPrograms { share, .. }
        | Finding::SlowCpu { share }
        | Finding::Behind { share } => (share * 100.0, "%"),
        Finding::SharedCpus { waited, .. } => (waited.unwrap_or(0.0) * 100.0, "%"),
        Finding::Paused { longest_ns, .. } => (longest_ns as f64 / 1e6, "ms"),
        Finding::Throttled { for_ns } => (for_ns as f64 / 1e6, "ms"),
        Finding::Unsteady { ratio } => (ratio, "x"),
        _ => (finding.severity(), "x"),
    }
}

/// One line of the table: a gate in one kind of trials.
#[derive(Debug, Default)]
struct Row {
    alone: usize,
    values: Vec<f64>,
    unit: &'static str,
    /// The most severe one, and its value.
    worst: Option<(f64, f64)>,
    fired: Vec<Off>,
}

impl Row {
    fn add(&mut self, finding: &Finding, is_alone: bool, off: Off) {
        let (value, unit) = value(finding);
        self.alone += usize::from(is_alone);
        self.values.push(value);
        self.unit = unit;
        if self.worst.is_none_or(|(severity, _)| finding.severity() > severity) {
            self.worst = Some((finding.severity(), value));
        }
        self.fired.push(off);
    }

    fn print(&self, name: &str, kind: Kind, all: &[Off]) {
        let count = |offs: &[Off], is_off: fn(&Off) -> bool| offs.iter().filter(|off| is_off(off)).count();
        let (fired, others) = (self.fired.len(), all.len() - self.fired.len());
        let pair = |is_off: fn(&Off) -> bool| {
            let among_fired = count(&self.fired, is_off);
            [percent(among_fired, fired), percent(count(all, is_off) - among_fired, others)]
        };
        let [typical, typical_others] = pair(|off| off.typical);
        let [p99, p99_others] = if kind == Kind::Jobs { ["", ""].map(str::to_owned) } else { pair(|off| off.p99) };
        let median = Spread::summarize(self.values.iter().copied()).map_or(0.0, |spread| spread.median);
        let worst = self.worst.map_or(0.0, |(_, value)| value);
        let [median, worst] = [median, worst].map(|value| format!("{value:.1} {}", self.unit));
        println!(
            "{name:<20} {:<11} {:>6} {fired:>5} {:>5} {median:>9} {worst:>9}  {typical:>6} {typical_others:>6} {p99:>6} {p99_others:>6}",
            kind.name(),
            all.len(),
            self.alone,
        );
    }
}

fn percent(part: usize, of: usize) -> String {
    if of == 0 { "-".into() } else { format!("{:.0} %", part as f64 / of as f64 * 100.0) }
}

/// Prints the table of a run.
fn print(trials: &[Trial], usual: &BTreeMap<&CellId, Figures>) {
    let judged: Vec<(&Trial, Off)> = trials.iter().map(|trial| (trial, off(trial, &usual[&trial.cell]))).collect();
    println!("{:<20} {:<11} {:>6} {:>5} {:>5} {:>9} {:>9}  p50/wall off    p99 off", "", "", "", "", "", "", "");
    println!(
        "{:<20} {:<11} {:>6} {:>5} {:>5} {:>9} {:>9}  {:>6} {:>6} {:>6} {:>6}",
        "gate", "kind", "trials", "fired", "alone", "median", "worst", "fired", "others", "fired", "others"
    );
    let mut rows: BTreeMap<(&str, Kind), Row> = BTreeMap::new();
    for (trial, off) in &judged {
        for finding in &trial.findings {
            rows.entry((finding.name(), trial.kind)).or_default().add(finding, trial.findings.len() == 1, *off);
        }
    }
    for ((name, kind), row) in &rows {
        let all: Vec<Off> = judged.iter().filter(|(trial, _)| trial.kind == *kind).map(|(_, off)| *off).collect();
        row.print(name, *kind, &all);
    }
    let all_kinds =
        Kind::ALL.map(|kind| (kind.name(), judged.iter().filter(|(trial, _)| trial.kind == kind).collect()));
    for (name, of_kind) in [("all", judged.iter().collect::<Vec<_>>())].into_iter().chain(all_kinds) {
        let count = |of: &dyn Fn(&Trial, Off) -> bool| of_kind.iter().filter(|(trial, off)| of(trial, *off)).count();
        let is_flagged = |trial: &Trial| !trial.findings.is_empty();
        println!(
            "{name}: flagged {} of {}; off {}, flagged {} of these; slower {}, flagged {} of these",
            count(&|trial, _| is_flagged(trial)),
            of_kind.len(),
            count(&|_, off| off.any()),
            count(&|trial, off| off.any() && is_flagged(trial)),
            count(&|_, off| off.is_slower),
            count(&|trial, off| off.is_slower && is_flagged(trial)),
        );
    }
}

fn read(folder: &Path) -> Result<Vec<Trial>, FolderError> {
    let (_, records) = Folder::read(folder)?;
    Ok(records.iter().filter_map(Trial::from_record).collect())
}

fn main() -> ExitCode {
    let folders: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let mut folders: Vec<PathBuf> =
        folders.into_iter().filter(|arg| !arg.to_string_lossy().starts_with("--")).collect();
    if folders.is_empty() {
        folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/sample"));
    }
    let runs: Result<Vec<Vec<Trial>>, FolderError> = folders.iter().map(|folder| read(folder)).collect();
    match runs {
        Ok(runs) => {
            let usual = usual(&runs);
            for (folder, trials) in folders.iter().zip(&runs) {
                println!("\n{}", folder.display());
                print(trials, &usual);
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
