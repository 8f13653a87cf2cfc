//! Thread per core: a runtime with one thread for each core, pinned to a CPU. Nothing is shared or stolen.

use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Builder, ScopedJoinHandle};

use tokio::runtime::Runtime;

use crate::host;
use crate::job_log::JobLog;
use crate::record::CoreUsage;
use crate::scenario::Composition;
use crate::service::Handler;
use crate::workload::{Pool, Workload};

use super::runtime::AsyncModel;
use super::server::Server;
use super::{JobsOutcome, ServeError, Stopwatch, compose, tasks};

/// Runs the jobs on all cores: each gets every n-th job.
pub(super) fn run<W: Workload, P: Pool>(
    model: &AsyncModel,
    pool: &P,
    compose: Composition,
    workload: &Arc<W>,
    log: &Arc<JobLog>,
) -> Result<JobsOutcome, (u64, io::Error)> {
    let cores = &model.runtimes;
    let stopwatch = on_each(
        cores,
        &|core, runtime| {
            let jobs = log.jobs().skip(core).step_by(cores.len()).collect();
            let all = compose::run_jobs(jobs, compose, pool.clone(), Arc::clone(workload), Arc::clone(log));
            runtime.block_on(runtime.spawn(all)).expect("no job panics");
        },
        &|| Stopwatch::start(log),
    )?;
    Ok(JobsOutcome { runtime: Some(model.usage()), ..stopwatch.stop(log) })
}

/// Serves connections on all cores, each from its own listener.
pub(super) fn serve<H: Handler, P: Pool>(
    model: &AsyncModel,
    pool: &P,
    listeners: Vec<TcpListener>,
    server: &Arc<Server>,
    service: &Arc<H>,
) -> Result<(), ServeError> {
    let cores = server.add_cores(listeners.len());
    let listeners: Vec<_> = listeners.into_iter().map(|listener| Mutex::new(Some(listener))).collect();
    let ended = Mutex::new(Ok(()));
    on_each(
        &model.runtimes,
        &|core, runtime| {
            let listener = listeners[core].lock().unwrap_or_else(PoisonError::into_inner).take();
            let listener = listener.expect("each core takes its own listener once");
            let (server, service) = (Arc::clone(server), Arc::clone(service));
            let served =
                tasks::serve(runtime, pool.clone(), listener, Arc::clone(&server), service, Some(&cores[core]));
            if let Err(error) = served {
                // Without this core's listener, its connections would be refused while the others are served.
                server.stop();
                *ended.lock().unwrap_or_else(PoisonError::into_inner) = Err(error);
            }
        },
        &|| (),
    )
    .map_err(ServeError::thread)?;
    Ok(ended.into_inner().unwrap_or_else(PoisonError::into_inner)?)
}

/// The requests and connections of one core.
#[derive(Debug, Default)]
// A cache line of its own, so that cores do not wait for each other's counts.
#[repr(align(128))]
pub(super) struct CoreCounts {
    requests: AtomicU64,
    open: AtomicU64,
    most_open: AtomicU64,
}

impl CoreCounts {
    pub(super) fn connection_opened(&self) {
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_open.fetch_max(open, Ordering::Relaxed);
    }

    pub(super) fn connection_ended(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn usage(&self) -> CoreUsage {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        CoreUsage { requests: read(&self.requests), most_connections: read(&self.most_open) }
    }
}

/// Runs `work` with each runtime in a thread of its own, pinned to the k-th CPU that the process may use. All begin
/// after `begin` has been called, and this function returns its value when all have ended. If a thread cannot be
/// started, none begins.
fn on_each<T>(
    runtimes: &[Runtime],
    work: &(dyn Fn(usize, &Runtime) + Sync),
    begin: &dyn Fn() -> T,
) -> Result<T, (u64, io::Error)> {
    let cpus = host::cpus();
    let cpus = &cpus;
    thread::scope(|scope| {
        let (mut threads, mut starts) = (Vec::<ScopedJoinHandle<'_, ()>>::new(), Vec::new());
        for (core, runtime) in runtimes.iter().enumerate() {
            let (start, started): (_, Receiver<()>) = mpsc::channel();
            let thread = Builder::new().name(format!("core {}", core + 1));
            let thread = thread.spawn_scoped(scope, move || {
                // A CPU that cannot be had is reported as a finding of the trial, which knows how many there are.
                let _ = host::pin(&[cpus[core % cpus.len()]]);
                // An error means that another thread could not be started.
                if started.recv().is_ok() {
                    work(core, runtime);
                }
            });
            threads.push(thread.map_err(|error| (core as u64 + 1, error))?);
            starts.push(start);
        }
        let begun = begin();
        starts.iter().for_each(|start| start.send(()).expect("the thread waits for this"));
        for thread in threads {
            thread.join().expect("no core panics");
        }
        Ok(begun)
    })
}
