//! Renders the page of one load on one server: the same charts, for one target.

use askama::Template;

use super::chart::curve::{Curve, Curves};
use super::chart::density::{Densities, Density};
use super::chart::heat::{Heat, HeatMap};
use super::chart::{Caption, Look, Size};
use super::figures::draw_both;
use super::html::{ICON, SCRIPT, SCRIPT_HASH, STYLE};
use super::shards::{SHARD_HEADINGS, ShardRow, shard_clocks, shard_rows};
use super::wording;
use crate::analysis::merge::MergedLoad;
use crate::analysis::slo::{JudgedCondition, MeasuredValue};
use crate::analysis::{LoadAnalysis, LoadFigures, LoadFinding};
use crate::gate::Verdict;
use crate::histogram::Histogram;
use crate::host::Host;
use crate::record::{LoadRecord, Requests};
use crate::scenario::{ArrivalSpec, Family};
use crate::stats::Bound;
use crate::text;
use crate::units;
use crate::usage::ProcessesUsage;

/// The percentiles shown for a load, with their names.
pub const PERCENTILES: [(&str, f64); 7] =
    [("p50", 0.50), ("p75", 0.75), ("p90", 0.90), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999)];

/// Returns a percentile in nanoseconds: the median always, a higher one only if ten values lie beyond it.
pub fn supported_percentile(histogram: &Histogram, share: f64) -> Option<u64> {
    if share <= 0.5 { histogram.quantile(share) } else { histogram.credible_quantile(share) }
}

/// Formats a time that is known, with this sign if it is a lower bound: all are from `bound` on. A bound of 0 shows
/// nothing.
pub fn bounded_time(nanos: Option<u64>, bound: Option<u64>, sign: &str) -> String {
    match nanos {
        None => "n/a".to_owned(),
        Some(0) if bound == Some(0) => "n/a".to_owned(),
        Some(nanos) if bound.is_some_and(|from| nanos >= from) => format!("{sign}{}", units::duration(nanos)),
        Some(nanos) => units::duration(nanos),
    }
}

/// Returns how requests were paced, and whether the pacing had to change; `None` in a closed loop.
pub fn pacing(load: &LoadRecord) -> Option<String> {
    let pacing = load.pacing?.name();
    let timer_only = load.thread_costs.iter().map(|cost| cost.timer_only_ns).max().unwrap_or(0);
    Some(match timer_only {
        0 => pacing.to_owned(),
        _ => format!(
            "{pacing}, with the timer alone for {} because another program needed the CPU",
            units::duration(timer_only)
        ),
    })
}

/// Formats the measured value of a condition: `4.21 ms`, `>=1.00 s, because some requests never completed`.
pub fn measured(condition: &JudgedCondition) -> String {
    match condition.measured {
        MeasuredValue::Share(share) => format!("{:.3} %", share * 100.0),
        MeasuredValue::Rate(rate) => units::rate(rate),
        MeasuredValue::Time(nanos, Bound::Exact) => units::duration(nanos),
        MeasuredValue::Time(nanos, _) if condition.is_kept => format!(">={}", units::duration(nanos)),
        MeasuredValue::Time(nanos, _) => format!(">={}, because some requests never completed", units::duration(nanos)),
        MeasuredValue::TooFew(requests) => format!("unknown, as there are only {} requests", units::count(requests)),
        MeasuredValue::NoTime => "no rate: the window is empty, or not every shard ran to the end".into(),
    }
}

/// One load and its target.
#[derive(Debug)]
pub struct LoadReport<'a> {
    /// The URLs, at least one.
    pub urls: &'a [String],
    /// The request target of each URL.
    pub targets: &'a [String],
    /// The rule by which requests were due.
    pub arrival: ArrivalSpec,
    /// The seed of all random choices.
    pub seed: u64,
    /// The time at which the load began, for people.
    pub started: String,
    /// The command that repeats the load.
    pub command: String,
    /// The machine of the load generator.
    pub host: &'a Host,
    /// The recorded figures.
    pub figures: LoadFigures<'a>,
    /// The analysis of the figures.
    pub analysis: &'a LoadAnalysis,
    /// The usage of the server's processes, if they are known.
    pub server: Option<&'a ProcessesUsage>,
    /// Whether the load ended early: by a signal, or because a shard did.
    pub partial: bool,
    /// What the load was merged from; `None` if it was run by one process.
    pub merged: Option<&'a MergedLoad<'a>>,
}

impl LoadReport<'_> {
    /// Returns the first URL, and the number of further ones.
    pub fn url(&self) -> String {
        joined_urls(self.urls)
    }
}

/// Returns the first URL, and the number of further ones.
pub fn joined_urls(urls: &[String]) -> String {
    match urls.len() - 1 {
        0 => urls[0].clone(),
        1 => format!("{} and 1 more URL", urls[0]),
        n => format!("{} and {} more URLs", urls[0], units::count(n as u64)),
    }
}

/// The table of the shards of a merged load.
struct ShardTable {
    headings: [&'static str; 9],
    rows: Vec<ShardRow>,
    clocks: String,
}

#[derive(Template)]
#[template(path = "load.html", config = "src/report/templates/askama.toml")]
struct LoadPage {
    url: String,
    verdict: Verdict,
    warnings: Vec<String>,
    answer: Vec<String>,
    facts: Vec<(&'static str, String)>,
    curve: String,
    has_service: bool,
    densities: String,
    /// The response times over the course of the load; empty if there are none.
    over_time: String,
    headings: Vec<&'static str>,
    rows: Vec<(&'static str, Vec<String>)>,
    has_bounds: bool,
    has_warmup: bool,
    shards: Option<ShardTable>,
    requests: Vec<(&'static str, String)>,
    /// The number of lost requests; empty if there are none.
    lost: String,
    command: String,
}

/// Renders the page, complete in itself.
pub fn load(report: &LoadReport<'_>) -> String {
    let series = report.figures.series;
    let finding = describe(report).join(" ");
    let title = "Response time of the requests";
    let look = |variant| Look { family: Family::Async, variant };
    // Lost requests have no times to draw.
    let known = report.merged.map_or(series, |merged| &merged.known);
    let (response, service) = (&known.response_time, &known.service_time);
    let curve = Curve::from_times("response".into(), look(0), (response, Some(service)), known.lower_bound_from_ns);
    let curves = Curves { series: curve.into_iter().collect() };
    let rows = [("response", response, 0), ("service", service, 1)].into_iter();
    let rows = rows.filter(|(_, times, _)| times.len() >= 20).map(|(label, times, variant)| Density {
        label: label.into(),
        look: look(variant),
        times,
    });
    let densities = Densities { rows: rows.collect() };
    let draw_curves = |size: Size, caption: &Caption<'_>| curves.draw(size, caption);
    let draw_densities = |size: Size, caption: &Caption<'_>| densities.draw(size, caption);
    let page = LoadPage {
        url: text::one_line(&report.url()),
        verdict: report.analysis.verdict,
        warnings: warnings(report),
        answer: describe(report),
        facts: properties(report),
        curve: if curves.series.is_empty() { String::new() } else { draw_both("c", title, &finding, draw_curves) },
        has_service: curves.has_service(),
        densities: if densities.rows.is_empty() {
            String::new()
        } else {
            draw_both("d", "Distribution of the times", &finding, draw_densities)
        },
        over_time: over_time(report, &finding),
        headings: PERCENTILES.iter().map(|(name, _)| *name).chain(["max"]).collect(),
        rows: rows_of(report),
        has_bounds: series.lower_bound_from_ns.is_some(),
        has_warmup: !report.figures.load.warmup.columns().is_empty(),
        shards: report.merged.map(|merged| ShardTable {
            headings: SHARD_HEADINGS,
            rows: shard_rows(merged),
            clocks: shard_clocks(merged),
        }),
        requests: requests(report.figures.load),
        lost: match report.figures.load.requests.lost {
            0 => String::new(),
            n => units::counted(n, "lost request", "lost requests"),
        },
        command: text::one_line(&report.command),
    };
    page.render().expect("writing into a string")
}

/// Draws the response times by when their requests were due.
fn over_time(report: &LoadReport<'_>, finding: &str) -> String {
    let LoadFigures { load, wall_ns, .. } = report.figures;
    let (warmup, window) = (&load.warmup, &load.over_time);
    if window.columns().is_empty() {
        return String::new();
    }
    let look = Look { family: Family::Async, variant: 0 };
    let heat = Heat {
        rows: vec![HeatMap { label: "response time".into(), look, warmup, window }],
        warmup_ns: warmup.width_ns() * warmup.columns().len() as u64,
        window_ns: wall_ns,
    };
    draw_both("t", "Response times over time", finding, |size, caption| heat.draw(size, caption))
}

fn warnings(report: &LoadReport<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    if report.partial {
        let why = match report.merged {
            None => "A signal ended this load early; the figures cover the time until then.",
            Some(_) => "Not every shard ran to the end: the server was not offered the planned load.",
        };
        warnings.push(why.into());
    }
    if report.host.debug_build {
        warnings.push("avt was built without optimisation, so its figures are meaningless.".into());
    }
    let sentence =
        |finding: &LoadFinding| text::one_line(&format!("{}: {finding}; {}.", finding.verdict(), finding.advice()));
    warnings.extend(report.analysis.findings.iter().map(sentence));
    warnings
}

/// Describes the result in sentences.
fn describe(report: &LoadReport<'_>) -> Vec<String> {
    let LoadFigures { series, load, .. } = report.figures;
    let rate = report.analysis.rate.map_or_else(|| "An unknown number".into(), wording::per_second);
    let connections = units::count(load.connections_opened.into());
    let mut sentences = vec![match load.offered_per_s {
        Some(offered) => format!(
            "{rate} of {} requests/s answered ({connections} connections, open loop).",
            wording::per_second(offered)
        ),
        None => format!(
            "{rate} requests/s answered ({connections} connections, closed loop). A closed loop hides overload: a slow \
             server receives fewer requests."
        ),
    }];
    let bound = |ns: u64| if series.lower_bound_from_ns.is_some_and(|from| ns >= from) { "at least " } else { "" };
    let percentile = [("p99", 0.99), ("p90", 0.9), ("p50", 0.5)];
    let found = percentile.iter().find_map(|(name, share)| {
        Some((
            name,
            supported_percentile(&series.response_time, *share)?,
            supported_percentile(&series.service_time, *share),
        ))
    });
    if load.requests.completed == 0 {
        sentences.push("No request was answered: the times below show only how long requests had waited.".into());
    } else if let Some((name, response, service)) = found {
        let time = wording::time(response as f64);
        sentences.push(format!("{name} response time, from when requests were due: {}{time}.", bound(response)));
        if let Some(service) = service.filter(|service| response as f64 > *service as f64 * 1.2) {
            sentences.push(format!(
                "{name} service time, from when they were sent: {}; before that, they waited for a free connection or \
                 the generator.",
                wording::time(service as f64)
            ));
        }
    }
    let Requests { planned, completed, lost, .. } = load.requests;
    let of = |n: u64, what: &str| {
        (n > 0).then(|| format!("{} of {} requests {what}.", units::count(n), units::count(planned)))
    };
    sentences.extend(of(planned - completed - lost, "got no answer"));
    sentences.extend(of(lost, "belong to shards that were lost, and have no known outcome"));
    sentences
}

fn properties(report: &LoadReport<'_>) -> Vec<(&'static str, String)> {
    let (LoadFigures { load, wall_ns, .. }, host) = (report.figures, report.host);
    let cpu = text::one_line(host.cpu.as_deref().unwrap_or("unknown processor"));
    let late = supported_percentile(&load.send_lag.late, 0.99).filter(|_| load.offered_per_s.is_some());
    let mut facts = vec![
        ("when", text::one_line(&report.started)),
        (report.merged.map_or("machine", |_| "first machine"), format!("{} × {cpu}", units::count(host.cpus.into()))),
        ("load", report.arrival.in_words()),
        ("window", units::duration(wall_ns)),
        ("connections", units::count(load.connections_opened.into())),
        (
            "generator",
            match load.threads {
                1 => format!("{} of CPU on 1 thread", units::duration(load.usage.cpu_ns())),
                threads => format!("{} of CPU on {threads} threads", units::duration(load.usage.cpu_ns())),
            },
        ),
    ];
    facts.extend(pacing(load).map(|pacing| ("pacing", pacing)));
    facts.extend(late.map(|late| ("generator late, p99", units::duration(late))));
    let longest = load.thread_costs.iter().map(|thread| thread.longest_pause_ns).max().filter(|longest| *longest > 0);
    facts.extend(longest.map(|longest| ("longest generator pause", units::duration(longest))));
    facts
}

pub(super) fn rows_of(report: &LoadReport<'_>) -> Vec<(&'static str, Vec<String>)> {
    let LoadFigures { series, load, .. } = report.figures;
    let lag = &load.send_lag;
    let mut rows = vec![
        ("response time", &series.response_time, series.lower_bound_from_ns),
        ("service time", &series.service_time, None),
    ];
    if load.service_pauses.max().is_some_and(|longest| longest > 0) {
        rows.push(("generator paused", &load.service_pauses, None));
    }
    if load.offered_per_s.is_some() {
        rows.extend([
            ("send lag", &lag.total, None),
            ("no connection free", &lag.no_connection, None),
            ("generator late", &lag.late, None),
        ]);
    }
    rows.into_iter().map(|(name, times, bound)| (name, figures(times, bound))).collect()
}

/// Returns the percentiles and the maximum of these times; those at or above `bound` are marked `≥`.
fn figures(times: &Histogram, bound: Option<u64>) -> Vec<String> {
    let show = |nanos| bounded_time(nanos, bound, "≥ ");
    PERCENTILES.iter().map(|(_, share)| show(supported_percentile(times, *share))).chain([show(times.max())]).collect()
}

fn requests(load: &LoadRecord) -> Vec<(&'static str, String)> {
    let Requests { planned, completed, failed, timed_out, unsent, unfinished, lost } = load.requests;
    let parts = [
        ("planned", planned),
        ("completed", completed),
        ("failed", failed),
        ("timed out", timed_out),
        ("unsent", unsent),
        ("unfinished", unfinished),
    ];
    let lost = Some(("lost with a shard", lost)).filter(|(_, n)| *n > 0);
    let mut requests: Vec<_> = parts.into_iter().chain(lost).map(|(name, n)| (name, units::count(n))).collect();
    let errors: Vec<String> = load.errors.iter().map(|(class, n)| format!("{} {class}", units::count(*n))).collect();
    if !errors.is_empty() {
        requests.push(("errors", text::one_line(&errors.join(", "))));
    }
    let status: Vec<String> =
        load.status.iter().map(|(status, n)| format!("{} × {status}", units::count(*n))).collect();
    requests.push(("status", if status.is_empty() { "no answer".into() } else { status.join(", ") }));
    requests
}
