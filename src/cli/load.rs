//! `avt load`: runs only the load generator, against any HTTP/1.1 server.

mod args;
mod export;
mod live;
mod outputs;
mod picture;
mod render;
mod servers;
mod watch;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::time::SystemTime;

use hdrhistogram::serialization::V2DeflateSerializer;

use crate::analysis::{LoadFigures, analyze_load};
use crate::host::Host;
use crate::load::{
    self, Endpoint, LoadError, LoadInterval, LoadPlan, Loaded, Observer, RequestTemplate, Secure, Until,
};
use crate::report::{self, LoadReport};
use crate::runner::Interrupt;
use crate::schedule::Shard;
use crate::text;
use crate::units;
use crate::usage::{ProcessesMeter, ProcessesUsage, listeners_at, listeners_at_path};

pub(super) use args::LoadArgs;

use crate::session::ended;
use crate::session::exports::{ExportFormat, bmf_text};
use crate::session::output::{Stop, note, print, print_json, width};
use crate::session::output_file::first_failure;
use args::Target;
use export::Log;
use live::Live;
use outputs::Outputs;
use watch::ServerWatch;

pub(super) fn main(args: &LoadArgs) -> Result<(), Stop> {
    let (target, paths) = args.targets()?;
    let template = args.request_template(&target, paths)?;
    refuse_nothing_due(args)?;
    let servers = match &args.unix {
        Some(path) => servers::at_path(path)?,
        None => servers::resolve(&target.host, target.port, args.timeout)?,
    };
    let secure = args.secure(&target)?;
    let mut plan = plan(args, &target, template, servers[0].clone(), secure);
    note(format_args!(
        "{} over {}, {}: {}",
        args.join_urls(),
        render::connections(plan.connections_used()),
        plan.arrival.in_words(),
        length(&plan)
    ));

    let Outputs { hgrm, mut hlog, html, exports } = Outputs::begin(args)?;
    // Nothing has been measured up to here, so a signal may end the process at once.
    let interrupt = Interrupt::listen().map_err(Stop::machine)?;
    let mut serializer = V2DeflateSerializer::new();
    let log = hlog.as_mut().map(|output| Log::begin(&mut output.file, &mut serializer, &args.join_urls()));
    let log = log.transpose().map_err(|error| Stop::machine(format_args!("--hlog: {error}")))?;
    let started = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let (live, watch) = (Live::new(&plan), ServerWatch::new(&[]));
    let mut watcher = Watcher { interrupt: &interrupt, meter: None, watch, server: None, live, log };
    let loaded = load_first_reachable(&servers, &mut plan, &mut watcher);
    watcher.live.clear();
    let loaded = loaded.map_err(|error| load_error(error, &interrupt))?;
    let Watcher { server, watch, log, .. } = watcher;
    let signal = interrupt.signal();
    // A load that a signal ended early cannot break its objectives.
    let slo = args.slo.as_ref().filter(|_| signal.is_none());
    let analysis = analyze_load(&figures(&loaded), server.as_ref(), watch.ended_after(), slo);
    let partial = signal.is_some();
    let logged = log.map_or(Ok(()), |log| log.close(partial));
    let hlog = hlog.map(|output| match logged {
        Ok(()) => output.finish(),
        Err(error) => Err(output.failed(error)),
    });
    let hgrm = hgrm.map(|output| output.write(&distribution(&loaded, partial)));
    let (url, host) = (args.join_urls(), Host::read());
    let load_report = LoadReport {
        url: &url,
        kind: plan.arrival.in_words(),
        started,
        command: command_line(std::env::args_os()),
        host: &host,
        figures: figures(&loaded),
        analysis: &analysis,
        partial,
    };
    let html = html.map(|output| output.write(&report::load(&load_report)));
    let prints_text = !exports.is_printed();
    let exported = exports.write(|format| match format {
        ExportFormat::Markdown => report::markdown::load(&load_report),
        ExportFormat::Junit => report::junit::load(&load_report),
        ExportFormat::Bmf => bmf_text(&report::bmf::load(&load_report)),
    });
    let written = first_failure([hgrm, hlog, html].into_iter().flatten().chain([exported.files]));
    let printed = if args.json {
        print_json(&render::json(&args.urls, &plan, &loaded, server.as_ref(), &analysis, partial))
    } else if !prints_text {
        exported.printed
    } else {
        let is_unjudged = args.slo.is_some() && partial;
        let unjudged = if is_unjudged { "\nslo        not judged: ended early by a signal" } else { "" };
        let page = format!("{}{unjudged}", render::text(&loaded, server.as_ref(), &analysis, partial));
        print(text::fitted(&text::printable(&page), width()))
    };
    // The signal matters more than output that could not be written.
    match signal {
        Some(signal) => {
            if let Err(stop) = written {
                stop.print();
            }
            Err(Stop::signal(signal))
        }
        None => {
            let standing = analysis.standing(args.strict.strictness());
            written.and(ended(standing, || render::unmet_requirements(&loaded, &analysis))).and(printed)
        }
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
    let Loaded { wall_ns, requests_in_window, series, load, .. } = loaded;
    LoadFigures { series: &series[0], load, wall_ns: *wall_ns, requests_in_window: *requests_in_window }
}

/// Formats the percentile distribution of response times for HdrHistogram's plotter.
fn distribution(loaded: &Loaded, partial: bool) -> String {
    let mut text = export::hgrm(&loaded.series[0].response_time);
    if partial {
        text.push_str("#[partial: ended early by a signal]\n");
    }
    text
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
    }
}

fn plan(
    args: &LoadArgs,
    target: &Target,
    template: RequestTemplate,
    server: Endpoint,
    secure: Option<Secure>,
) -> LoadPlan {
    LoadPlan {
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
        start_at: None,
        timeout: args.timeout,
        drain: args.drain.unwrap_or(args.timeout),
        stamp: None,
        expected: None,
        server_cpus: Vec::new(),
        seed: args.seed,
    }
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
