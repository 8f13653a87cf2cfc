//! `avt`: see the library for everything but the name.

use std::process::ExitCode;

fn main() -> ExitCode {
    async_vs_threads::cli::main()
}
