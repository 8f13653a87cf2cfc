//! `avt show`: prints a built-in scenario.

use std::ffi::OsString;

use crate::scenario::builtin;
use crate::session::output::{Stop, print};

use super::scenario_name::ScenarioName;
use super::sources::unknown;

/// Print the TOML of a built-in scenario
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: avt show sleep > my-sleep.toml, then: avt run my-sleep.toml")]
pub(super) struct ShowArgs {
    /// Name of a built-in scenario; `avt list` lists them
    #[arg(value_name = "NAME", value_parser = ScenarioName, hide_possible_values = true)]
    scenario: OsString,
}

pub(super) fn main(args: &ShowArgs) -> Result<(), Stop> {
    let found = args.scenario.to_str().and_then(builtin::find).ok_or_else(|| unknown(&args.scenario))?;
    // `print` ends the last line.
    print(found.text.strip_suffix('\n').unwrap_or(found.text))
}
