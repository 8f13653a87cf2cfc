//! Computes the largest rate that a server can reach under a model: what its threads, its CPUs, its connections, the
//! permits and the lock let through.
//!
//! With n connections, a request of wait w, lock l, block b and compute c holds a thread for h: for w + l + b + c under
//! a thread model, which sleeps on it, and for l + b + c under an async model. k is the number of threads on which such
//! steps run, P(k) how much k threads compute in parallel, p the number of permits.
//!
//! | limit | requests per second |
//! |---|---|
//! | connections | n / (w + l + b + c) |
//! | threads | k / h |
//! | CPUs | P(k) / (l + c), or q / (l + c) with a CPU limit q that is lower than P(k) |
//! | permits | p / (w + l + b + c) |
//! | lock | 1 / l, or 1 / (w + l) if it is held during the wait |
//!
//! The cost of a request beside its steps, some microseconds of CPU time, is not included, so a server that does nothing
//! has no limit here.

use std::time::Duration;

use super::{EchoSpec, Family, Model, Parallel, StepsSpec};

/// The largest rate that arithmetic allows, and what limits it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity {
    /// Requests per second.
    pub per_s: f64,
    /// The resource that is used up at this rate.
    pub limit: CapacityLimit,
}

/// The resource that limits a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapacityLimit {
    /// The number of connections, each of which has one request in flight.
    Connections,
    /// The number of threads on which steps hold a thread.
    Threads(u32),
    /// The CPUs of the server.
    Cpus,
    /// The number of permits.
    Permits(u32),
    /// The lock, which lets one request through at a time.
    Lock,
}

/// Returns the largest rate of this server under a model; `None` if its steps take no time. `machine` is the part of the
/// machine that the server runs on.
pub fn capacity(echo: &EchoSpec, model: Model, machine: &Parallel) -> Option<Capacity> {
    let steps = mean(echo);
    let connections = echo.load.connections;
    let threads = model.step_threads(connections).min(connections).max(1);
    let held = match model.family() {
        Family::Threads | Family::External => steps.alone(),
        Family::Async | Family::Hybrid => steps.lock + steps.block + steps.compute,
    };
    let computed = steps.lock + steps.compute;
    let cpu_limit = echo.load.cpu_limit.unwrap_or(f64::INFINITY);
    let rate = |times: f64, length: Duration, limit| {
        (!length.is_zero()).then(|| Capacity { per_s: times / length.as_secs_f64(), limit })
    };
    // The first of equal limits is named.
    let limits = [
        steps.permits.and_then(|permits| rate(permits.into(), steps.alone(), CapacityLimit::Permits(permits))),
        rate(1.0, steps.exclusive(), CapacityLimit::Lock),
        rate(threads.into(), held, CapacityLimit::Threads(threads)).filter(|_| threads < machine.cpus()),
        rate(machine.factor(threads).min(cpu_limit), computed, CapacityLimit::Cpus),
        rate(connections.into(), steps.alone(), CapacityLimit::Connections),
        rate(threads.into(), held, CapacityLimit::Threads(threads)),
    ];
    limits.into_iter().flatten().min_by(|a, b| a.per_s.total_cmp(&b.per_s))
}

/// Returns the steps of the average request.
fn mean(echo: &EchoSpec) -> StepsSpec {
    let Some(heavy) = echo.heavy else { return echo.steps };
    let mean = |light: Duration, other: Duration| light.mul_f64(1.0 - heavy.share) + other.mul_f64(heavy.share);
    StepsSpec {
        wait: mean(echo.steps.wait, heavy.steps.wait),
        block: mean(echo.steps.block, heavy.steps.block),
        compute: mean(echo.steps.compute, heavy.steps.compute),
        lock: echo.steps.lock.mul_f64(1.0 - heavy.share),
        ..echo.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Work, parse};

    /// Checks the capacity of a server with 200 connections on two CPUs.
    fn check(steps: &str, expected: &[(&str, f64, CapacityLimit)]) {
        let text = format!(
            "question = \"Q?\"\nanalysis = \"A.\"\nworkload = \"echo\"\nmodels = [\"async\"]\n{steps}\n\
             [load]\nloop = \"closed\"\nconnections = 200\n"
        );
        let scenario = parse("test.toml", &text).unwrap();
        let Work::Echo(echo) = &scenario.points[0].work else { panic!("{scenario:?}") };
        for (model, per_s, limit) in expected {
            let found = capacity(echo, model.parse().unwrap(), &Parallel::ideal(2)).unwrap();
            assert!((found.per_s / per_s - 1.0).abs() < 1e-9 && found.limit == *limit, "{model}: {found:?}");
        }
    }

    #[test]
    fn a_blocking_call_is_limited_by_threads() {
        use CapacityLimit::{Connections, Threads};
        check(
            "block = \"3ms\"",
            &[
                ("async", 1.0 / 0.003, Threads(1)),
                ("async/2", 2.0 / 0.003, Threads(2)),
                ("pool/4", 4.0 / 0.003, Threads(4)),
                ("async+blocking/16", 16.0 / 0.003, Threads(16)),
                ("async/2+blocking", 200.0 / 0.003, Connections),
                ("threads", 200.0 / 0.003, Connections),
            ],
        );
    }

    #[test]
    fn computing_is_limited_by_cpus_and_waiting_by_permits() {
        use CapacityLimit::{Connections, Cpus, Lock, Permits};
        check(
            "compute = \"5ms\"",
            &[("async", 200.0, CapacityLimit::Threads(1)), ("threads", 400.0, Cpus), ("async/2", 400.0, Cpus)],
        );
        check("wait = \"10ms\"", &[("async", 20_000.0, Connections), ("pool/2", 200.0, CapacityLimit::Threads(2))]);
        check("wait = \"10ms\"\npermits = 20", &[("async", 2_000.0, Permits(20)), ("threads", 2_000.0, Permits(20))]);
        check("compute = \"5ms\"\ncpu_limit = 0.5", &[("async", 100.0, Cpus), ("threads", 100.0, Cpus)]);
        check("lock = \"1ms\"", &[("async/2", 1_000.0, Lock), ("threads", 1_000.0, Lock)]);
    }
}
