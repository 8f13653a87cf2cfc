//! Measures, one thing after the other, until a signal says that it is enough.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::histogram::Histogram;
use crate::host::{self, Host};
use crate::record::Measured;
use crate::ruler::{self, Timer};
use crate::runner::{self, Halt, Interrupt, Program};
use crate::scenario::{ArrivalSpec, Client, LoadSpec, Pin};
use crate::schedule::{Arrivals, Pacing};
use crate::units;
use crate::usage::{Pressure, StealMeter};
use crate::workload::{calibrate, parallel};

use super::Effort;
use super::findings::{Findings, Late, Paced, Round};
use crate::cli::output::note;

const RATES: [f64; 3] = [1_000.0, 10_000.0, 50_000.0];
const PACINGS: [Pacing; 3] = [Pacing::Sleep, Pacing::Hybrid, Pacing::Spin];

/// What the timers are asked for: shorter and longer than their own slack.
const ASKED: [Duration; 2] = [Duration::from_micros(100), Duration::from_millis(1)];

/// Requests of a schedule that give a 99th percentile.
const ENOUGH: f64 = 1_050.0;

/// All that can be found out, and the signal that came before the end.
pub(super) fn all(effort: Effort, interrupt: &Interrupt) -> (Findings, Option<i32>) {
    let host = Host::read();
    let (begun, pressure, steal) = (Instant::now(), Pressure::read(), StealMeter::start());
    let pauses = ruler::pauses(effort.length);
    let waited = Pressure::read().zip(pressure).map(|(now, before)| now.since(before) as f64);
    let mut findings = Findings {
        ports: host::outgoing_ports(),
        clock: ruler::clock(),
        pressure: waited.map(|waited| (waited / units::nanos(begun.elapsed()).max(1) as f64).min(1.0)),
        steal: steal.stop(),
        parallel: parallel(host.cpus, calibrate()),
        pauses,
        host,
        timers: Vec::new(),
        ceilings: Vec::new(),
        pacing: Vec::new(),
        failures: Vec::new(),
        partial: false,
    };
    let pairs = RATES.iter().flat_map(|rate| PACINGS.map(|pacing| (*rate, pacing)));
    findings.pacing = pairs.map(|(rate, pacing)| Paced { rate, pacing, rounds: Vec::new() }).collect();
    let progress = Progress::new(effort);
    let signal = timers(effort, &mut findings, &progress, interrupt)
        .and_then(|()| generator(effort, &mut findings, &progress, interrupt))
        .err();
    progress.bar.finish_and_clear();
    findings.partial = signal.is_some();
    findings.pacing.retain(|paced| !paced.rounds.is_empty());
    (findings, signal)
}

fn timers(effort: Effort, findings: &mut Findings, progress: &Progress, interrupt: &Interrupt) -> Result<(), i32> {
    /// Sleeps between two looks for a signal.
    const AT_ONCE: u32 = 50;
    for asked in ASKED {
        for timer in Timer::ALL {
            progress.step(&format!("{}, asked for {}", timer.name(), units::exact(asked)));
            let mut by = Histogram::default();
            for _ in 0..effort.timers / AT_ONCE {
                interrupt.signal().map_or(Ok(()), Err)?;
                match timer.overshoot(asked, AT_ONCE) {
                    Ok(late) => by.merge(&late),
                    Err(error) => {
                        findings.failures.push(format!("{}: {error}", timer.name()));
                        break;
                    }
                }
            }
            findings.timers.push(Late { timer, asked, by });
        }
    }
    Ok(())
}

fn generator(effort: Effort, findings: &mut Findings, progress: &Progress, interrupt: &Interrupt) -> Result<(), i32> {
    let program = Program::this();
    for _ in 0..effort.rounds {
        progress.step("as fast as it goes");
        match runner::ceiling(&load(effort, None), effort.length, &program, interrupt) {
            Ok(ceiling) => findings.ceilings.push(ceiling),
            Err(halt) => findings.failures.push(failure("as fast as it goes", halt)?),
        }
        for k in 0..findings.pacing.len() {
            let Paced { rate, pacing, .. } = findings.pacing[k];
            let what = format!("{} by {}", units::rate(rate), pacing.name());
            progress.step(&what);
            match runner::load_on_nothing(load(effort, Some((rate, pacing))), 0, &program, interrupt) {
                Ok(measured) => findings.pacing[k].rounds.extend(round(&measured)),
                Err(halt) => findings.failures.push(failure(&what, halt)?),
            }
        }
    }
    Ok(())
}

/// The failure in words, unless it is the end of everything.
fn failure(what: &str, halt: Halt) -> Result<String, i32> {
    match halt {
        Halt::Failed(why) => Ok(format!("{what}: {why}")),
        Halt::Interrupted(signal) => Err(signal),
    }
}

fn load(effort: Effort, schedule: Option<(f64, Pacing)>) -> LoadSpec {
    let (duration, arrival) = match schedule {
        None => (effort.length, ArrivalSpec::Closed { think: Duration::ZERO }),
        Some((rate, pacing)) => {
            let duration = effort.length.max(Duration::from_secs_f64(ENOUGH / rate));
            (duration, ArrivalSpec::Open { rate, arrivals: Arrivals::Even, pacing })
        }
    };
    LoadSpec {
        client: Client::Raw,
        connections: 50,
        threads: 1,
        warmup: duration / 10,
        duration,
        arrival,
        timeout: Duration::from_secs(5),
        drain: Duration::from_millis(200),
        pin: Pin::Split,
        server_cpus: None,
    }
}

fn round(measured: &Measured) -> Option<Round> {
    let load = measured.load.as_ref()?;
    let late = &load.send_lag.late;
    Some(Round {
        p50_ns: late.quantile(0.5)? as f64,
        p99_ns: late.credible_quantile(0.99).map(|late| late as f64),
        response_p50_ns: measured.series.first()?.response_time.quantile(0.5)? as f64,
        cpu_share: load.usage.cpu_ns() as f64 / measured.wall_ns.max(1) as f64,
        per_s: measured.throughput(),
    })
}

/// A bar on a terminal, elsewhere two lines. Drawn between two measurements only.
struct Progress {
    bar: ProgressBar,
}

impl Progress {
    fn new(effort: Effort) -> Self {
        let steps = ASKED.len() * Timer::ALL.len() + effort.rounds as usize * (1 + RATES.len() * PACINGS.len());
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{wide_msg}\n{bar:40} {pos} of {len}");
        bar.set_style(style.expect("the template is a constant").progress_chars("━╸─"));
        if bar.is_hidden() {
            let seconds = if effort.rounds == 1 { 10 } else { 50 };
            note(format_args!("{steps} measurements, about {seconds} s"));
        }
        Self { bar }
    }

    /// A measurement begins.
    fn step(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        self.bar.inc(1);
    }
}
