//! `avt doctor`: measures how precise measurements on this machine are.

mod advice;
mod progress;
mod render;

use crate::runner::Interrupt;
use crate::runner::doctor::{Depth, examine};
use crate::units;

use crate::session::output::{Stop, note, print, print_json};
use progress::DoctorProgress;

/// Measure the clock, the timers and the limits of this machine, and the load generator itself
///
/// Runs the load generator against a server that does no work. The result is the shortest response time and the highest
/// rate that any server can reach on this machine, and how exactly the generator keeps a schedule. Compare every other
/// figure with these.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  avt doctor\n  avt doctor --quick --json")]
pub(super) struct DoctorArgs {
    /// Measure once and briefly (about 10 s) instead of three times
    #[arg(long)]
    quick: bool,
    /// Print JSON instead of text
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
        note("avt: built without optimisation, so its figures are meaningless; use `cargo run --release -- doctor`");
    }
    let printed = if args.json { print_json(&render::json(&checkup)) } else { print(render::text(&checkup)) };
    let n_failed = checkup.failures.len();
    match signal {
        Some(signal) => Err(Stop::signal(signal)),
        None if n_failed > 0 => {
            let measurements = units::counted(n_failed as u64, "measurement", "measurements");
            Err(Stop::unmet(format_args!("{measurements} failed")))
        }
        None => printed,
    }
}
