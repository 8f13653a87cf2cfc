//! Renders the result of a load as text.

use std::fmt::Write as _;

use crate::analysis::LoadFigures;
use crate::analysis::merge::MergedLoad;
use crate::analysis::slo::JudgedCondition;
use crate::gate::Verdict;
use crate::histogram::Histogram;
use crate::http1::limits;
use crate::record::Requests;
use crate::report::{
    LoadReport, PERCENTILES, SHARD_HEADINGS, bounded_time, measured, pacing, shard_clocks, shard_rows,
    supported_percentile,
};
use crate::session::grid::Grid;
use crate::session::output::width;
use crate::units;

use super::hdr::partial_reason;
use super::picture::picture;

/// Formats a number of connections.
pub(crate) fn connections(n: u32) -> String {
    units::counted(n.into(), "connection", "connections")
}

/// Returns in a sentence why the verb fails with exit code 1.
pub(super) fn unmet_requirements(report: &LoadReport<'_>) -> String {
    let requests = &report.figures.load.requests;
    let objectives = report.analysis.objectives.as_deref().unwrap_or_default();
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
fn objectives(all: &[JudgedCondition], verdict: Verdict) -> String {
    let line = |one: &JudgedCondition| {
        let word = match one.is_kept {
            _ if verdict == Verdict::Invalid => "not judged",
            true => "met",
            false => "VIOLATED",
        };
        format!("\nslo        {}: {word} ({})", one.condition, measured(one))
    };
    all.iter().map(line).collect()
}

/// Renders the table of the shards, and what is known of their clocks.
fn shards(merged: &MergedLoad<'_>) -> String {
    let mut table = Grid::new(&["shard", "machine"], &SHARD_HEADINGS);
    for row in shard_rows(merged) {
        table.row(row.into_cells());
    }
    let mut text = String::new();
    for line in table.lines(width()) {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "{}\n", shard_clocks(merged));
    text
}

/// Renders the text: the outcomes of the requests, their times, and their cost.
pub(super) fn text(report: &LoadReport<'_>) -> String {
    let LoadReport { analysis, server, .. } = *report;
    let LoadFigures { series, load, wall_ns, requests_in_window, .. } = report.figures;
    let requests = &load.requests;
    let mut text = String::new();
    if report.partial {
        let _ = writeln!(text, "PARTIAL: {}\n", partial_reason(report.merged.is_some()));
    }
    if let Some(merged) = report.merged {
        text.push_str(&shards(merged));
    }
    let _ = writeln!(
        text,
        "{} responses in {}: {}{}",
        units::count(requests_in_window),
        units::duration(wall_ns),
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
            let why = if report.merged.is_some() {
                "the others are those of incomplete shards"
            } else {
                "there are fewer requests"
            };
            format!(" ({} requested, but {why})", units::count(load.connections_planned.into()))
        } else {
            String::new()
        },
        units::three_digits(load.mean_in_flight),
    );

    let percentiles: Vec<&str> = PERCENTILES.iter().map(|(name, _)| *name).chain(["max"]).collect();
    let mut table = Grid::new(&[""], &percentiles);
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

    // Lost requests have no times.
    let known = report.merged.map_or(series, |merged| &merged.known);
    let picture = picture(&known.response_time, width());
    if !picture.is_empty() {
        let _ = write!(text, "response time up to\n{}\n\n", picture.join("\n"));
    }
    let _ = writeln!(
        text,
        "requests   {} planned = {} completed + {} failed + {} timed out + {} unsent + {} unfinished{}",
        units::count(requests.planned),
        units::count(requests.completed),
        units::count(requests.failed),
        units::count(requests.timed_out),
        units::count(requests.unsent),
        units::count(requests.unfinished),
        if requests.lost > 0 { format!(" + {} lost", units::count(requests.lost)) } else { String::new() },
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
    let objectives = analysis.objectives.as_deref().map_or_else(String::new, |all| objectives(all, analysis.verdict));
    format!("{}{objectives}", text.trim_end())
}

fn row(name: &str, histogram: &Histogram, lower_bound_from: Option<u64>) -> Vec<String> {
    let show = |nanos| bounded_time(nanos, lower_bound_from, ">=");
    let percentiles = PERCENTILES.iter().map(|(_, share)| show(supported_percentile(histogram, *share)));
    [name.to_owned()].into_iter().chain(percentiles).chain([show(histogram.max())]).collect()
}
