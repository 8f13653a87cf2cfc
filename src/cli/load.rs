//! `avt load`: runs only the load generator, against any HTTP/1.1 server.

mod args;
mod live;
mod servers;
mod shard;
mod typed;
mod watch;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant, SystemTime};

use hdrhistogram::serialization::V2DeflateSerializer;

use crate::analysis::{LoadFigures, analyze_load};
use crate::host::Host;
use crate::load::{
    self, Endpoint, LoadError, LoadInterval, LoadPlan, Loaded, Observer, RequestTemplate, Secure, Until,
};
use crate::report::{LoadReport, joined_urls};
use crate::runner::Interrupt;
use crate::schedule::Shard;
use crate::units;
use crate::usage::{ProcessesMeter, ProcessesUsage, listeners_at, listeners_at_path};

pub(super) use args::LoadArgs;

use super::launcher::{self, Part};
use crate::session::load::{IntervalLog, LoadEnding, LoadOutputs, connections, partial_reason};
use crate::session::output::{Stop, note};
use crate::session::output_file::OutputPlaces;
use args::Target;
use live::Live;
use shard::ShardRecorder;
use watch::ServerWatch;

pub(super) fn main(args: &LoadArgs) -> Result<(), Stop> {
    let part = launcher::part(args.shard, args.shards, "load", &|name| std::env::var(name).ok())?;
    let (target, paths) = args.targets()?;
    let template = args.request_template(&target, paths)?;
    refuse_nothing_due(args)?;
    let out = args.record_place(part.is_some())?;
    let servers = match &args.unix {
        Some(path) => servers::at_path(path)?,
        None => servers::resolve(&target.host, target.port, args.timeout)?,
    };
    let secure = args.secure(&target)?;
    let mut plan = plan(args, &target, template, servers[0].clone(), secure, part)?;
    announce(args, &plan, part);
    match part.zip(out) {
        Some((part, out)) => shard::main(args, part, out, &servers, &mut plan),
        None => whole(args, &servers, &mut plan),
    }
}

/// Runs a whole load, and writes its outputs.
fn whole(args: &LoadArgs, servers: &[Endpoint], plan: &mut LoadPlan) -> Result<(), Stop> {
    let mut places = OutputPlaces::default();
    // The file of a body would be overwritten after it is read.
    args.body_file().into_iter().for_each(|path| places.add_input("--body", path));
    let mut outputs = LoadOutputs::begin(&args.outputs.paths(), places)?;
    // Nothing has been measured up to here, so a signal may end the process at once.
    let interrupt = Interrupt::listen().map_err(Stop::machine)?;
    let mut hlog = outputs.hlog.take();
    let mut serializer = V2DeflateSerializer::new();
    let url = joined_urls(&args.urls);
    let base = SystemTime::now();
    let lines = hlog.as_mut().map(|output| IntervalLog::begin(&mut output.file, &mut serializer, &url, base));
    let lines = lines.transpose().map_err(|error| Stop::machine(format_args!("--hlog: {error}")))?;
    let started = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let mut watcher = Watcher::new(&interrupt, plan);
    watcher.log = lines.map(Log::begin);
    let loaded = load_first_reachable(servers, plan, &mut watcher);
    watcher.live.clear();
    let loaded = loaded.map_err(|error| load_error(error, &interrupt))?;
    let Watcher { server, watch, log, .. } = watcher;
    let signal = interrupt.signal();
    // A load that a signal ended early cannot break its objectives.
    let slo = args.outputs.slo.as_ref().filter(|_| signal.is_none());
    let analysis = analyze_load(&figures(&loaded), server.as_ref(), watch.ended_after(), slo);
    let partial = signal.is_some();
    let logged = log.map_or(Ok(()), |log| log.lines.close(partial.then_some(partial_reason(false))));
    let hlog = hlog.map(|output| match logged {
        Ok(()) => output.finish(),
        Err(error) => Err(output.failed(error)),
    });
    let report = LoadReport {
        urls: &args.urls,
        targets: &plan.request.targets,
        arrival: plan.arrival,
        seed: plan.seed,
        started,
        command: command_line(std::env::args_os()),
        host: &Host::read(),
        figures: figures(&loaded),
        analysis: &analysis,
        server: server.as_ref(),
        partial,
        merged: None,
    };
    let unjudged = (args.outputs.slo.is_some() && partial).then_some(partial_reason(false));
    let strictness = args.outputs.strict.strictness();
    outputs.finish(&report, LoadEnding { hlog, strictness, unjudged, signal })
}

/// Prints what will be sent, and when.
fn announce(args: &LoadArgs, plan: &LoadPlan, part: Option<Part>) {
    note(format_args!(
        "{} over {}, {}: {}",
        joined_urls(&args.urls),
        connections(if part.is_some() { args.connections } else { plan.connections_used() }),
        plan.arrival.in_words(),
        length(plan)
    ));
    if let Some(Part { shard, launcher }) = part {
        let rate = match (plan.offered(), plan.arrival.offered()) {
            (Some(own), Some(whole)) => format!(", {} of {}", units::rate(own), units::rate(whole)),
            _ => String::new(),
        };
        let whole = units::count(args.connections.into());
        let own = units::count(plan.connections.into());
        let by = launcher.map_or_else(String::new, |launcher| format!(" (by {launcher})"));
        note(format_args!("shard {} of {}{by}: {own} of {whole} connections{rate}", shard.number(), shard.of()));
    }
    if let Some(ahead) = plan.start_at.and_then(|at| at.duration_since(SystemTime::now()).ok()) {
        note(format_args!("starts in {}", units::duration(units::nanos(ahead))));
    }
}

/// Converts the error of a load that could not begin.
fn load_error(error: LoadError, interrupt: &Interrupt) -> Stop {
    match (&error, interrupt.signal()) {
        (_, Some(signal)) => {
            note(format_args!("avt: {error}"));
            Stop::signal(signal)
        }
        (LoadError::Tls(_), None) => Stop::input(error),
        (LoadError::Stopped { .. }, None) => Stop::machine(format_args!("{error}; the server's processes have ended")),
        _ => Stop::machine(error),
    }
}

/// Refuses a schedule without any request in the window.
fn refuse_nothing_due(args: &LoadArgs) -> Result<(), Stop> {
    if !load::is_nothing_due(args.arrival(), args.seed, args.warmup, window_end(args)) {
        return Ok(());
    }
    let (rate, length) = (args.rate.map_or_else(String::new, units::rate), units::exact(args.duration));
    Err(Stop::input(format_args!(
        "--rate: at {rate} no request is due in the window of {length}; raise the duration or the rate, or set a \
         number of requests (-n)"
    )))
}

fn figures(loaded: &Loaded) -> LoadFigures<'_> {
    LoadFigures::new(&loaded.series[0], &loaded.load, loaded.wall_ns, loaded.requests_in_window)
}

/// Returns the command line, quoted for a shell, with `avt` as the program's name.
fn command_line(args: impl Iterator<Item = OsString>) -> String {
    let words = ["avt".to_owned()].into_iter().chain(args.skip(1).map(|argument| quoted(&argument)));
    words.collect::<Vec<_>>().join(" ")
}

/// Quotes an argument for a shell; it may hold any bytes.
fn quoted(argument: &OsStr) -> String {
    let Some(text) = argument.to_str() else {
        let escaped = argument.as_bytes().iter().map(|byte| match byte {
            b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
            b' '..=b'~' => char::from(*byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        });
        return format!("$'{}'", escaped.collect::<String>());
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Observes a load: ends it on a signal or when the server's processes have ended, measures what the server uses, and
/// shows each second.
struct Watcher<'a> {
    interrupt: &'a Interrupt,
    meter: Option<ProcessesMeter>,
    watch: ServerWatch,
    server: Option<ProcessesUsage>,
    live: Live,
    log: Option<Log<'a>>,
    record: Option<&'a mut ShardRecorder>,
}

impl<'a> Watcher<'a> {
    fn new(interrupt: &'a Interrupt, plan: &LoadPlan) -> Self {
        let (live, watch) = (Live::new(plan), ServerWatch::new(&[]));
        Self { interrupt, meter: None, watch, server: None, live, log: None, record: None }
    }
}

/// An interval log, and the time since its base.
struct Log<'a> {
    lines: IntervalLog<'a>,
    begun: Instant,
    /// The start of the interval that is not yet written.
    since: Duration,
}

impl<'a> Log<'a> {
    fn begin(lines: IntervalLog<'a>) -> Self {
        Self { lines, begun: Instant::now(), since: Duration::ZERO }
    }

    /// Begins the first interval together with the window.
    fn window(&mut self) {
        self.since = self.begun.elapsed();
    }

    /// Writes an interval that ends now.
    fn write(&mut self, interval: &LoadInterval) {
        let until = self.begun.elapsed();
        let length = until.saturating_sub(self.since);
        self.lines.write(self.since, length, &interval.response_time, &interval.service_time);
        self.since = until;
    }
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

    fn interval(&mut self, interval: LoadInterval) {
        self.live.print_second(&interval);
        self.log.iter_mut().for_each(|log| log.write(&interval));
        if let Some(record) = &mut self.record {
            record.second(interval);
        }
    }
}

fn plan(
    args: &LoadArgs,
    target: &Target,
    template: RequestTemplate,
    server: Endpoint,
    secure: Option<Secure>,
    part: Option<Part>,
) -> Result<LoadPlan, Stop> {
    let mut plan = LoadPlan {
        server,
        secure,
        request: template,
        heavy: None,
        client: args.client(target),
        shard: Shard::WHOLE,
        connections: args.connections,
        threads: args.threads,
        warmup: args.warmup,
        until: window_end(args),
        arrival: args.arrival(),
        start_at: args.start_at,
        timeout: args.timeout,
        drain: args.drain.unwrap_or(args.timeout),
        stamp: None,
        expected: None,
        server_cpus: Vec::new(),
        seed: args.seed,
    };
    if let Some(Part { shard, .. }) = part {
        let whole = plan.connections_used();
        if whole < shard.of() {
            return Err(Stop::input(format_args!(
                "-c: {} for {} shards; each shard needs at least one",
                connections(whole),
                shard.of()
            )));
        }
        (plan.shard, plan.connections) = (shard, shard.part(whole.into()) as u32);
    }
    Ok(plan)
}

/// Runs the load against the first server that accepts a connection. Opens only the connections of the load: no server
/// is probed beforehand. If none accepts, returns the error of the first server.
fn load_first_reachable(
    servers: &[Endpoint],
    plan: &mut LoadPlan,
    watcher: &mut Watcher<'_>,
) -> Result<Loaded, LoadError> {
    let mut first_error = None;
    for server in servers {
        if matches!(server, Endpoint::Tcp(address) if !address.ip().is_loopback()) {
            note(format_args!("avt: {server} is not a loopback address, so it may belong to another machine"));
        }
        plan.server = server.clone();
        watcher.meter = ProcessesMeter::start(processes(server));
        watcher.watch = ServerWatch::new(watcher.meter.as_ref().map_or(&[], ProcessesMeter::roots));
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

fn window_end(args: &LoadArgs) -> Until {
    match args.requests {
        Some(requests) => Until::Requests(requests),
        None => Until::Elapsed(args.duration),
    }
}

/// Returns the processes that listen at an address of this machine, as far as this user may see them.
fn processes(server: &Endpoint) -> Vec<u32> {
    match server {
        Endpoint::Tcp(address) if address.ip().is_loopback() => listeners_at(*address),
        Endpoint::Tcp(_) => Vec::new(),
        Endpoint::Unix(path) => listeners_at_path(path),
    }
}

fn length(plan: &LoadPlan) -> String {
    let window = match plan.until {
        Until::Elapsed(duration) => units::exact(duration),
        Until::Requests(1) => "1 request".to_owned(),
        Until::Requests(requests) => format!("{} requests", units::count(requests)),
    };
    if plan.warmup.is_zero() { window } else { format!("{window} after {} of warm-up", units::exact(plan.warmup)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_command_line_can_be_pasted_into_a_shell() {
        let line = |args: &[&[u8]]| command_line(args.iter().map(|bytes| OsStr::from_bytes(bytes).to_owned()));
        assert_eq!(line(&[b"\xfe", b"load", b"http://a/b", b"-n", b"1"]), "avt load http://a/b -n 1");
        assert_eq!(line(&[b"avt", b"it's", b"", b"a b"]), r"avt 'it'\''s' '' 'a b'");
        assert_eq!(line(&[b"avt", b"--html", b"a'\\\xff b\n"]), r"avt --html $'a\'\\\xff b\x0a'");
    }
}
