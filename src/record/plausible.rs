//! Checks that a run and its records are plausible: a file may have been damaged, or written by hand.
//!
//! Each error names the field. Data that passes is safe to compute with: no sum overflows, no share exceeds its whole,
//! and nothing ends before it begins.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{CalibrationOrigin, Ceiling, LoadRecord, Measured, Outcome, Pass, Record, Requests, Run, Series, Traced};
use crate::lanes::Lanes;

/// The largest number in a record: 2^53, which is 104 days in nanoseconds or 8 PiB in bytes. Sums of a thousand of them
/// do not overflow, and every JSON reader keeps all their digits (RFC 7493, 2.2).
const MOST: f64 = 9_007_199_254_740_992.0;

/// Random numbers, which use all 64 bits.
const RANDOM: [&str; 2] = ["seed", "run"];

/// The fields that may be negative.
const SIGNED: [&str; 2] = ["at_the_edges_ns", "server_window_ns"];

/// The machine's description: its limits may be of any size, and no computation uses them.
const HOST: &str = "host";

/// Checks every number of a JSON object; the error names the field.
pub(super) fn numbers(object: &Value) -> Result<(), String> {
    walk(object, &mut Vec::new())
}

fn walk<'a>(value: &'a Value, path: &mut Vec<&'a str>) -> Result<(), String> {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if name != HOST && !(RANDOM.contains(&name.as_str()) && field.is_u64()) {
                    path.push(name);
                    walk(field, path)?;
                    path.pop();
                }
            }
            Ok(())
        }
        Value::Array(items) => items.iter().try_for_each(|item| walk(item, path)),
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or(f64::INFINITY);
            let is_signed = path.last().is_some_and(|name| SIGNED.contains(name));
            let wrong = |what: &str| Err(format!("{}: {number} is {what}", path.join(".")));
            match number {
                _ if !number.is_finite() || number.abs() > MOST => wrong("more than 2^53"),
                _ if number < 0.0 && !is_signed => wrong("negative"),
                _ => Ok(()),
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

/// Fails with the name of the field and the reason unless `holds`.
fn ensure(holds: bool, field: &str, wrong: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{field}: {wrong}")) }
}

/// Checks the description of a run.
pub(super) fn run(run: &Run) -> Result<(), String> {
    let Run { host, iterations_per_s, calibration, ceilings, scenarios, .. } = run;
    ensure(host.cpus > 0, "host.cpus", "must be greater than 0")?;
    ensure(*iterations_per_s > 0, "iterations_per_s", "must be greater than 0")?;
    let earlier = match calibration {
        CalibrationOrigin::New => 1,
        CalibrationOrigin::Kept { measured_per_s: per_s, .. }
        | CalibrationOrigin::Changed { kept_per_s: per_s, .. } => *per_s,
    };
    ensure(earlier > 0, "calibration", "must be greater than 0")?;
    ceilings.iter().try_for_each(ceiling)?;
    let mut names = BTreeSet::new();
    for scenario in scenarios {
        ensure(names.insert(&scenario.name), "scenarios", &format!("duplicate name `{}`", scenario.name))?;
    }
    Ok(())
}

fn ceiling(ceiling: &Ceiling) -> Result<(), String> {
    let Ceiling { threads, floor_ns, connections, per_s, goes, lowest_per_s, .. } = *ceiling;
    ensure(threads > 0, "ceilings.threads", "must be greater than 0")?;
    ensure(floor_ns > 0, "ceilings.floor_ns", "must be greater than 0")?;
    ensure(connections > 0, "ceilings.connections", "must be greater than 0")?;
    ensure(goes > 0, "ceilings.goes", "must be greater than 0")?;
    ensure(per_s > 0.0, "ceilings.per_s", "must be greater than 0")?;
    ensure(lowest_per_s <= per_s, "ceilings.lowest_per_s", "must be at most ceilings.per_s")
}

/// Checks the record of a trial.
pub(super) fn record(record: &Record) -> Result<(), String> {
    let Record { conditions, outcome, .. } = record;
    ensure(record.order > 0, "order", "must be greater than 0")?;
    ensure(conditions.cpus > 0, "conditions.cpus", "must be greater than 0")?;
    if let Some(stolen) = conditions.stolen {
        ensure(stolen.cpu_ns <= stolen.of_ns, "conditions.stolen.cpu_ns", "must be at most conditions.stolen.of_ns")?;
    }
    match (outcome, record.pass) {
        (Outcome::Measured(found), Pass::Round(_)) => measured(found).map_err(|wrong| inside("measured", &wrong)),
        (Outcome::Traced(found), Pass::Lanes) => traced(found).map_err(|wrong| inside("traced", &wrong)),
        (Outcome::Failed(_), _) => Ok(()),
        (Outcome::Measured(_), Pass::Lanes) => Err("pass is lanes, but the outcome is a measurement".into()),
        (Outcome::Traced(_), Pass::Round(_)) => Err("pass is a round, but the outcome is lanes".into()),
    }
}

/// Checks the results of a shard of a load.
#[cfg(feature = "cli")]
pub(super) fn shard(end: &super::ShardEnd) -> Result<(), String> {
    /// The most requests and nanoseconds that sums over all shards can take.
    const MOST: u64 = 1 << 50;
    let super::ShardEnd { series, load, wall_ns, requests_in_window, started_realtime_ns, started_boottime_ns, .. } =
        end;
    let Requests { planned, .. } = load.requests;
    ensure(planned <= MOST && *requests_in_window <= MOST, "load.requests", "too many")?;
    ensure(*wall_ns <= MOST, "wall_ns", "too long")?;
    let starts = [*started_realtime_ns, *started_boottime_ns];
    ensure(starts.iter().all(|start| *start < 1 << 62), "started_realtime_ns, started_boottime_ns", "too late")?;
    times(series)?;
    self::load(load)
}

fn inside(kind: &str, wrong: &str) -> String {
    format!("outcome.{kind}.{wrong}")
}

fn measured(found: &Measured) -> Result<(), String> {
    let Measured { wall_ns, series, heartbeat, others, runtime, load, .. } = found;
    ensure(*wall_ns > 0, "wall_ns", "must be greater than 0")?;
    ensure(!series.is_empty(), "series", "must not be empty")?;
    let mut names = BTreeSet::new();
    for one in series {
        ensure(names.insert(&one.name), "series", &format!("duplicate name `{}`", one.name))?;
        times(one)?;
    }
    if let Some(heartbeat) = heartbeat {
        ensure(heartbeat.every_ns > 0, "heartbeat.every_ns", "must be greater than 0")?;
    }
    if let Some(others) = others {
        ensure(others.of_ns > 0, "others.of_ns", "must be greater than 0")?;
    }
    if let Some(runtime) = runtime {
        ensure(runtime.workers > 0, "runtime.workers", "must be greater than 0")?;
    }
    load.as_ref().map_or(Ok(()), self::load)
}

fn times(series: &Series) -> Result<(), String> {
    let Series { response_time, service_time, paused_response_time, lower_bound_from_ns, .. } = series;
    let all = response_time.len();
    ensure(service_time.len() <= all, "series.service_time", "more samples than response times")?;
    ensure(paused_response_time.len() <= all, "series.paused_response_time", "more samples than response times")?;
    let longest = response_time.max();
    ensure(
        lower_bound_from_ns.is_none_or(|from| longest.is_some_and(|longest| from <= longest)),
        "series.lower_bound_from_ns",
        "longer than the longest response time",
    )
}

fn load(load: &LoadRecord) -> Result<(), String> {
    let LoadRecord { offered_per_s, requests, warmup_requests, carried_over, threads, status, .. } = load;
    ensure(offered_per_s.is_none_or(|rate| rate > 0.0), "load.offered_per_s", "must be greater than 0")?;
    ensure(requests.add_up(), "load.requests", "the parts do not add up to the planned requests")?;
    ensure(warmup_requests.add_up(), "load.warmup_requests", "the parts do not add up to the planned requests")?;
    let Requests { planned, completed, .. } = *requests;
    ensure(*carried_over <= planned, "load.carried_over", "more than were planned")?;
    ensure(load.sent_in_window <= planned, "load.sent_in_window", "more than were planned")?;
    ensure(load.connections_starved <= load.connections_opened, "load.connections_starved", "more than were opened")?;
    ensure(*threads > 0, "load.threads", "must be greater than 0")?;
    ensure(status.keys().all(|status| (100..=999).contains(status)), "load.status", "must be from 100 to 999")?;
    ensure(status.values().sum::<u64>() <= completed, "load.status", "more responses than completed requests")
}

fn traced(found: &Traced) -> Result<(), String> {
    ensure(found.cpus > 0, "cpus", "must be greater than 0")?;
    ensure(found.wall_ns > 0, "wall_ns", "must be greater than 0")?;
    lanes(&found.lanes)
}

/// Checks lanes, each of which is a thread: a span ends after its beginning, and spans are listed in the order of their
/// ends.
fn lanes(lanes: &Lanes) -> Result<(), String> {
    let mut ended = vec![0; lanes.names.len()];
    for span in &lanes.spans {
        let Some(before) = ended.get_mut(span.lane as usize) else {
            return Err(format!("lanes.spans: unknown lane {}", span.lane));
        };
        ensure(span.start <= span.end, "lanes.spans", "a span ends before it begins")?;
        ensure(*before <= span.end, "lanes.spans", "a span ends before the previous one")?;
        *before = span.end;
    }
    let busiest = lanes.busiest.is_none_or(|busiest| busiest.wall_ns > 0);
    ensure(busiest, "lanes.busiest.wall_ns", "must be greater than 0")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_differences_may_be_negative() {
        assert_eq!(
            numbers(&json!({ "measured": { "server_window_ns": [-5, 7], "load": { "at_the_edges_ns": -1 } } })),
            Ok(())
        );
        assert_eq!(numbers(&json!({ "measured": { "jobs": -5 } })), Err("measured.jobs: -5 is negative".into()));
        assert_eq!(numbers(&json!({ "seed": u64::MAX, "host": { "open_files": 1e300 } })), Ok(()));
    }
}
