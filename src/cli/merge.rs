//! `avt merge`: makes one load of the records of its shards, or puts the runs of several machines side by side.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use hdrhistogram::serialization::V2DeflateSerializer;

use crate::analysis::merge::{MergedLoad, merge};
use crate::histogram::Histogram;
use crate::record::{ShardReader, ShardRecord};
use crate::report::{LoadReport, joined_urls};
use crate::session::by_machine::{RunsByMachine, runs_at};
use crate::session::load::{IntervalLog, LoadEnding, LoadOutputs, partial_reason};
use crate::session::output::{Stop, note};
use crate::session::output_file::{OutputFile, OutputPlaces};
use crate::text;

use super::load_outputs::LoadOutputArgs;

/// Make one load of the records that `avt load --shard` left, or put runs of several machines side by side
///
/// Counts and histograms of all shards add up, so percentiles are those of all requests. A shard that is missing, was
/// killed or came late is named, its requests are counted as lost, and the verdict is INVALID.
///
/// A folder with a run.json is a run. For shards of one run (`avt run --shard`), it prints a table for each point of each
/// scenario: the ratio of each model to the baseline on each machine, and over all machines. For whole runs, it prints the figures
/// of each machine, which are never pooled. For runs, only --strict, --markdown and --json apply.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  avt merge load-17 --html load.html --slo 'p99<5ms'\n  avt merge rounds")]
pub(super) struct MergeArgs {
    /// Folders with records (`shard-*.jsonl`) or with runs, records, or runs; `-` reads the lines of any number of records
    /// from standard input, between other lines
    #[arg(value_name = "DIR|FILE|-", required = true)]
    from: Vec<PathBuf>,
    #[command(flatten)]
    outputs: LoadOutputArgs,
}

pub(super) fn main(args: &MergeArgs) -> Result<(), Stop> {
    let found = args.from.iter().map(|path| runs_at(path)).collect::<Result<Vec<_>, Stop>>()?;
    if found.iter().all(Vec::is_empty) {
        return merge_load(args);
    }
    let run = found.iter().flatten().next().expect("some path has runs");
    for (path, runs) in args.from.iter().zip(&found) {
        if holds_load(path, runs)? {
            let (load, run) = (text::of_path(path), text::of_path(run));
            return Err(Stop::input(format_args!(
                "{load} holds records of a load and {run} is a run; merge them apart"
            )));
        }
    }
    merge_runs(args, found.into_iter().flatten().collect())
}

/// Returns whether a path, which holds these runs, holds records of a load. A path without either is an error.
fn holds_load(path: &Path, runs: &[PathBuf]) -> Result<bool, Stop> {
    match runs {
        [] => files(path).map(|_| true),
        // Its records are those of trials.
        [run] if run == path => Ok(false),
        _ => Ok(files(path).is_ok()),
    }
}

/// Puts runs side by side.
fn merge_runs(args: &MergeArgs, folders: Vec<PathBuf>) -> Result<(), Stop> {
    if let Some(option) = args.outputs.first_of_loads_only() {
        return Err(Stop::input(format_args!("{option}: only for a load, and these are runs; remove it")));
    }
    let places: Vec<_> =
        folders.iter().map(|folder| folder.canonicalize().unwrap_or_else(|_| folder.clone())).collect();
    if let Some(at) = (1..places.len()).find(|at| places[..*at].contains(&places[*at])) {
        return Err(Stop::input(format_args!("{}: given twice; merge each run once", text::of_path(&folders[at]))));
    }
    let strictness = args.outputs.strict.strictness();
    RunsByMachine { folders, json: args.outputs.json, markdown: args.outputs.markdown(), strictness }.print()
}

/// Makes one load of the records of its shards.
fn merge_load(args: &MergeArgs) -> Result<(), Stop> {
    let mut places = OutputPlaces::default();
    let mut reader = ShardReader::new(args.outputs.hlog.is_some());
    for path in &args.from {
        for file in files(path)? {
            places.add_input("a record", &file);
            let source = file.display().to_string();
            let mut input = BufReader::new(File::open(&file).map_err(|error| unreadable(&file, error))?);
            reader.read(&source, &mut input, false).map_err(Stop::input)?;
        }
        if path.as_os_str() == "-" {
            let mut input: Box<dyn BufRead> = Box::new(io::stdin().lock());
            reader.read("standard input", &mut input, true).map_err(Stop::input)?;
        }
    }
    let records = reader.into_records().map_err(Stop::input)?;
    let merged = merge(&records).map_err(Stop::input)?;
    for record in &records {
        let is_used = merged.shards.iter().any(|shard| shard.record.is_some_and(|used| std::ptr::eq(used, record)));
        if !is_used {
            note(format_args!("avt: {}: left out, as this attempt sent no request", record.source));
        }
    }
    let mut outputs = LoadOutputs::begin(&args.outputs.paths(), places)?;
    let hlog = outputs.hlog.take().map(|output| write_log(output, &merged));
    let is_complete = merged.is_complete();
    let analysis = merged.analyze(args.outputs.slo.as_ref());
    let first = merged.shards.iter().find_map(|shard| shard.record).expect("a merged load has a record");
    let report = LoadReport {
        urls: &merged.plan.urls,
        targets: &merged.plan.targets,
        arrival: merged.plan.arrival,
        seed: merged.plan.seed,
        started: merged.plan.start_at.clone().unwrap_or_else(|| first.begin.ready.clone()),
        command: first.begin.command.clone(),
        host: &first.begin.host,
        figures: merged.figures(),
        analysis: &analysis,
        server: None,
        partial: !is_complete,
        merged: Some(&merged),
    };
    let strictness = args.outputs.strict.strictness();
    outputs.finish(&report, LoadEnding { hlog, strictness, ..LoadEnding::default() })
}

/// Returns the records at a path; none for standard input.
fn files(path: &Path) -> Result<Vec<PathBuf>, Stop> {
    if path.as_os_str() == "-" {
        return Ok(Vec::new());
    }
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|error| unreadable(path, error))?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| {
        let name = file.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("shard-") && name.ends_with(".jsonl"))
    });
    files.sort_unstable();
    if files.is_empty() {
        return Err(Stop::input(format_args!(
            "{}: no record of a shard (shard-*.jsonl) in this folder, and no run",
            path.display()
        )));
    }
    Ok(files)
}

fn unreadable(path: &Path, error: io::Error) -> Stop {
    Stop::input(format_args!("{}: {error}", path.display()))
}

/// Writes the seconds of all shards as an interval log.
fn write_log(mut output: OutputFile, merged: &MergedLoad<'_>) -> Result<(), Stop> {
    const SECOND: Duration = Duration::from_secs(1);
    let records: Vec<&ShardRecord> = merged.shards.iter().filter_map(|shard| shard.record).collect();
    let started = |record: &&ShardRecord| match &record.end {
        Some(Ok(end)) => end.started_realtime_ns,
        Some(Err(_)) | None => record.begin.clock.realtime_ns,
    };
    let base = UNIX_EPOCH + Duration::from_nanos(records.iter().map(started).min().unwrap_or(0));
    let mut serializer = V2DeflateSerializer::new();
    let url = joined_urls(&merged.plan.urls);
    let written = IntervalLog::begin(&mut output.file, &mut serializer, &url, base).map_err(|error| error.to_string());
    let written = written.and_then(|mut log| {
        let warmup = Duration::from_nanos(merged.plan.warmup_ns);
        for second in 0..records.iter().map(|record| record.seconds.len()).max().unwrap_or(0) {
            let (mut response, mut service) = (Histogram::default(), Histogram::default());
            for of_shard in records.iter().filter_map(|record| record.seconds.get(second)) {
                response.merge(&of_shard.response_time);
                service.merge(&of_shard.service_time);
            }
            log.write(warmup + SECOND * second as u32, SECOND, &response, &service);
        }
        log.close((!merged.is_complete()).then_some(partial_reason(true)))
    });
    match written {
        Ok(()) => output.finish(),
        Err(error) => Err(output.failed(error)),
    }
}
