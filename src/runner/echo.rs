//! A trial of `echo`: a server and a load generator, each a process of its own.
//!
//! The generator opens all its connections, warms up and reports when its window begins and ends; the runner passes
//! both on to the server, so that each process measures itself over the same window.

use std::net::{Ipv4Addr, SocketAddr};

use crate::host::{self, CpuLimit};
use crate::protocol::{Generated, Role, Served, ServerOrder, TrialReply, TrialSpec};
use crate::record::{Failure, LoadRecord, Measured, Traced};
use crate::scenario::{EchoSpec, Pin};
use crate::units;
use crate::usage::{CpuGap, Others, OthersMeter, Tree};

use super::child::{Child, Halt, cpu_limit, next_reply};
use super::orphans::Orphans;
use super::trial::Deadline;
use super::{Interrupt, Program};

/// Runs the trial and returns its measurement, and the server's recording if one was requested.
pub(super) fn run(
    program: &Program,
    work: &EchoSpec,
    server: &dyn Fn(String) -> Role,
    spec: &dyn Fn(Role, Vec<usize>) -> TrialSpec,
    deadline: Deadline,
    interrupt: &Interrupt,
) -> Result<(Measured, Option<Traced>), Halt> {
    let all = host::cpus();
    let (server_pin, generator_pin) = match work.load.pin {
        Pin::Split => split(&all, work.load.server_cpus, work.load.threads.into()),
        Pin::None => Default::default(),
    };
    let server_cpus = if server_pin.is_empty() { all } else { server_pin.clone() };
    let nonce = format!("{:016x}", fastrand::u64(..));

    let role = server(nonce.clone());
    let is_external = matches!(role, Role::External { .. });
    let server_spec = spec(role, server_pin);
    // Declared before the processes, so that they are dropped after them.
    let limit = cpu_limit(&server_spec.work)?;
    let _orphans = is_external.then(Orphans::adopt);
    let mut server = Child::start(program, "server", &server_spec, limit.as_ref())?;
    let port = match next_reply(&mut [&mut server], deadline, interrupt)? {
        (_, TrialReply::Ready { port, nonce: shown }) if shown == nonce => port,
        (_, other) => return Err(out_of_turn("server", &other)),
    };

    // An external server shows no nonce.
    let stamp = (!is_external).then_some(nonce);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let role = Role::Generator { server: address, nonce: stamp, server_cpus: server_cpus.clone() };
    let mut generator = Child::start(program, "generator", &spec(role, generator_pin), None)?;
    // Starts here, so that the clocks of all processes have been read before the window begins.
    let mut meter = Some((OthersMeter::start(server_cpus), Tree::read(&[server.id()], &[])));
    let mut others = None;
    let throttled = || limit.as_ref().and_then(CpuLimit::throttled_ns);
    let (mut throttled_before, mut throttled_ns) = (None, None);
    let (mut served, mut generated) = (None, None);
    loop {
        // A generator that has sent its result exits; its end is not an error.
        let reply = match generated {
            None => next_reply(&mut [&mut server, &mut generator], deadline, interrupt)?,
            Some(_) => next_reply(&mut [&mut server], deadline, interrupt)?,
        };
        match reply {
            (1, TrialReply::Begin) => {
                throttled_before = throttled();
                server.order(ServerOrder::Begin);
            }
            (1, TrialReply::End) => {
                throttled_ns = throttled().zip(throttled_before).map(|(now, before)| now - before);
                server.order(ServerOrder::End);
                others = meter.take().and_then(|(meter, before)| strangers(meter, &before, &server, &generator));
            }
            (0, TrialReply::Served(record)) => served = Some(*record),
            (1, TrialReply::Generated(record)) => generated = Some(*record),
            (0, other) => return Err(out_of_turn("server", &other)),
            (_, other) => return Err(out_of_turn("generator", &other)),
        }
        match (served.take(), generated.take()) {
            (Some(served), Some(generated)) => {
                if work.request.is_none() {
                    check_status(&generated)?;
                }
                let (mut measured, traced) = both(served, generated, others)?;
                measured.throttled_ns = throttled_ns;
                if work.bench.is_some() {
                    measured.load.as_ref().map_or(Ok(()), check_responses)?;
                }
                if is_external {
                    doubt(&mut measured);
                }
                return Ok((measured, traced));
            }
            some => (served, generated) = some,
        }
    }
}

/// Returns the use of the server's CPUs by other processes; `None` if the server's own CPU time is unknown.
fn strangers(meter: OthersMeter, before: &Tree, server: &Child, generator: &Child) -> Option<Others> {
    // The descendants of an external server belong to it, ended ones included.
    let tree = Tree::read(&[server.id()], &[]);
    let own: Vec<u32> = tree.pids().chain([generator.id()]).collect();
    let own_ns = tree.since(before).known_cpu_ns()? + meter.used_by(&[generator.id()]);
    // This process does almost nothing meanwhile, on whichever CPU the kernel puts it.
    meter.stop(&[&own[..], &[std::process::id()]].concat(), own_ns)
}

/// Checks that a user's own service gave no unexpected response.
fn check_responses(load: &LoadRecord) -> Result<(), Failure> {
    let unexpected = load.errors.iter().filter(|(class, _)| class.starts_with("unexpected_"));
    let classes: Vec<String> = unexpected.map(|(class, n)| format!("{} {class}", units::count(*n))).collect();
    if classes.is_empty() {
        return Ok(());
    }
    Err(Failure::WrongWork { what: format!("not every response was the expected one: {}", classes.join(", ")) })
}

/// Checks that every request for `/echo/{what}` was answered with 200.
fn check_status(generated: &Generated) -> Result<(), Failure> {
    let status = &generated.load.status;
    if status.keys().any(|status| *status != 200) {
        return Err(Failure::WrongWork { what: format!("not every response had status 200: {status:?}") });
    }
    Ok(())
}

fn both(served: Served, generated: Generated, others: Option<Others>) -> Result<(Measured, Option<Traced>), Failure> {
    let Served { threads, usage, runtime, cores, waits, lanes, window_ns } = served;
    let Generated { begin_ns, wall_ns, requests_in_window, series, load } = generated;
    let later = |server: u64, generator: u64| server as i64 - generator as i64;
    let server_window_ns = Some((later(window_ns.0, begin_ns), later(window_ns.1, begin_ns + wall_ns)));
    if !load.requests.add_up() {
        return Err(Failure::WrongWork { what: format!("requests were lost: {:?}", load.requests) });
    }
    let traced = lanes.map(|lanes| Traced {
        cpus: load.cpus.0.len() as u32,
        wall_ns,
        jobs: requests_in_window,
        cpu_ns: usage.cpu_ns(),
        lanes,
        footprint: None,
    });
    let measured = Measured {
        wall_ns,
        jobs: requests_in_window,
        threads,
        most_in_flight: load.most_in_flight,
        series,
        heartbeat: None,
        usage,
        others,
        runtime,
        cores,
        waits,
        throttled_ns: None,
        load: Some(load),
        server_window_ns,
    };
    Ok((measured, traced))
}

/// Marks a server's CPU time as unknown if it is too low for its answers: another process must have given them.
fn doubt(measured: &mut Measured) {
    /// The lowest plausible CPU time of an answer, nanoseconds: two system calls, a read and a write, take this long
    /// (`cargo bench --bench primitives`).
    const LEAST_PER_REQUEST: u64 = 500;
    let usage = &mut measured.usage;
    if measured.jobs > 0 && usage.gaps.cpu.is_none() && usage.cpu_ns() < LEAST_PER_REQUEST * measured.jobs {
        usage.gaps.cpu = Some(CpuGap::TooLittle);
    }
}

fn out_of_turn(name: &str, reply: &TrialReply) -> Halt {
    Failure::WrongWork { what: format!("unexpected reply from the {name}: {reply:?}") }.into()
}

/// Splits the CPUs. The server gets the number the scenario asks for, from the beginning, or else all that the
/// generator leaves; the generator gets one per thread, from the end. Each keeps at least one. Returns empty lists, for
/// no pinning, if there is only one CPU.
fn split(cpus: &[usize], server_cpus: Option<u32>, generator_threads: usize) -> (Vec<usize>, Vec<usize>) {
    if cpus.len() < 2 {
        return Default::default();
    }
    let most = cpus.len() - 1;
    let left = cpus.len().saturating_sub(generator_threads);
    let server = server_cpus.map_or(left, |wanted| wanted as usize).clamp(1, most);
    let generator = generator_threads.min(cpus.len() - server);
    (cpus[..server].to_vec(), cpus[cpus.len() - generator..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_and_generator_share_no_cpu() {
        for (cpus, threads, server, generator) in [
            (vec![0, 1], 1, vec![0], vec![1]),
            (vec![0, 1], 4, vec![0], vec![1]),
            (vec![0, 2, 4, 6], 1, vec![0, 2, 4], vec![6]),
            (vec![0, 1, 2, 3], 2, vec![0, 1], vec![2, 3]),
            (vec![0], 1, vec![], vec![]),
        ] {
            assert_eq!(split(&cpus, None, threads), (server, generator), "{cpus:?} and {threads} threads");
        }
    }

    #[test]
    fn the_server_gets_as_many_cpus_as_the_scenario_requires() {
        // The machine's CPUs, the number requested for the server, and the generator's threads; then the expected
        // number of the server's CPUs and of the generator's.
        for (cpus, wanted, threads, server, generator) in [
            (1, 1, 1, 0, 0),
            (2, 1, 1, 1, 1),
            (2, 1, 2, 1, 1),
            (2, 2, 1, 1, 1),
            (2, 4, 2, 1, 1),
            (4, 1, 1, 1, 1),
            (4, 1, 2, 1, 2),
            (4, 2, 1, 2, 1),
            (4, 2, 2, 2, 2),
            (4, 4, 1, 3, 1),
            (16, 1, 2, 1, 2),
            (16, 2, 1, 2, 1),
            (16, 4, 2, 4, 2),
        ] {
            let all: Vec<usize> = (0..cpus).collect();
            let expected = (all[..server].to_vec(), all[cpus - generator..].to_vec());
            assert_eq!(split(&all, Some(wanted), threads), expected, "{wanted} of {cpus}, {threads} threads");
        }
    }
}
