//! Renders the result of a load as JSON and as text.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::analysis::LoadAnalysis;
use crate::analysis::slo::JudgedCondition;
use crate::histogram::Histogram;
use crate::http1::limits;
use crate::load::{LoadPlan, Loaded};
use crate::record::{LoadRecord, Requests};
use crate::report::{PERCENTILES, measured, pacing, supported_percentile};
use crate::scenario::ArrivalSpec;
use crate::session::grid::Grid;
use crate::session::output::width;
use crate::units;
use crate::usage::ProcessesUsage;

use super::picture::picture;

/// Renders `avt load --json`, schema 1: durations in microseconds, floating point; a missing figure is null. A closed
/// loop has no offered rate. `url` is the first of `urls`; `targets` holds the request target of each.
pub(super) fn json(
    urls: &[String],
    plan: &LoadPlan,
    loaded: &Loaded,
    server: Option<&ProcessesUsage>,
    analysis: &LoadAnalysis,
    partial: bool,
) -> Value {
    let load = &loaded.load;
    let lag = &load.send_lag;
    let (arrivals, pacing) = match plan.arrival {
        ArrivalSpec::Closed { .. } => (Value::Null, Value::Null),
        ArrivalSpec::Open { arrivals, pacing, .. } => (json!(arrivals.name()), json!(pacing.name())),
    };
    let seconds = loaded.wall_ns as f64 / 1e9;
    let usage = &load.usage;
    json!({
        "schema": 1,
        "url": urls.first(),
        "urls": urls,
        "targets": plan.request.targets,
        "loop": if load.offered_per_s.is_some() { "open" } else { "closed" },
        "arrivals": arrivals,
        "pacing": pacing,
        "partial": partial,
        "seed": plan.seed,
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
        "response_time_us": times(&loaded.series[0].response_time),
        "service_time_us": times(&loaded.series[0].service_time),
        "service_pause_us": times(&load.service_pauses),
        "send_lag_us": times(&lag.total),
        "send_lag_late_us": times(&lag.late),
        "send_lag_no_connection_us": times(&lag.no_connection),
        "response_time_lower_bound_from_us": loaded.series[0].lower_bound_from_ns.map(micros),
        "bytes_received": load.bytes_received,
        "generator": {
            "threads": load.threads,
            "cpu_s": usage.cpu_ns() as f64 / 1e9,
            "cpu_share": (loaded.wall_ns > 0)
                .then(|| usage.cpu_ns() as f64 / loaded.wall_ns as f64 / f64::from(load.threads)),
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
        "server": server.map(|server| json!({
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
    })
}

/// Formats a number of connections.
pub(super) fn connections(n: u32) -> String {
    units::counted(n.into(), "connection", "connections")
}

/// Returns in a sentence why the verb fails with exit code 1.
pub(super) fn unmet_requirements(loaded: &Loaded, analysis: &LoadAnalysis) -> String {
    let requests = &loaded.load.requests;
    let objectives = analysis.objectives.as_deref().unwrap_or_default();
    let broken = objectives.iter().filter(|objective| !objective.is_kept).count();
    if requests.planned == 0 {
        "no request was due in the window".to_owned()
    } else if requests.completed == 0 {
        format!("none of {} requests was answered", units::count(requests.planned))
    } else {
        format!("{broken} of {} conditions of --slo violated", objectives.len())
    }
}

/// Formats the conditions, one line each.
fn objectives(all: &[JudgedCondition]) -> String {
    let line = |one: &JudgedCondition| {
        let word = if one.is_kept { "met" } else { "VIOLATED" };
        format!("\nslo        {}: {word} ({})", one.condition, measured(one))
    };
    all.iter().map(line).collect()
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

/// Renders the text: the outcomes of the requests, their times, and their cost.
pub(super) fn text(loaded: &Loaded, server: Option<&ProcessesUsage>, analysis: &LoadAnalysis, partial: bool) -> String {
    let load = &loaded.load;
    let requests = &load.requests;
    let mut text = String::new();
    if partial {
        text.push_str("PARTIAL: ended early by a signal\n\n");
    }
    let _ = writeln!(
        text,
        "{} responses in {}: {}{}",
        units::count(loaded.requests_in_window),
        units::duration(loaded.wall_ns),
        analysis.rate.map_or_else(|| "no rate".into(), units::rate),
        load.offered_per_s.map_or_else(String::new, |rate| format!(" of {} offered", units::rate(rate))),
    );
    let starved = match load.connections_starved {
        0 => String::new(),
        n => format!("; {} starved, without any response", units::count(n.into())),
    };
    let spread = match load.requests_per_connection {
        [least, _, most] if least == most => format!("{} per connection", units::counted(most, "request", "requests")),
        all => {
            let [least, median, most] = all.map(units::count);
            format!("{least} to {most} requests per connection (median {median})")
        }
    };
    let _ = writeln!(
        text,
        "{}{}, {} busy on average, {spread}{starved}",
        connections(load.connections_opened),
        if load.connections_opened < load.connections_planned {
            format!(" ({} requested, but there are fewer requests)", units::count(load.connections_planned.into()))
        } else {
            String::new()
        },
        units::three_digits(load.mean_in_flight),
    );

    let percentiles: Vec<&str> = PERCENTILES.iter().map(|(name, _)| *name).chain(["max"]).collect();
    let mut table = Grid::new(&[""], &percentiles);
    let series = &loaded.series[0];
    let from = series.lower_bound_from_ns;
    table.row(row("response time", &series.response_time, from));
    table.row(row("service time", &series.service_time, None));
    if load.service_pauses.max().is_some_and(|longest| longest > 0) {
        table.row(row("  generator paused", &load.service_pauses, None));
    }
    if load.offered_per_s.is_some() {
        table.row(row("send lag", &load.send_lag.total, None));
        table.row(row("  no connection free", &load.send_lag.no_connection, None));
        table.row(row("  generator late", &load.send_lag.late, None));
    }
    text.push('\n');
    for line in table.lines(width()) {
        let _ = writeln!(text, "{line}");
    }
    if from.is_some() {
        text.push_str(">= : lower bound, because some requests never got a response\n");
    }
    if load.offered_per_s.is_none() {
        text.push_str("closed loop: a slow server gets fewer requests, so these times hide overload\n");
    }
    text.push('\n');

    let picture = picture(&series.response_time, width());
    if !picture.is_empty() {
        let _ = write!(text, "response time up to\n{}\n\n", picture.join("\n"));
    }
    let _ = writeln!(
        text,
        "requests   {} planned = {} completed + {} failed + {} timed out + {} unsent + {} unfinished",
        units::count(requests.planned),
        units::count(requests.completed),
        units::count(requests.failed),
        units::count(requests.timed_out),
        units::count(requests.unsent),
        units::count(requests.unfinished),
    );
    if load.warmup_requests.completed < load.warmup_requests.planned {
        let Requests { planned, failed, timed_out, unsent, unfinished, .. } = load.warmup_requests;
        let _ = writeln!(
            text,
            "warm-up    {} of its {} requests got no response (not included above)",
            units::count(failed + timed_out + unsent + unfinished),
            units::count(planned),
        );
    }
    if !load.errors.is_empty() {
        let classes: Vec<String> =
            load.errors.iter().map(|(class, n)| format!("{} {class}", units::count(*n))).collect();
        let _ = writeln!(text, "errors     {}", classes.join(", "));
        if load.errors.contains_key("header_too_large") {
            let (bytes, fields) = (units::bytes(limits::HEAD as u64), limits::N_FIELDS);
            let _ = writeln!(text, "           header_too_large: the limit is {bytes} or {fields} fields");
        }
    }
    let answers: Vec<String> =
        load.status.iter().map(|(status, n)| format!("{} x {status}", units::count(*n))).collect();
    if load.answers_with_surplus > 0 {
        let n = units::count(load.answers_with_surplus);
        let _ = writeln!(
            text,
            "surplus    {n} responses were followed by unrequested bytes; their connections were closed"
        );
    }
    let _ = writeln!(text, "status     {}", if answers.is_empty() { "no response".into() } else { answers.join(", ") });
    let _ = writeln!(
        text,
        "generator  {} of CPU time on {}, {}",
        units::duration(load.usage.cpu_ns()),
        units::counted(load.threads.into(), "thread", "threads"),
        load.usage
            .memory_peak_bytes
            .map_or_else(|| "peak memory n/a".into(), |peak| format!("peak memory {}", units::bytes(peak))),
    );
    if let Some(line) = pacing(load) {
        let _ = writeln!(text, "pacing     {line}");
    }
    if let Some(server) = server {
        let per_request = analysis.server_cpu_per_request_ns;
        let _ = writeln!(
            text,
            "server     {}{}, {}",
            server
                .usage
                .known_cpu_ns()
                .map_or_else(|| "CPU time n/a".into(), |nanos| format!("{} of CPU time", units::duration(nanos))),
            per_request.map_or_else(String::new, |nanos| format!(", {} per request", units::duration(nanos as u64))),
            server
                .usage
                .memory_peak_bytes
                .map_or_else(|| "peak memory n/a".into(), |peak| format!("peak memory {}", units::bytes(peak))),
        );
    }
    let _ = writeln!(text, "verdict    {}", analysis.verdict);
    for finding in &analysis.findings {
        let _ = writeln!(text, "           {}: {finding}; {}", finding.verdict(), finding.advice());
    }
    let objectives = analysis.objectives.as_deref().map_or_else(String::new, objectives);
    format!("{}{objectives}", text.trim_end())
}

fn times(histogram: &Histogram) -> Value {
    let mut all = json!({ "count": histogram.len(), "mean": histogram.mean().map(|mean| mean / 1e3) });
    for (name, share) in PERCENTILES {
        all[name] = json!(supported_percentile(histogram, share).map(micros));
    }
    all["max"] = json!(histogram.max().map(micros));
    all
}

fn row(name: &str, histogram: &Histogram, lower_bound_from: Option<u64>) -> Vec<String> {
    let show = |nanos: Option<u64>| match nanos {
        None => "n/a".to_owned(),
        Some(nanos) if lower_bound_from.is_some_and(|from| nanos >= from) => format!(">={}", units::duration(nanos)),
        Some(nanos) => units::duration(nanos),
    };
    let percentiles = PERCENTILES.iter().map(|(_, share)| show(supported_percentile(histogram, *share)));
    [name.to_owned()].into_iter().chain(percentiles).chain([show(histogram.max())]).collect()
}

fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}
