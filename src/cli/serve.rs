//! `avt serve`: runs only the echo server, under one model.

use std::net::SocketAddr;
use std::process;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::model::{ServeError, Server, Tally, Timeouts};
use crate::runner::{Interrupt, TIME_TO_END, signal_name};
use crate::scenario::Model;
use crate::service::echo::Echo;
use crate::{host, model, units};

use super::model_name::ModelName;
use super::times::some_time;
use crate::session::output::{Stop, note, print};

/// Run the echo server of one model: GET /echo/{what}, POST /echo
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: avt serve --model async/2, then: curl http://127.0.0.1:8080/echo/hello")]
pub(super) struct ServeArgs {
    /// The model that serves: sequential, threads, pool/N, async, async/N, per-core/N, or an async one with a pool, as
    /// async/2+blocking
    #[arg(long, short, value_name = "MODEL", value_parser = ModelName, hide_possible_values = true)]
    model: Model,
    /// Address to listen on; port 0 chooses a free port and prints it
    #[arg(long, short, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    addr: SocketAddr,
    /// Maximum number of open connections; further ones get a 503 [default: by the limit of open files]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    connections: Option<u64>,
    /// Time limit for receiving the head of a request
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = some_time)]
    head_timeout: Duration,
    /// Time limit for receiving the body of a request
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = some_time)]
    body_timeout: Duration,
    /// Time limit for an idle connection between two requests
    #[arg(long, value_name = "TIME", default_value = "75s", value_parser = some_time)]
    idle_timeout: Duration,
    /// Time limit for the peer to read a response
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = some_time)]
    write_timeout: Duration,
    /// Time limit for responses in flight after SIGINT, SIGTERM or SIGHUP
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = some_time)]
    stop_timeout: Duration,
}

/// The reason why a server ends.
enum ServeEnd {
    Signal(i32),
    Served(Result<(), ServeError>),
}

pub(super) fn main(args: &ServeArgs) -> Result<(), Stop> {
    if !args.model.serves() || args.model.is_external() {
        return Err(Stop::input(format_args!(
            "{} serves no connections; use async+rayon/2, threads or another",
            args.model
        )));
    }
    let refused = |error: std::io::Error| Stop::machine(format_args!("{}: {error}", args.addr));
    let files = host::raise_open_files().unwrap_or_else(|error| {
        note(format_args!("avt: the limit of open files could not be raised: {error}"));
        1024
    });
    // Set up before the server is reachable, so that no signal is missed.
    let (ends, ended) = mpsc::channel();
    let pass_on = ends.clone();
    let notify = move |signal| drop(pass_on.send(ServeEnd::Signal(signal)));
    let grace = TIME_TO_END.max(args.stop_timeout.saturating_add(Duration::from_millis(300)));
    Interrupt::listen_with(grace, Some(Box::new(notify))).map_err(Stop::machine)?;
    let listeners = model::listen(args.model, args.addr).map_err(refused)?;
    let address = listeners[0].local_addr().map_err(refused)?;
    if !address.ip().is_loopback() {
        note(format_args!("avt: {address} can be reached from other machines"));
    }
    print(format_args!("listening on http://{address}/echo/hello ({}: {})", args.model, args.model.description()))?;

    let room = files.saturating_sub(OWN_FILES).max(1);
    let most = args.connections.unwrap_or(room);
    if room < args.connections.unwrap_or(FEW) {
        let connections = units::counted(room, "connection", "connections");
        note(format_args!(
            "avt: room for only {connections}: this process may open {files} files and needs {OWN_FILES} itself; raise \
             the limit of open files (ulimit -n)"
        ));
    }
    model::on_refused_thread(|failure| {
        note(format_args!("avt: {failure}"));
        process::exit(3);
    });
    let server = Arc::new(Server::new(None, timeouts(args), most));
    let (model, served) = (args.model, Arc::clone(&server));
    let serve =
        move || drop(ends.send(ServeEnd::Served(model::serve(model, listeners, served, Arc::new(Echo::default())))));
    thread::Builder::new().name("server".into()).spawn(serve).map_err(Stop::machine)?;

    match ended.recv().expect("the signals are listened for as long as the process lives") {
        ServeEnd::Served(ended) => Err(cannot_serve(args, ended)),
        ServeEnd::Signal(signal) => {
            server.stop();
            let in_time = ended.recv_timeout(args.stop_timeout);
            let tally = server.tally();
            note(words(tally, signal));
            match in_time {
                Ok(ServeEnd::Served(Ok(()))) => Ok(()),
                Ok(ServeEnd::Served(ended)) => Err(cannot_serve(args, ended)),
                // Work that is still running must not keep the process alive.
                Ok(ServeEnd::Signal(_)) | Err(_) => process::exit(1),
            }
        }
    }
}

/// Descriptors other than connections: standard streams, the listener twice, the runtime's own, connections answered
/// with 503, and files read briefly.
const OWN_FILES: u64 = 160;

/// Prints a note if there is room for fewer connections than this.
const FEW: u64 = 512;

fn timeouts(args: &ServeArgs) -> Timeouts {
    let ServeArgs { head_timeout: head, body_timeout: body, idle_timeout: idle, write_timeout: write, .. } = *args;
    Timeouts { head, body, idle, write }
}

fn cannot_serve(args: &ServeArgs, ended: Result<(), ServeError>) -> Stop {
    let why = ended.err().map_or_else(|| "the server has ended".into(), |error| error.to_string());
    Stop::machine(format_args!("{} cannot serve: {why}", args.model))
}

fn words(tally: Tally, signal: i32) -> String {
    let Tally { accepted, refused, timed_out, open } = tally;
    let mut text = format!(
        "avt: stopped by {}: {} served",
        signal_name(signal),
        units::counted(accepted, "connection", "connections")
    );
    for (n, what) in [(refused, "refused with 503"), (timed_out, "timed out"), (open, "cut off")] {
        if n > 0 {
            text += &format!(", {} {what}", units::count(n));
        }
    }
    text
}
