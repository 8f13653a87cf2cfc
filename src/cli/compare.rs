//! `avt compare`: two runs, before and after.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::record::{Folder, Record, Run};
use crate::report::compare::{self, Change, Comparison, Direction, Side};
use crate::report::terminal;
use crate::scenario::Scenario;
use crate::stats::{CONFIDENCE, Interval, Spread};
use crate::units;

use super::grid::Grid;
use super::output::{Stop, print, print_json, width};
use super::report::scenarios;

/// Compare two runs, cell by cell
///
/// Each figure of the second run as a multiple of the first's, with its 95 % interval. Only what is more than the noise
/// within each run is called a difference.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: avt compare reports/before reports/after --fail-over 10%")]
pub(super) struct Args {
    /// The folder of the first run
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// The folder of the second run
    #[arg(value_name = "AFTER")]
    after: PathBuf,
    /// End with exit code 1 if a figure got worse by more than this, even at the better end of its interval
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_over: Option<f64>,
    /// Print the comparison as JSON
    #[arg(long)]
    json: bool,
}

/// `10%` as 1.1.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>().ok();
    let percent = number.filter(|percent| percent.is_finite() && *percent >= 0.0);
    percent.map(|percent| 1.0 + percent / 100.0).ok_or_else(|| "a percentage from 0 on, such as 10%".into())
}

/// A run as it is read.
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

    fn side(&self) -> Side<'_> {
        Side { run: &self.run, scenarios: &self.scenarios, records: &self.records }
    }
}

pub(super) fn main(args: &Args) -> Result<(), Stop> {
    let (before, after) = (Read::from(&args.before)?, Read::from(&args.after)?);
    let found = compare::compare(before.side(), after.side());
    if found.changes.is_empty() {
        let (before, after) = (args.before.display(), args.after.display());
        return Err(Stop::input(format_args!("{before} and {after} have no cell in common that both measured")));
    }
    let regressions: Vec<&Change> = found.changes.iter().filter(|change| is_over(change, args.fail_over)).collect();
    if args.json {
        print_json(&told(&found, args.fail_over.map(|_| regressions.len())))?;
    } else {
        print(text(&found))?;
        for change in &regressions {
            let figure = format!("{} under {}", change.heading, change.model);
            print(format_args!("over the limit: {}, {figure}: {}", change.place(), change.verdict()))?;
        }
    }
    if regressions.is_empty() { Ok(()) } else { Err(Stop::not_well()) }
}

fn is_over(change: &Change, limit: Option<f64>) -> bool {
    limit.is_some_and(|limit| change.is_beyond(limit))
}

fn text(found: &Comparison) -> String {
    let mut text = String::new();
    let wide = width().map_or(100, usize::from);
    for warning in &found.warnings {
        text += &terminal::wrapped(&format!("Mind: {warning}"), wide, "  ").join("\n");
        text.push('\n');
    }
    for here in found.changes.chunk_by(|one, next| one.place() == next.place()) {
        text += &format!("\n{}\n", here[0].place());
        let mut grid = Grid::new(&["model", "figure"], &["before", "after", "change", "95 % interval", "verdict"]);
        for change in here {
            grid.row([change.model.to_string(), change.heading.into()].into_iter().chain(change.columns()));
        }
        text += &grid.lines().join("\n");
        text.push('\n');
    }
    let count = |wanted: Direction| {
        units::count(found.changes.iter().filter(|change| change.direction() == wanted).count() as u64)
    };
    let [worse, better, same, unknown] =
        [Direction::Worse, Direction::Better, Direction::Same, Direction::Unknown].map(count);
    let mut close = format!(
        "Of {} figures {worse} got worse, {better} better; {same} show no difference",
        units::count(found.changes.len() as u64)
    );
    if unknown != "0" {
        close += &format!(", and {unknown} rest on too few rounds to tell");
    }
    close += ".";
    let by_chance = found.changes.len() as f64 * (1.0 - CONFIDENCE);
    if by_chance >= 1.0 {
        close += &format!(
            " With 95 % intervals some {by_chance:.0} of them would seem to differ by chance alone, and two runs of the same \
             thing may differ as a whole: run both again."
        );
    }
    text + "\n" + &terminal::wrapped(&close, wide, "").join("\n")
}

fn told(found: &Comparison, over: Option<usize>) -> Value {
    json!({
        "warnings": found.warnings,
        "changes": found.changes.iter().map(change).collect::<Vec<_>>(),
        "over_the_limit": over,
    })
}

fn change(change: &Change) -> Value {
    let spread = |spread: &Spread| json!({ "median": spread.median, "min": spread.min, "max": spread.max });
    let direction = match change.direction() {
        Direction::Better => "better",
        Direction::Worse => "worse",
        Direction::Same => "same",
        Direction::Unknown => "unknown",
    };
    json!({
        "scenario": change.scenario,
        "point": change.point,
        "model": change.model,
        "figure": change.metric.name(),
        "before": spread(&change.before),
        "after": spread(&change.after),
        "ratio": change.ratio.ratio,
        "interval": change.ratio.interval.map(|Interval { low, high }| [low, high]),
        "noise": change.noise,
        "verdict": direction,
    })
}
