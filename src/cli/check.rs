//! `avt check`: whether scenarios can run, without running them.

use std::ffi::OsString;

use serde::Serialize;

use crate::host;
use crate::runner::{Effort, plan};
use crate::scenario::Mistake;
use crate::units;

use super::output::{Stop, print, print_json};
use super::sources::{Named, cannot_run, read, scenarios};

/// Check scenario files and say how long they would take
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: avt check scenarios/*.toml")]
pub(super) struct Args {
    /// Scenario files, or names of built-in ones
    #[arg(required = true, value_name = "FILE")]
    scenarios: Vec<OsString>,
    /// Print JSON
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

/// What `--json` prints of a file that cannot run.
#[derive(Debug, Serialize)]
struct Mistaken<'a> {
    file: &'a str,
    mistakes: &'a [Mistake],
}

pub(super) fn main(args: &Args) -> Result<(), Stop> {
    if args.json {
        let (_, mistaken) = read(&args.scenarios)?;
        if !mistaken.is_empty() {
            let list: Vec<_> =
                mistaken.iter().map(|file| Mistaken { file: file.file(), mistakes: file.list() }).collect();
            print_json(&list)?;
            return Err(cannot_run(mistaken.len(), args.scenarios.len()));
        }
    }
    let processors = host::cpus().len() as u32;
    let checked = scenarios(&args.scenarios)?.into_iter().map(|Named { scenario, .. }| Checked {
        cells: scenario.cells().len(),
        rounds: scenario.rounds.quick,
        planned_s: plan(std::slice::from_ref(&scenario), Effort::Quick, 0, processors).expected().as_secs_f64(),
        name: scenario.name,
    });
    let checked: Vec<Checked> = checked.collect();
    if args.json {
        return print_json(&checked);
    }
    for Checked { name, cells, rounds, planned_s } in checked {
        let time = units::duration((planned_s * 1e9) as u64);
        print(format_args!("{name}: {cells} cells x {rounds} rounds, about {time}"))?;
    }
    Ok(())
}
