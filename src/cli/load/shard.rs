//! Runs one shard of a load, and leaves its record. The verdict belongs to `avt merge`, which has all shards.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use crate::host::{Host, MachineClocks};
use crate::load::{Endpoint, LoadError, LoadInterval, LoadPlan, Loaded, Until};
use crate::record::{PlannedLoad, ShardBegin, ShardEnd, ShardEvent, ShardFile, ShardRefused, ShardSecond, checksum};
use crate::runner::Interrupt;
use crate::session::output::{Stop, note};
use crate::units;

use super::super::launcher::Part;
use super::args::LoadArgs;
use super::{Watcher, command_line, load_error, load_first_reachable};

/// Carries out one shard of a load, and records it: `out` is a folder, or `-` for standard output.
pub(super) fn main(
    args: &LoadArgs,
    part: Part,
    out: &Path,
    servers: &[Endpoint],
    plan: &mut LoadPlan,
) -> Result<(), Stop> {
    let planned = planned(args, plan);
    let clock = MachineClocks::now();
    let begin = ShardBegin {
        plan: planned,
        command: command_line(without_header_values(env::args_os())),
        ready: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
        host: Host::read(),
        clock: clock.clone(),
        launcher: part.launcher.map(str::to_owned),
    };
    let mut record = ShardRecorder::begin(out, part, begin)?;
    let interrupt = Interrupt::listen().map_err(Stop::machine)?;
    let mut watcher = Watcher::new(&interrupt, plan);
    watcher.record = Some(&mut record);
    let loaded = load_first_reachable(servers, plan, &mut watcher);
    watcher.live.clear();
    let ended_after = watcher.watch.ended_after();
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            let late_ns = if let LoadError::Late { by } = &error { Some(units::nanos(*by)) } else { None };
            record.append(ShardEvent::Refused(ShardRefused { late_ns, why: error.to_string() }));
            if let Err(stop) = record.finish() {
                stop.print();
            }
            return Err(load_error(error, &interrupt));
        }
    };
    let signal = interrupt.signal();
    let Loaded { started_ns, wall_ns, requests_in_window, mut series, per_connection, load } = loaded;
    let (started_realtime_ns, started_boottime_ns) = clock.at(started_ns);
    let (answered, due) = (units::count(load.requests.completed), units::count(load.requests.planned));
    record.append(ShardEvent::End(Box::new(ShardEnd {
        started_realtime_ns,
        started_boottime_ns,
        wall_ns,
        requests_in_window,
        series: series.swap_remove(0),
        per_connection,
        load,
        partial: signal.is_some() || ended_after.is_some(),
        server_ended_after_ns: ended_after.map(units::nanos),
    })));
    let place = record.place();
    let written = record.finish();
    note(format_args!(
        "shard {} of {}: {answered} of {due} requests answered; recorded in {place}",
        part.shard.number(),
        part.shard.of()
    ));
    match signal {
        Some(signal) => {
            if let Err(stop) = written {
                stop.print();
            }
            Err(Stop::signal(signal))
        }
        None => written,
    }
}

/// Returns the plan of the whole load.
fn planned(args: &LoadArgs, plan: &LoadPlan) -> PlannedLoad {
    let request = &plan.request;
    let content = serde_json::to_vec(&(&request.authority, &request.headers, &request.body));
    let (window_ns, requests) = match plan.until {
        Until::Elapsed(length) => (Some(units::nanos(length)), None),
        Until::Requests(n) => (None, Some(n)),
    };
    PlannedLoad {
        urls: args.urls.clone(),
        unix_socket: args.unix.as_ref().map(|path| path.display().to_string()),
        targets: request.targets.clone(),
        method: request.method.clone(),
        headers: request.headers.iter().map(|(name, _)| name.clone()).collect(),
        content: checksum(&content.expect("text and bytes are plain data")),
        client: plan.client,
        connections: args.connections,
        warmup_ns: units::nanos(plan.warmup),
        window_ns,
        requests,
        arrival: plan.arrival,
        timeout_ns: units::nanos(plan.timeout),
        drain_ns: units::nanos(plan.drain),
        seed: plan.seed,
        start_at: plan.start_at.map(|at| humantime::format_rfc3339(at).to_string()),
        shards: plan.shard.of(),
    }
}

/// Replaces the values of header fields, which may be secret.
fn without_header_values(args: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    let mut is_header = false;
    args.map(move |argument| {
        let text = argument.to_string_lossy();
        let (option, field) = match text.strip_prefix("--header=").map(|field| ("--header=", field)) {
            Some(long) => long,
            None if is_header => ("", &*text),
            None => text.strip_prefix("-H").map_or(("", ""), |field| ("-H", field)),
        };
        is_header = !is_header && (text == "-H" || text == "--header");
        match field.split_once(':') {
            Some((name, _)) => format!("{option}{name}: ...").into(),
            None => argument.clone(),
        }
    })
}

/// Returns a text that distinguishes this attempt at the shard from others.
fn attempt() -> String {
    match env::var("SLURM_RESTART_COUNT") {
        Ok(count) if count.bytes().all(|byte| byte.is_ascii_digit()) && !count.is_empty() => {
            format!("restart-{count}-{:08x}", fastrand::u32(..))
        }
        _ => format!("{:08x}", fastrand::u32(..)),
    }
}

/// Writes the record, and keeps the first error: a full disk does not end a load.
pub(super) struct ShardRecorder {
    file: ShardFile,
    seconds: u64,
    error: Option<io::Error>,
}

impl ShardRecorder {
    /// Creates the record, and writes its first line. `out` is a folder, or `-` for standard output.
    fn begin(out: &Path, part: Part, begin: ShardBegin) -> Result<Self, Stop> {
        let plan = begin.plan.hash();
        let file = if out.as_os_str() == "-" {
            ShardFile::standard_output(part.shard, plan, attempt())
        } else {
            let created = ShardFile::create(out, part.shard, plan, attempt());
            created.map_err(|error| Stop::machine(format_args!("--out: {}: {error}", out.display())))?
        };
        let mut recorder = Self { file, seconds: 0, error: None };
        recorder.append(ShardEvent::Begin(Box::new(begin)));
        recorder.failed().map(|()| recorder)
    }

    /// Writes the requests of a second.
    pub(super) fn second(&mut self, interval: LoadInterval) {
        let LoadInterval { requests, response_time, service_time } = interval;
        let second = self.seconds;
        self.seconds += 1;
        self.append(ShardEvent::Second(Box::new(ShardSecond { second, requests, response_time, service_time })));
    }

    fn append(&mut self, event: ShardEvent) {
        if self.error.is_none() {
            self.error = self.file.append(event).err();
        }
    }

    /// Returns where the record is.
    fn place(&self) -> String {
        self.file.path().map_or_else(|| "standard output".into(), |path| path.display().to_string())
    }

    fn failed(&mut self) -> Result<(), Stop> {
        match self.error.take() {
            Some(error) => Err(Stop::machine(format_args!("{}: {error}; the record is not complete", self.place()))),
            None => Ok(()),
        }
    }

    /// Returns the first error of writing the record.
    fn finish(mut self) -> Result<(), Stop> {
        self.failed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_header_fields_are_not_recorded() {
        let words =
            ["avt", "-H", "Authorization: s3cret", "--header=X: s3cret", "-HY:s3cret", "--header", "Z: s", "-H"];
        let kept: Vec<OsString> = without_header_values(words.iter().map(OsString::from)).collect();
        assert_eq!(
            kept,
            ["avt", "-H", "Authorization: ...", "--header=X: ...", "-HY: ...", "--header", "Z: ...", "-H"]
        );
    }
}
