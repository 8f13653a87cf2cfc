//! Renders a check-up as JSON and as text.

use std::fmt::Write as _;
use std::iter;

use serde_json::{Value, json};

use crate::report;
use crate::runner::doctor::{Checkup, PacedLoad, PacedRound, TimerLateness};
use crate::session::grid::Grid;
use crate::session::output::width;
use crate::stats::Spread;
use crate::text;
use crate::units;

use super::advice::advice;
use super::progress;

/// Renders the JSON. Times are microseconds, floating point; missing measurements are null.
pub(super) fn json(checkup: &Checkup) -> Value {
    let Checkup { host, ports, clock, pauses, timers, ceilings, pacing, partial, .. } = checkup;
    json!({
        "schema": 1,
        "partial": partial,
        "host": host,
        "outgoing_ports": ports,
        "parallel": checkup.parallel,
        "pressure": checkup.pressure,
        "steal": checkup.steal,
        "clock": { "read_ns": clock.read_ns, "step_ns": clock.step_ns },
        "pauses": { "share": pauses.share, "longest_us": pauses.longest_ns as f64 / 1e3 },
        "timers": timers.iter().map(timer).collect::<Vec<_>>(),
        "generator": {
            "rounds": ceilings.len(),
            "floor_us": spread(checkup.ceiling(|c| c.floor_ns as f64 / 1e3)),
            "ceiling": {
                "connections": ceilings.first().map(|c| c.connections),
                "per_s": spread(checkup.ceiling(|c| c.per_s)),
                "generator_cpu_share": spread(checkup.ceiling(|c| c.generator_cpu)),
                "server_cpu_share": spread(checkup.ceiling(|c| c.server_cpu)),
            },
            "pacing": pacing.iter().map(paced).collect::<Vec<_>>(),
        },
        "failures": failures(checkup),
        "advice": sentences(checkup),
    })
}

fn timer(lateness: &TimerLateness) -> Value {
    let micros = |nanos: Option<u64>| nanos.map(|nanos| nanos as f64 / 1e3);
    json!({
        "timer": lateness.timer.name(),
        "requested_us": lateness.requested.as_nanos() as f64 / 1e3,
        "late_us": {
            "count": lateness.late.len(),
            "p50": micros(lateness.late.quantile(0.5)),
            "p99": micros(lateness.late.credible_quantile(0.99)),
            "max": micros(lateness.late.max()),
        },
    })
}

fn paced(paced: &PacedLoad) -> Value {
    json!({
        "offered_per_s": paced.rate,
        "pacing": paced.pacing.name(),
        "late_p50_us": spread(paced.over_rounds(|round| Some(round.late_p50_ns / 1e3))),
        "late_p99_us": spread(paced.over_rounds(|round| Some(round.late_p99_ns? / 1e3))),
        "response_p50_us": spread(paced.over_rounds(|round| Some(round.response_p50_ns / 1e3))),
        "generator_cpu_share": spread(paced.over_rounds(|round| Some(round.cpu_share))),
        "achieved_per_s": spread(paced.over_rounds(|round| Some(round.per_s))),
    })
}

fn spread(spread: Option<Spread>) -> Value {
    json!(spread.map(|spread| json!({ "median": spread.median, "min": spread.min, "max": spread.max })))
}

/// Renders the text: sections of figures, and the conclusions at the end.
pub(super) fn text(checkup: &Checkup) -> String {
    let sections = [
        machine(checkup),
        clocks(checkup),
        generator(checkup),
        list("Conclusions", &sentences(checkup)),
        list("Not measured", &failures(checkup)),
    ];
    let mut text: Vec<String> = sections.into_iter().filter(|section| !section.is_empty()).collect();
    if checkup.partial {
        text.insert(0, "Ended early by a signal; these are the measurements up to then.".into());
    }
    text::fitted(&text::printable(&text.join("\n\n")), width())
}

/// Returns the conclusions, one sentence each.
fn sentences(checkup: &Checkup) -> Vec<String> {
    checkup.diagnose().iter().map(advice).collect()
}

/// Returns the measurements that failed, with the reasons.
fn failures(checkup: &Checkup) -> Vec<String> {
    checkup.failures.iter().map(|(probe, why)| format!("{}: {why}", progress::describe(*probe))).collect()
}

fn machine(checkup: &Checkup) -> String {
    let host = &checkup.host;
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "n/a".into());
    let memory = host.memory_bytes.map_or_else(|| "n/a".into(), units::bytes);
    let count = |n: Option<u64>| n.map_or_else(|| "n/a".into(), units::count);
    let mut text = "This machine\n".to_owned();
    let _ = writeln!(text, "  CPUs     {} ({})", host.cpus, known(&host.cpu));
    if let Some(quota) = host.cpu_quota {
        let _ = writeln!(text, "  quota    CPU time of at most {} CPUs", units::three_digits(quota));
    }
    for (threads, factor) in checkup.parallel.points().iter().filter(|(threads, _)| *threads > 1) {
        let factor = units::three_digits(*factor);
        let _ = writeln!(text, "  parallel {threads} threads compute {factor} times as much as one");
    }
    let share = |share: Option<f64>| share.map_or_else(|| "n/a".into(), |share| format!("{:.1} %", share * 100.0));
    let _ = writeln!(
        text,
        "  others   runnable tasks waited for a CPU {} of the time (PSI); the host took {} of the CPU time (steal)",
        share(checkup.pressure),
        share(checkup.steal)
    );
    let _ = writeln!(text, "  governor {}", known(&host.governor));
    let _ = writeln!(text, "  memory   {memory}");
    let _ = writeln!(text, "  kernel   {}", known(&host.kernel));
    for limit in &host.thread_limits {
        let (allows, value) = (units::count(limit.allows), units::count(limit.value));
        let _ = writeln!(text, "  threads  {allows} more (limit: {} = {value})", limit.name);
    }
    let _ = writeln!(text, "  files    at most {} open per process", count(host.open_files));
    let _ = write!(text, "  ports    {} for connections to one server", count(checkup.ports));
    text
}

fn clocks(checkup: &Checkup) -> String {
    let Checkup { clock, pauses, .. } = checkup;
    let source = checkup.host.clocksource.as_deref().unwrap_or("unknown");
    let text = format!(
        "Clock: {source}; a read takes {:.1} ns, the resolution is {} ns\n\
         Pauses: a thread that never sleeps lost {:.2} % of its time, up to {} at a time\n\n\
         Timers: how late they expire\n",
        clock.read_ns,
        clock.step_ns,
        pauses.share * 100.0,
        units::duration(pauses.longest_ns),
    );
    let mut table = Grid::new(&["set to", "timer"], &["p50", "p99", "max"]);
    let show = |nanos: Option<u64>| nanos.map_or_else(|| "n/a".into(), units::duration);
    for TimerLateness { timer, requested, late } in &checkup.timers {
        table.row([
            units::exact(*requested),
            timer.name().into(),
            show(late.quantile(0.5)),
            show(late.credible_quantile(0.99)),
            show(late.max()),
        ]);
    }
    text + &indented(table)
}

fn generator(checkup: &Checkup) -> String {
    let mut text = "Load generator: one thread, against a server that does no work\n".to_owned();
    let missing = || "n/a".to_owned();
    let shown = |spread: Option<Spread>, show| spread.map_or_else(missing, |spread| ranged(&spread, show));
    let median = |spread: Option<Spread>, show: fn(f64) -> String| spread.map_or_else(missing, |s| show(s.median));
    let _ = writeln!(
        text,
        "  floor    p50 response time {} over one connection; both sides are woken for each request",
        shown(checkup.ceiling(|c| c.floor_ns as f64), time)
    );
    let _ = writeln!(
        text,
        "  ceiling  {} over {} connections; the generator used {} of a CPU, the server {}",
        shown(checkup.ceiling(|c| c.per_s), units::rate),
        checkup.ceilings.first().map_or(0, |ceiling| ceiling.connections),
        median(checkup.ceiling(|c| c.generator_cpu), percent),
        median(checkup.ceiling(|c| c.server_cpu), percent),
    );
    text += "\nPacing: how late requests are sent, evenly spaced, over 50 connections\n";
    let mut table = Grid::new(&["rate", "pacing"], &["p50", "p99", "CPU", "answered", "response p50"]);
    for paced in &checkup.pacing {
        let over = |figure: fn(&PacedRound) -> Option<f64>| paced.over_rounds(figure);
        table.row([
            units::rate(paced.rate),
            paced.pacing.name().into(),
            shown(over(|round| Some(round.late_p50_ns)), time),
            shown(over(|round| round.late_p99_ns), time),
            median(over(|round| Some(round.cpu_share)), percent),
            median(over(|round| Some(round.per_s)), units::rate),
            shown(over(|round| Some(round.response_p50_ns)), time),
        ]);
    }
    text + &indented(table)
}

fn time(ns: f64) -> String {
    units::duration(ns.round() as u64)
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Formats the median of the rounds and their range: `18.2 us (17.9 to 18.8 us)`.
fn ranged(spread: &Spread, show: fn(f64) -> String) -> String {
    let range = report::range(spread, show).map(|range| format!(" ({range})"));
    show(spread.median) + &range.unwrap_or_default()
}

fn indented(table: Grid) -> String {
    let lines: Vec<String> =
        table.lines(width().saturating_sub(1)).iter().map(|line| format!(" {line}").trim_end().to_owned()).collect();
    lines.join("\n")
}

fn list(title: &str, sentences: &[String]) -> String {
    if sentences.is_empty() {
        return String::new();
    }
    let width = width().min(120).saturating_sub(4);
    let lines = sentences.iter().map(|sentence| format!("  - {}", text::wrapped(sentence, width, "    ").join("\n")));
    iter::once(title.to_owned()).chain(lines).collect::<Vec<_>>().join("\n")
}
