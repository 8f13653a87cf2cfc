//! `avt load`: the load generator alone, against any HTTP/1.1 server.

mod args;
mod export;
mod live;
mod picture;
mod servers;
mod tell;
mod watch;

use std::fs::File;
use std::io::{LineWriter, Write as _};
use std::time::SystemTime;

use hdrhistogram::serialization::V2DeflateSerializer;

use crate::analysis::{LoadAnalysis, LoadFigures, analyze_load};
use crate::host::Host;
use crate::load::{self, Endpoint, Interval, LoadError, Loaded, Observer, Plan, Question, Secure, Until};
use crate::report::{self, LoadReport};
use crate::runner::Interrupt;
use crate::text;
use crate::units;
use crate::usage::{ProcessesMeter, ProcessesUsage, listeners_at, listeners_at_path};

pub(super) use args::Args;

use super::output::{Stop, note, print, print_json, width};
use super::strict::ended;
use args::Target;
use export::Log;
use live::Live;
use watch::Watch;

pub(super) fn main(args: &Args) -> Result<(), Stop> {
    let (target, paths) = args.targets()?;
    let question = args.question(&target, paths)?;
    let servers = match &args.unix {
        Some(path) => servers::at_path(path)?,
        None => servers::of_name(&target.host, target.port, args.timeout)?,
    };
    let secure = args.secure(&target)?;
    let mut plan = plan(args, &target, question, servers[0].clone(), secure);
    let interrupt = Interrupt::listen().map_err(Stop::machine)?;
    note(format_args!(
        "{} over {} connections, {}: {}",
        args.urls_in_words(),
        units::count(args.connections.into()),
        plan.arrival.in_words(),
        length(&plan)
    ));

    let mut serializer = V2DeflateSerializer::new();
    let mut file = args.hlog.as_ref().map(|path| export::create(path, "--hlog")).transpose()?.map(LineWriter::new);
    let log = file.as_mut().map(|file| Log::begin(file, &mut serializer, &args.urls_in_words())).transpose();
    let log = log.map_err(|error| Stop::machine(format_args!("--hlog: {error}")))?;
    let hgrm = args.hgrm.as_ref().map(|path| export::create(path, "--hgrm")).transpose()?;
    let html = args.html.as_ref().map(|path| export::create(path, "--html")).transpose()?;
    let started = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let (live, watch) = (Live::new(&plan), Watch::over(&[]));
    let mut watcher = Watcher { interrupt: &interrupt, meter: None, watch, server: None, live, log };
    let loaded = ask_first_that_answers(&servers, &mut plan, &mut watcher);
    watcher.live.clear();
    let loaded = loaded.map_err(|error| match error {
        LoadError::Tls(_) => Stop::input(error),
        _ => Stop::machine(error),
    })?;
    let server = watcher.server;
    let signal = interrupt.signal();
    // What ended early is not held against anybody.
    let slo = args.slo.as_ref().filter(|_| signal.is_none());
    let analysis = analyze_load(&figures(&loaded), server.as_ref(), watcher.watch.ended_after(), slo);
    let partial = signal.is_some();
    let written = write(hgrm, watcher.log, &loaded, partial).and_then(|()| match html {
        Some(file) => page(file, args, started, &plan, &loaded, &analysis, partial),
        None => Ok(()),
    });
    let printed = if args.json {
        print_json(&tell::json(&args.urls, &plan, &loaded, server.as_ref(), &analysis, partial))
    } else {
        let is_unjudged = args.slo.is_some() && partial;
        let unjudged = if is_unjudged { "\nslo        not judged: ended early by a signal" } else { "" };
        let told = format!("{}{unjudged}", tell::text(&loaded, server.as_ref(), &analysis, partial));
        print(text::fitted(&text::printable(&told), width()))
    };
    // How it ended counts for more than whether somebody still reads about it.
    match signal {
        Some(signal) => Err(Stop::signal(signal)),
        None => {
            let standing = analysis.standing(args.strict.strictness());
            ended(standing, || tell::not_well(&loaded, &analysis)).and(written).and(printed)
        }
    }
}

fn figures(loaded: &Loaded) -> LoadFigures<'_> {
    let Loaded { wall_ns, requests_in_window, series, load, .. } = loaded;
    LoadFigures { series: &series[0], load, wall_ns: *wall_ns, requests_in_window: *requests_in_window }
}

/// Writes what was asked for beside the figures.
fn write(hgrm: Option<File>, log: Option<Log<'_>>, loaded: &Loaded, partial: bool) -> Result<(), Stop> {
    if let Some(mut file) = hgrm {
        let mut text = export::hgrm(&loaded.series[0].response_time);
        if partial {
            text.push_str("#[partial: ended early by a signal]\n");
        }
        file.write_all(text.as_bytes()).map_err(|error| Stop::machine(format_args!("--hgrm: {error}")))?;
    }
    if let Some(mut log) = log {
        if partial {
            log.partial();
        }
        if let Some(error) = log.error() {
            return Err(Stop::machine(format_args!("--hlog: {error}")));
        }
    }
    Ok(())
}

/// Writes the page of the report.
fn page(
    mut file: File,
    args: &Args,
    started: String,
    plan: &Plan,
    loaded: &Loaded,
    analysis: &LoadAnalysis,
    partial: bool,
) -> Result<(), Stop> {
    let command: Vec<String> = std::env::args().skip(1).map(quoted).collect();
    let html = report::load(&LoadReport {
        url: &args.urls_in_words(),
        kind: plan.arrival.in_words(),
        started,
        command: format!("avt {}", command.join(" ")),
        host: &Host::read(),
        figures: figures(loaded),
        analysis,
        partial,
    });
    file.write_all(html.as_bytes()).map_err(|error| Stop::machine(format_args!("--html: {error}")))
}

/// An argument as a shell takes it.
fn quoted(argument: String) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        return argument;
    }
    format!("'{}'", argument.replace('\'', "'\\''"))
}

/// Looks on: ends the window when a signal comes, reads what the server uses in it, and tells each second.
struct Watcher<'a> {
    interrupt: &'a Interrupt,
    meter: Option<ProcessesMeter>,
    watch: Watch,
    server: Option<ProcessesUsage>,
    live: Live,
    log: Option<Log<'a>>,
}

impl Observer for Watcher<'_> {
    const LISTENS: bool = true;

    fn begin(&mut self) {
        self.meter.iter_mut().for_each(ProcessesMeter::restart);
        self.watch.begin();
        self.log.iter_mut().for_each(Log::window);
    }

    fn end(&mut self) {
        self.watch.end();
        self.server = self.meter.as_ref().map(ProcessesMeter::stop);
    }

    fn stop(&self) -> bool {
        self.interrupt.signal().is_some() || self.watch.has_ended()
    }

    fn interval(&mut self, interval: Interval) {
        self.live.second(&interval);
        self.log.iter_mut().for_each(|log| log.write(&interval));
    }
}

fn plan(args: &Args, target: &Target, question: Question, server: Endpoint, secure: Option<Secure>) -> Plan {
    let until = match args.requests {
        Some(requests) => Until::Requests(requests),
        None => Until::Elapsed(args.duration),
    };
    Plan {
        server,
        secure,
        question,
        heavy: None,
        client: args.client(target),
        connections: args.connections,
        threads: args.threads,
        warmup: args.warmup,
        until,
        arrival: args.arrival(),
        timeout: args.timeout,
        drain: args.drain.unwrap_or(args.timeout),
        stamp: None,
        server_cpus: Vec::new(),
        seed: args.seed,
    }
}

/// Puts the load on the first of the servers at which a connection can be opened. The connections of the load are the
/// only ones: a server is not asked beforehand whether it is there. Where none is, the first one's trouble is told.
fn ask_first_that_answers(
    servers: &[Endpoint],
    plan: &mut Plan,
    watcher: &mut Watcher<'_>,
) -> Result<Loaded, LoadError> {
    let mut first_error = None;
    for server in servers {
        if matches!(server, Endpoint::Tcp(address) if !address.ip().is_loopback()) {
            note(format_args!("avt: {server} is not this machine"));
        }
        plan.server = server.clone();
        watcher.meter = ProcessesMeter::start(processes(server));
        watcher.watch = Watch::over(watcher.meter.as_ref().map_or(&[], ProcessesMeter::roots));
        plan.server_cpus = watcher.meter.as_ref().map(|meter| meter.cpus().to_vec()).unwrap_or_default();
        match load::run(plan, watcher) {
            Err(error @ LoadError::Connect { opened: 0, .. }) if watcher.interrupt.signal().is_none() => {
                first_error.get_or_insert(error);
            }
            ended => return ended,
        }
    }
    Err(first_error.expect("there is at least one server"))
}

/// The processes that listen at an address of this machine, as far as this user may look into them.
fn processes(server: &Endpoint) -> Vec<u32> {
    match server {
        Endpoint::Tcp(address) if address.ip().is_loopback() => listeners_at(*address),
        Endpoint::Tcp(_) => Vec::new(),
        Endpoint::Unix(path) => listeners_at_path(path),
    }
}

fn length(plan: &Plan) -> String {
    let window = match plan.until {
        Until::Elapsed(duration) => units::exact(duration),
        Until::Requests(requests) => format!("{} requests", units::count(requests)),
    };
    if plan.warmup.is_zero() { window } else { format!("{window} after {} of warm-up", units::exact(plan.warmup)) }
}
