//! `avt check`: checks whether scenarios can run, without running them.

use std::ffi::OsString;

use serde::Serialize;

use crate::host;
use crate::runner::{self, Effort};
use crate::scenario::{Mistake, Mistakes};
use crate::text::wrapped;
use crate::units;

use super::scenario_name::ScenarioName;
use super::sources::{read, reject_mistakes};
use crate::session::Named;
use crate::session::output::{Stop, note_color, note_styled, note_width, print, print_json, width};

/// Check scenario files and estimate how long they take, without starting anything
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: avt check scenarios/*.toml")]
pub(super) struct CheckArgs {
    /// Scenario files, or names of built-in ones
    #[arg(required = true, value_name = "FILE", value_parser = ScenarioName, hide_possible_values = true)]
    scenarios: Vec<OsString>,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Checked {
    name: String,
    cells: usize,
    rounds: u32,
    planned_s: f64,
}

/// The `--json` output for a file that cannot run.
#[derive(Debug, Serialize)]
struct Mistaken<'a> {
    file: &'a str,
    mistakes: &'a [Mistake],
}

impl<'a> From<&'a Mistakes> for Mistaken<'a> {
    fn from(mistakes: &'a Mistakes) -> Self {
        Self { file: mistakes.file(), mistakes: mistakes.list() }
    }
}

pub(super) fn main(args: &CheckArgs) -> Result<(), Stop> {
    let (found, mistaken) = read(&args.scenarios)?;
    if args.json && !mistaken.is_empty() {
        print_json(&mistaken.iter().map(Mistaken::from).collect::<Vec<_>>())?;
    } else {
        mistaken.iter().for_each(|mistakes| note_styled(mistakes.render(note_width(), note_color())));
    }
    let processors = host::cpus().len() as u32;
    let checked = reject_mistakes(found, mistaken.len())?.into_iter().map(|Named { scenario, .. }| Checked {
        cells: scenario.cells().len(),
        rounds: scenario.rounds.quick,
        planned_s: runner::expected(&scenario, Effort::Quick, processors).as_secs_f64(),
        name: scenario.name,
    });
    let checked: Vec<Checked> = checked.collect();
    if args.json {
        return print_json(&checked);
    }
    for Checked { name, cells, rounds, planned_s } in checked {
        let time = units::duration((planned_s * 1e9) as u64);
        let line = format!("{name}: {cells} cells x {rounds} rounds, about {time}");
        print(wrapped(&line, width(), "  ").join("\n"))?;
    }
    Ok(())
}
