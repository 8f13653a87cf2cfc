//! Renders the result of a load as JSON.

use serde_json::{Value, json};

use crate::analysis::LoadFigures;
use crate::analysis::compare_loads::LOAD_SCHEMA;
use crate::analysis::merge::{MergedLoad, MergedShard, Skew};
use crate::histogram::Histogram;
use crate::record::LoadRecord;
use crate::report::{LoadReport, PERCENTILES, measured, supported_percentile};
use crate::scenario::ArrivalSpec;

/// Renders `avt load --json`, schema 1: durations in microseconds, floating point; a missing figure is null. A closed
/// loop has no offered rate. `url` is the first of `urls`; `targets` holds the request target of each.
pub(super) fn json(report: &LoadReport<'_>) -> Value {
    let LoadReport { urls, targets, arrival, seed, analysis, partial, .. } = *report;
    let LoadFigures { series, load, wall_ns, .. } = report.figures;
    let lag = &load.send_lag;
    let (arrivals, pacing) = match arrival {
        ArrivalSpec::Closed { .. } => (Value::Null, Value::Null),
        ArrivalSpec::Open { arrivals, pacing, .. } => (json!(arrivals.name()), json!(pacing.name())),
    };
    let seconds = wall_ns as f64 / 1e9;
    let usage = &load.usage;
    let mut all = json!({
        "schema": LOAD_SCHEMA,
        "url": urls.first(),
        "urls": urls,
        "targets": targets,
        "loop": if load.offered_per_s.is_some() { "open" } else { "closed" },
        "arrivals": arrivals,
        "pacing": pacing,
        "partial": partial,
        "seed": seed,
        "connections": {
            "planned": load.connections_planned, "opened": load.connections_opened, "starved": load.connections_starved,
            "requests_each": requests_each(load),
        },
        "duration_s": seconds,
        "requests": load.requests,
        "requests_carried_over": load.carried_over,
        "warmup_requests": load.warmup_requests,
        "errors": load.errors,
        "status": load.status,
        "answers_with_surplus_bytes": load.answers_with_surplus,
        "rate": { "offered": load.offered_per_s, "achieved": analysis.rate },
        "mean_in_flight": load.mean_in_flight,
        "most_in_flight": load.most_in_flight,
        "response_time_us": times(&series.response_time),
        "service_time_us": times(&series.service_time),
        "service_pause_us": times(&load.service_pauses),
        "send_lag_us": times(&lag.total),
        "send_lag_late_us": times(&lag.late),
        "send_lag_no_connection_us": times(&lag.no_connection),
        "response_time_lower_bound_from_us": series.lower_bound_from_ns.map(micros),
        "bytes_received": load.bytes_received,
        "generator": {
            "threads": load.threads,
            "cpu_s": usage.cpu_ns() as f64 / 1e9,
            "cpu_share": (wall_ns > 0)
                .then(|| usage.cpu_ns() as f64 / wall_ns as f64 / f64::from(load.threads)),
            "busy_waited_s": load.thread_costs.iter().map(|cost| cost.busy_waited_ns).sum::<u64>() as f64 / 1e9,
            "timer_only_s": load.thread_costs.iter().map(|cost| cost.timer_only_ns).sum::<u64>() as f64 / 1e9,
            "run_queue_delay_s": run_queue_delay(load),
            "pauses": {
                "count": load.thread_costs.iter().map(|cost| cost.pauses).sum::<u64>(),
                "total_us": micros(load.thread_costs.iter().map(|cost| cost.paused_ns).sum()),
                "longest_us": load.thread_costs.iter().map(|cost| cost.longest_pause_ns).max().map(micros),
            },
            "peak_rss_bytes": usage.memory_peak_bytes,
        },
        "server": report.server.map(|server| json!({
            "processes": server.processes,
            "cpu_s": server.usage.known_cpu_ns().map(|nanos| nanos as f64 / 1e9),
            "cpu_us_per_request": analysis.server_cpu_per_request_ns.map(|nanos| nanos / 1e3),
            "peak_rss_bytes": server.usage.memory_peak_bytes,
            "cpus": server.cpus,
            "others_share": server.others.map(|others| others.share()),
        })),
        "steal": load.stolen.map(|stolen| stolen.share()),
        "verdict": analysis.verdict,
        "reasons": analysis.findings.iter().map(|finding| json!({
            "verdict": finding.verdict(), "reason": finding.to_string(), "advice": finding.advice(),
        })).collect::<Vec<_>>(),
        "slo": analysis.objectives.as_ref().map(|all| all.iter().map(|one| json!({
            "condition": one.condition, "kept": one.is_kept, "measured": measured(one),
        })).collect::<Vec<_>>()),
    });
    if let Some(merged) = report.merged {
        all["merged"] = self::merged(merged);
        all["requests"]["lost"] = json!(load.requests.lost);
        if load.requests.lost > 0 {
            all["response_time_us"]["mean"] = Value::Null;
        }
    }
    all
}

/// Renders what a merged load was merged from.
fn merged(merged: &MergedLoad<'_>) -> Value {
    let shard = |one: &MergedShard<'_>| {
        let begin = one.record.map(|record| &record.begin);
        json!({
            "shard": one.shard.number(),
            "state": one.state.word(),
            "verdict": one.verdict,
            "source": one.record.map(|record| &record.source),
            "hostname": begin.map(|begin| &begin.host.hostname),
            "requests": one.requests,
            "rate": one.rate,
            "starts_after_us": one.starts_after_ns.map(micros),
            "response_time_us": times(&one.response_time),
            "response_time_lower_bound_from_us": one.lower_bound_from_ns.map(micros),
            "response_time_v2": one.response_time,
        })
    };
    let known = matches!(merged.skew, Skew::Known(_));
    json!({
        "shards": merged.shards.iter().map(shard).collect::<Vec<_>>(),
        "machines": merged.machines,
        "plan": merged.plan.hash(),
        "clock_difference_us": { "at_most": merged.skew.at_most_ns().map(micros), "is_known": known },
    })
}

fn requests_each(load: &LoadRecord) -> Value {
    let [min, p50, max] = load.requests_per_connection;
    json!({ "min": min, "p50": p50, "max": max })
}

/// Returns the run queue delay of all threads; `None` if that of any thread is unknown.
fn run_queue_delay(load: &LoadRecord) -> Option<f64> {
    let waited: Option<Vec<u64>> = load.thread_costs.iter().map(|cost| cost.waited_ns).collect();
    waited.filter(|waited| !waited.is_empty()).map(|waited| waited.iter().sum::<u64>() as f64 / 1e9)
}

fn times(histogram: &Histogram) -> Value {
    let mut all = json!({ "count": histogram.len(), "mean": histogram.mean().map(|mean| mean / 1e3) });
    for (name, share) in PERCENTILES {
        all[name] = json!(supported_percentile(histogram, share).map(micros));
    }
    all["max"] = json!(histogram.max().map(micros));
    all
}

fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}
