//! `avt`: see the library for everything but the name.

use std::process::ExitCode;

fn main() -> ExitCode { return async_vs_threads::trial::run();

}
