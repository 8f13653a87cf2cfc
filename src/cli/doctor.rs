//! `avt doctor`: the ruler's own thickness.

mod findings;
mod measure;
mod tell;

use std::time::Duration;

use crate::runner::Interrupt;

use super::output::{Stop, note, print, print_json};

/// Tell what this machine measures with: clock, timers, limits, and the load generator itself
///
/// The generator is put against a server that does nothing. What is measured then is the floor of latency and the
/// ceiling of rate that no server here can beat, and how exactly a schedule is kept. Read every other figure beside these.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  avt doctor\n  avt doctor --quick --json")]
pub(super) struct Args {
    /// Measure once and briefly, about 10 s, instead of three times
    #[arg(long)]
    quick: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Effort {
    rounds: u32,
    /// Of a closed loop, and of a schedule that has requests enough in it.
    length: Duration,
    /// How often each timer is set.
    timers: u32,
}

const QUICK: Effort = Effort { rounds: 1, length: Duration::from_millis(300), timers: 300 };
const WHOLE: Effort = Effort { rounds: 3, length: Duration::from_secs(1), timers: 1_200 };

pub(super) fn main(args: &Args) -> Result<(), Stop> {
    let interrupt = Interrupt::listen().map_err(Stop::machine)?;
    let (findings, signal) = measure::all(if args.quick { QUICK } else { WHOLE }, &interrupt);
    if findings.host.debug_build {
        note("avt: built without optimisation, so no figure means anything; use `cargo run --release -- doctor`");
    }
    let printed = if args.json { print_json(&tell::json(&findings)) } else { print(tell::text(&findings)) };
    match signal {
        Some(signal) => Err(Stop::signal(signal)),
        None if !findings.failures.is_empty() => Err(Stop::not_well()),
        None => printed,
    }
}
