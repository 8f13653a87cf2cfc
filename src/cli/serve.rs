//! `avt serve`: an echo server of one model, alone.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::scenario::Model;
use crate::workload::Steps;
use crate::workload::echo::Echo;
use crate::{host, model};

use super::output::{Stop, note, print};

/// Run the echo server alone: GET /echo/{what}
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: avt serve --model async/2, then: curl http://127.0.0.1:8080/echo/hello")]
pub(super) struct Args {
    /// Who serves: sequential, threads, pool/N, async, async/N, hybrid/blocking or hybrid/rayon-N
    #[arg(long, short, value_name = "MODEL")]
    model: Model,
    /// Where to listen; port 0 takes a free one and says which
    #[arg(long, short, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    addr: SocketAddr,
}

pub(super) fn main(args: &Args) -> Result<(), Stop> {
    let refused = |error: std::io::Error| Stop::machine(format_args!("{}: {error}", args.addr));
    if let Err(error) = host::raise_open_files() {
        note(format_args!("avt: the limit of open files could not be raised: {error}"));
    }
    let listener = model::listen(args.addr).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    if !address.ip().is_loopback() {
        note(format_args!("avt: {address} can be reached from other machines"));
    }
    print(format_args!("listening on http://{address}/echo/hello ({}: {})", args.model, args.model.description()))?;
    let echo = Echo::new(Steps::default(), None, None);
    let Err(error) = model::serve(args.model, listener, Arc::new(echo));
    Err(Stop::machine(format_args!("{} cannot serve: {error}", args.model)))
}
