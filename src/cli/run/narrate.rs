//! `avt run --narrate`: prints the work of a scenario as it happens, like the program that this project grew from.

use std::io::{Write as _, stdout};
use std::sync::Arc;
use std::thread;
use std::time::{Instant, SystemTime};

use crate::job_log::JobLog;
use crate::model;
use crate::runner;
use crate::scenario::{Model, OffloadSpec, Scenario, Work};
use crate::session::Named;
use crate::session::output::{Stop, print};
use crate::units;
use crate::workload::offload::{Heartbeat, Offload};
use crate::workload::{Moment, Narrated, Shared, Steps};

/// The most jobs to narrate: with more, the output is too long to read.
const MOST_JOBS: u32 = 100;

/// The wrong and the right model, if none was named.
const MODELS: [Model; 2] = [Model::ASYNC, Model::ASYNC_BLOCKING];

pub(super) fn main(named: &[Named], models: &[Model]) -> Result<(), Stop> {
    for Named { scenario, .. } in named {
        let spec = narratable(scenario)?;
        let is_narrated = |model: &&Model| models.contains(model) || models.is_empty() && MODELS.contains(model);
        let narrated: Vec<Model> = scenario.models.iter().filter(is_narrated).copied().collect();
        let narrated = if narrated.is_empty() { scenario.models.clone() } else { narrated };
        for model in narrated {
            narrate(scenario, &spec, model)?;
        }
    }
    Ok(())
}

/// Returns the work of the scenario's first point, if its jobs can be narrated one by one.
fn narratable(scenario: &Scenario) -> Result<OffloadSpec, Stop> {
    let name = &scenario.name;
    let spec = match scenario.points.first().map(|point| &point.work) {
        Some(Work::Offload(offload)) => offload.clone(),
        Some(other) => {
            let workload = other.workload();
            return Err(Stop::input(format_args!(
                "{name}: --narrate requires workload = \"offload\", found \"{workload}\"; try `avt run offload \
                 --narrate`"
            )));
        }
        None => return Err(Stop::input(format_args!("{name}: no work to do"))),
    };
    if spec.jobs > MOST_JOBS {
        return Err(Stop::input(format_args!(
            "{name}: --narrate supports at most {MOST_JOBS} jobs, found {}",
            spec.jobs
        )));
    }
    Ok(spec)
}

fn narrate(scenario: &Scenario, spec: &OffloadSpec, model: Model) -> Result<(), Stop> {
    let calibration = runner::calibrate(std::slice::from_ref(scenario));
    let steps = Steps::new(&spec.steps, &calibration, Shared::new(spec.steps.permits))
        .ok_or_else(|| Stop::machine("the work is not calibrated"))?;
    let heartbeat = spec.heartbeat.map(|heartbeat| Heartbeat::new(heartbeat.every, heartbeat.beats));
    let heartbeats = u32::from(heartbeat.is_some());
    print(format_args!("{model}: {}", model.description()))?;
    let start = Instant::now();
    // The reader may go away; the jobs end nevertheless.
    let say = move |moment| drop(writeln!(stdout(), "{}", line(start, moment)));
    let workload = Arc::new(Narrated::new(Offload { steps, heartbeat }, say));
    let log = Arc::new(JobLog::new(spec.jobs + heartbeats));
    let outcome = model::run(model, spec.compose, workload, &log).map_err(Stop::machine)?;
    print(format_args!("{model}: all jobs done after {}\n", units::duration(outcome.wall_ns)))
}

/// Formats a line: `2026-11-23T19:05:01.123Z  +   10 ms  main          MESSAGE: beat 2`.
fn line(start: Instant, moment: Moment) -> String {
    let thread = thread::current();
    // Shows an unnamed thread by its `ThreadId(4)`.
    let unnamed = || format!("{:?}", thread.id()).replace("ThreadId(", "thread ").replace(')', "");
    let name = thread.name().map_or_else(unnamed, str::to_owned);
    let what = match moment {
        Moment::Beat(beat) => format!("MESSAGE: beat {beat}"),
        Moment::Begins(job) => format!("job {job} BEGINS to hold this thread"),
        Moment::Ends(job, after) => format!("job {job} ENDS after {}", units::duration(units::nanos(after))),
    };
    let (now, since) = (humantime::format_rfc3339_millis(SystemTime::now()), start.elapsed().as_millis());
    format!("{now}  +{since:>5} ms  {name:<12}  {what}")
}
