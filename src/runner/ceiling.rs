//! Measures the load generator itself, against a server that does nothing.

use std::time::Duration;

use crate::protocol::{Calibration, Role};
use crate::record::{Ceiling, Failure, Measured};
use crate::scenario::{
    ArrivalSpec, Cell, CellId, EchoSpec, LoadSpec, Model, Parallel, Point, Scenario, StepsSpec, Work, expect,
};

use super::child::Halt;
use super::trial::{Deadline, spec};
use super::{Interrupt, Program, echo, plan};

/// Connections of the load that measures the ceiling.
const CONNECTIONS: u32 = 50;

/// Puts a load on a server that does nothing, with processes and CPUs as in an echo trial. Must be called by the main
/// thread, like [`run`](super::run).
pub fn measure_null_server(
    load: LoadSpec,
    seed: u64,
    program: &Program,
    interrupt: &Interrupt,
) -> Result<Measured, Halt> {
    let steps = StepsSpec::default();
    let echo =
        EchoSpec { what: "hello".into(), steps, heavy: None, request: None, bench: None, servers: Vec::new(), load };
    let cell = Cell {
        // The null server ignores the model.
        id: CellId { scenario: "doctor".into(), model: Model::ASYNC, point: Point::default(), control: false },
        work: Work::Echo(echo.clone()),
        jobs_wanted: None,
    };
    let expected = expect::wall(&cell.work, cell.id.model, &Parallel::ideal(1));
    let deadline = Deadline::after(expected * 3 + plan::GRACE);
    let calibration = Calibration::default();
    let spec = |role, cpus| spec(&cell, &calibration, seed, role, cpus);
    let server = |nonce| Role::NullServer { nonce };
    echo::run(program, &echo, &server, &spec, deadline, interrupt).map(|(measured, _)| measured)
}

/// Number of measurements of the rate: single ones of 300 ms ranged from 123,000/s to 182,000/s on one machine.
const GOES: u32 = 3;

/// Measures the generator's ceiling for a kind of load: one closed loop over one connection, then several over many,
/// each of this length plus a warm-up of a tenth of it.
pub fn ceiling(of: &LoadSpec, length: Duration, program: &Program, interrupt: &Interrupt) -> Result<Ceiling, Halt> {
    let measure = |connections: u32, threads: u16| {
        let arrival = ArrivalSpec::Closed { think: Duration::ZERO };
        let load = LoadSpec { connections, threads, arrival, warmup: length / 10, duration: length, ..*of };
        measure_null_server(load, 0, program, interrupt)
    };
    let alone = measure(1, 1)?;
    let (mut many, mut lowest_per_s) = (measure(CONNECTIONS, of.threads)?, f64::INFINITY);
    for _ in 1..GOES {
        let other = measure(CONNECTIONS, of.threads)?;
        lowest_per_s = lowest_per_s.min(other.throughput()).min(many.throughput());
        if other.throughput() > many.throughput() {
            many = other;
        }
    }
    let nothing = || Failure::WrongWork { what: "the load on the null server has no requests".into() };
    let floor = alone.series.first().and_then(|series| series.response_time.quantile(0.5));
    let load = many.load.as_ref().ok_or_else(nothing)?;
    let share = |cpu_ns: u64, threads: u32| cpu_ns as f64 / (many.wall_ns.max(1) as f64 * f64::from(threads));
    Ok(Ceiling {
        client: of.client,
        threads: of.threads,
        pin: of.pin,
        server_cpus: of.server_cpus,
        floor_ns: floor.ok_or_else(nothing)?,
        connections: CONNECTIONS,
        per_s: many.throughput(),
        goes: GOES,
        lowest_per_s,
        generator_cpu: share(load.usage.cpu_ns(), load.threads),
        server_cpu: share(many.usage.cpu_ns(), 1),
    })
}

/// Measures the ceiling of each kind of load in these scenarios. Reports and leaves out a kind that cannot be measured.
/// A signal stops the measuring, as it will end the run.
pub(super) fn measure_all<E>(
    scenarios: &[Scenario],
    program: &Program,
    interrupt: &Interrupt,
    mut unknown: impl FnMut(Failure) -> Result<(), E>,
) -> Result<Vec<Ceiling>, E> {
    const LENGTH: Duration = Duration::from_millis(300);
    let mut ceilings: Vec<Ceiling> = Vec::new();
    for point in scenarios.iter().flat_map(|scenario| &scenario.points) {
        let Work::Echo(EchoSpec { load, .. }) = &point.work else { continue };
        if ceilings.iter().any(|ceiling| ceiling.is_of(load)) {
            continue;
        }
        match ceiling(load, LENGTH, program, interrupt) {
            Ok(ceiling) => ceilings.push(ceiling),
            Err(Halt::Interrupted(_)) => break,
            Err(Halt::Failed(why)) => unknown(why)?,
        }
    }
    Ok(ceilings)
}
