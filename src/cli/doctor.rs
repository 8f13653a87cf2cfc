//! `avt doctor`: measures how precise measurements on this machine are.

mod advice;
mod progress;
mod render;

use crate::runner::Interrupt;
use crate::runner::doctor::{Depth, examine};

use super::output::{Stop, note, print, print_json};
use progress::DoctorProgress;

/// Tell what this machine measures with: clock, timers, limits, and the load generator itself
///
/// The generator is put against a server that does nothing. What is measured then is the floor of latency and the
/// ceiling of rate that no server here can beat, and how exactly a schedule is kept. Read every other figure beside these.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  avt doctor\n  avt doctor --quick --json")]
pub(super) struct DoctorArgs {
    /// Measure once and briefly, about 10 s, instead of three times
    #[arg(long)]
    quick: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn main(args: &DoctorArgs) -> Result<(), Stop> {
    let interrupt = Interrupt::listen().map_err(Stop::machine)?;
    let depth = if args.quick { Depth::Quick } else { Depth::Thorough };
    let progress = DoctorProgress::new(depth);
    let (checkup, signal) = examine(depth, &interrupt, |probe| progress.begin(probe));
    progress.finish();
    if checkup.host.debug_build {
        note("avt: built without optimisation, so no figure means anything; use `cargo run --release -- doctor`");
    }
    let printed = if args.json { print_json(&render::json(&checkup)) } else { print(render::text(&checkup)) };
    let n_failed = checkup.failures.len();
    match signal {
        Some(signal) => Err(Stop::signal(signal)),
        None if n_failed > 0 => {
            let measurements = if n_failed == 1 { "measurement" } else { "measurements" };
            Err(Stop::unmet(format_args!("{n_failed} {measurements} failed")))
        }
        None => printed,
    }
}
