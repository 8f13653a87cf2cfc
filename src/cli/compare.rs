//! `avt compare`: compares runs before a change with runs after it.

use std::path::{Path, PathBuf};

use crate::analysis::compare::{Change, Comparison, Direction, SideName, compare};
use crate::analysis::{Analysis, analyze};
use crate::record::{Folder, Record, Run};
use crate::report::{self, compare as wording};
use crate::scenario::Scenario;
use crate::text::{self, wrapped};
use crate::units;

use super::grid::Grid;
use super::output::{Stop, note, print, print_json, width};
use super::report::scenarios;

/// Compare runs before a change with runs after it, cell by cell
///
/// Each figure after as a multiple of the figure before, with its 95 % interval. From one run a side only what is more than
/// two runs of the same thing were seen to differ by gets a verdict; several runs a side show that difference themselves.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  avt compare reports/before reports/after --fail-over 10%\n  \
                        avt compare --before reports/a1 reports/a2 reports/a3 --after reports/b1 reports/b2 reports/b3")]
pub(super) struct CompareArgs {
    /// The folders of one run before and one after
    #[arg(value_names = ["BEFORE", "AFTER"], num_args = 2, required_unless_present_all = ["before", "after"],
          conflicts_with_all = ["before", "after"])]
    pair: Vec<PathBuf>,
    /// The folders of the runs before the change
    #[arg(long, value_name = "DIR", num_args = 1.., requires = "after")]
    before: Vec<PathBuf>,
    /// The folders of the runs after the change
    #[arg(long, value_name = "DIR", num_args = 1.., requires = "before")]
    after: Vec<PathBuf>,
    /// End with exit code 1 if a figure got worse by more than this, even at the better end of its interval
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_over: Option<f64>,
    /// Print the comparison as JSON
    #[arg(long)]
    json: bool,
}

/// Parses a percentage as a factor: `10%` as 1.1.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>().ok();
    let percent = number.filter(|percent| percent.is_finite() && *percent >= 0.0);
    percent.map(|percent| 1.0 + percent / 100.0).ok_or_else(|| "a percentage from 0 on, such as 10%".into())
}

/// A run with its scenarios and records.
struct Read {
    run: Run,
    scenarios: Vec<Scenario>,
    records: Vec<Record>,
}

impl Read {
    fn from(folder: &Path) -> Result<Self, Stop> {
        let (run, records) = Folder::read(folder).map_err(Stop::input)?;
        Ok(Self { scenarios: scenarios(&run)?, run, records })
    }
}

fn read(folders: &[PathBuf]) -> Result<Vec<Read>, Stop> {
    folders.iter().map(|folder| Read::from(folder)).collect()
}

fn analyzed(side: &[Read]) -> Vec<Analysis<'_>> {
    side.iter().map(|read| analyze(&read.run, &read.scenarios, &read.records)).collect()
}

pub(super) fn main(args: &CompareArgs) -> Result<(), Stop> {
    let (of_before, of_after) = match args.pair.as_slice() {
        [before, after] => (std::slice::from_ref(before), std::slice::from_ref(after)),
        _ => (args.before.as_slice(), args.after.as_slice()),
    };
    let (before, after) = (read(of_before)?, read(of_after)?);
    let (before, after) = (analyzed(&before), analyzed(&after));
    for (folder, analysis) in of_before.iter().zip(&before).chain(of_after.iter().zip(&after)) {
        if let Some(strays) = report::strays(analysis) {
            note(format_args!("avt: {}: {strays}", text::of_path(folder)));
        }
    }
    let found = compare(&before, &after);
    if found.changes.is_empty() {
        return Err(Stop::input("the runs before and after have no cell in common that all of them measured"));
    }
    let is_over = |change: &&Change| args.fail_over.is_some_and(|limit| change.is_beyond(limit));
    let regressions: Vec<&Change> = found.changes.iter().filter(is_over).collect();
    if args.json {
        print_json(&wording::json(&found, &before, &after, args.fail_over.map(|_| regressions.len())))?;
    } else {
        print(text(&found, &before, &after))?;
        for change in &regressions {
            let figure = format!("{} under {}", wording::heading(change), change.model);
            let line = format!("over the limit: {}, {figure}: {}", wording::place(change), wording::verdict(change));
            print(wrapped(&line, width(), "  ").join("\n"))?;
        }
    }
    if !regressions.is_empty() {
        let n = regressions.len();
        let figures = if n == 1 { "figure" } else { "figures" };
        Err(Stop::unmet(format_args!("{} {figures} got worse by more than --fail-over allows", units::count(n as u64))))
    } else if found.changes.iter().any(Change::rests_on_invalid) {
        Err(Stop::invalid())
    } else {
        Ok(())
    }
}

fn text(found: &Comparison, before: &[Analysis<'_>], after: &[Analysis<'_>]) -> String {
    let mut text = String::new();
    let wide = width();
    let findings = [(SideName::Before, before), (SideName::After, after)];
    let findings = findings.into_iter().filter_map(|(side, runs)| wording::findings(side, runs));
    for warning in found.warnings.iter().map(wording::warning).chain(findings) {
        text += &wrapped(&format!("Mind: {warning}"), wide, "  ").join("\n");
        text.push('\n');
    }
    for here in found.changes.chunk_by(|one, next| wording::place(one) == wording::place(next)) {
        text += &format!("\n{}\n", wrapped(&wording::place(&here[0]), wide, "  ").join("\n"));
        let mut grid = Grid::new(&["model", "figure"], &wording::HEADINGS);
        for change in here {
            grid.row(
                [change.model.to_string(), wording::heading(change).into()].into_iter().chain(wording::columns(change)),
            );
        }
        text += &grid.lines(wide).join("\n");
        text.push('\n');
    }
    text + "\n" + &wrapped(&closing(found), wide, "").join("\n")
}

/// Returns a summary of all figures.
fn closing(found: &Comparison) -> String {
    let count = |wanted: fn(Direction) -> bool| {
        units::count(found.changes.iter().filter(|change| wanted(change.direction)).count() as u64)
    };
    let mut close = format!(
        "Of {} figures {} got worse, {} better; {} show no difference, {} cannot be compared.",
        units::count(found.changes.len() as u64),
        count(|direction| direction == Direction::Worse),
        count(|direction| direction == Direction::Better),
        count(|direction| direction == Direction::Same),
        count(|direction| matches!(direction, Direction::Incomparable(_))),
    );
    if found.changes.iter().any(|change| change.runs == [1, 1]) {
        close += " Figures before and after are geometric means of the rounds. One run a side says little of how much two \
                  runs differ: give several (--before A B C --after D E F) to see smaller differences.";
    } else {
        close += " Figures before and after are geometric means of the runs, and the run is the unit of the interval.";
    }
    close
}
