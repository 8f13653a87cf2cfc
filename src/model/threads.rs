//! The models made of OS threads. Twin of `tasks.rs`.

use std::convert::Infallible;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::{self, Builder, JoinHandle};

use crate::census;
use crate::ledger::Ledger;
use crate::record::Failure;
use crate::workload::date;
use crate::workload::echo::Echo;
use crate::workload::route::route;
use crate::workload::{Job, Workload};

use super::accept::Backoff;
use super::{Admitted, LINGER, Ran, Watch};

/// One thread, one job after the other.
pub(super) fn run_sequential<W: Workload>(workload: &W, ledger: &Ledger) -> Ran {
    let watch = Watch::start(ledger);
    for id in 0..ledger.jobs() {
        job(workload, ledger, id);
    }
    watch.stop(ledger)
}

/// A thread per job.
pub(super) fn run_each<W: Workload>(
    workload: &Arc<W>,
    ledger: &Arc<Ledger>,
    admitted: &Admitted,
) -> Result<Ran, Failure> {
    let mut handles = Vec::with_capacity(ledger.jobs() as usize);
    let watch = Watch::start(ledger);
    for id in 0..ledger.jobs() {
        let (workload, own_ledger) = (Arc::clone(workload), Arc::clone(ledger));
        match Builder::new().spawn(move || job(&*workload, &own_ledger, id)) {
            Ok(handle) => handles.push(handle),
            Err(error) => {
                join(handles);
                return Err(admitted.refusal(u64::from(id) + 1, &error));
            }
        }
    }
    join(handles);
    Ok(watch.stop(ledger))
}

/// N threads that take jobs from a queue.
pub(super) fn run_pool<W: Workload>(
    threads: u16,
    workload: &Arc<W>,
    ledger: &Arc<Ledger>,
    admitted: &Admitted,
) -> Result<Ran, Failure> {
    let (queue, jobs) = mpsc::channel();
    let (own_workload, own_ledger) = (Arc::clone(workload), Arc::clone(ledger));
    let workers = start_pool(threads, jobs, move |id| job(&*own_workload, &own_ledger, id));
    let workers = workers.map_err(|(at, error)| admitted.refusal(at, &error))?;
    let watch = Watch::start(ledger);
    for id in 0..ledger.jobs() {
        queue.send(id).expect("the workers take jobs until the queue is closed");
    }
    drop(queue);
    join(workers);
    Ok(watch.stop(ledger))
}

/// One job, with its row in the ledger.
fn job<W: Workload>(workload: &W, ledger: &Ledger, id: Job) {
    census::touch();
    let begun = ledger.now();
    let receipt = workload.block(id);
    ledger.enter(id, begun, receipt);
}

/// One thread, one connection after the other.
pub(super) fn serve_sequential(listener: &TcpListener, echo: &Arc<Echo>) -> io::Result<Infallible> {
    accept(listener, |stream| drop(connection(stream, echo)))
}

/// A thread per connection, at most so many at a time. A connection that gets no thread is closed: past some limits the
/// standard library would abort the process instead of returning an error.
pub(super) fn serve_each(listener: &TcpListener, echo: &Arc<Echo>, most: u64) -> io::Result<Infallible> {
    let running = Arc::new(AtomicU64::new(0));
    accept(listener, |stream| {
        if running.load(Ordering::Relaxed) >= most {
            return;
        }
        running.fetch_add(1, Ordering::Relaxed);
        let (echo, ends) = (Arc::clone(echo), Ends(Arc::clone(&running)));
        // Where this fails, the closure is dropped, and with it the connection and its count.
        drop(Builder::new().spawn(move || {
            let _ends = ends;
            connection(stream, &echo)
        }));
    })
}

/// Takes one from a count when it is dropped, also when its thread panics.
struct Ends(Arc<AtomicU64>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// N threads that take connections from a queue and keep each until it ends.
pub(super) fn serve_pool(threads: u16, listener: &TcpListener, echo: &Arc<Echo>) -> io::Result<Infallible> {
    let (queue, connections) = mpsc::channel();
    let echo = Arc::clone(echo);
    start_pool(threads, connections, move |stream| drop(connection(stream, &echo))).map_err(|(_, error)| error)?;
    accept(listener, |stream| queue.send(stream).expect("the workers take connections until the queue is closed"))
}

/// Accepts connections for ever.
fn accept(listener: &TcpListener, mut take: impl FnMut(TcpStream)) -> io::Result<Infallible> {
    let mut backoff = Backoff::default();
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                backoff.reset();
                take(stream);
            }
            Err(error) => thread::sleep(backoff.after(error)?),
        }
    }
}

/// One connection, from its first request to its end.
fn connection(mut stream: TcpStream, echo: &Echo) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut http = echo.codec();
    loop {
        let date = date::now();
        while let Some((request, responder)) = http.next(&date) {
            census::touch();
            let route = route(&request);
            let steps = echo.steps(&route);
            echo.check(steps, steps.block());
            route.respond(responder, &date::now());
        }
        if !http.output().is_empty() {
            stream.write_all(http.output())?;
            http.sent(http.output().len());
            continue;
        }
        if http.is_closing() {
            return close(stream);
        }
        let n = stream.read(http.space())?;
        http.received(n);
    }
}

/// Ends our side and waits briefly for the peer to end its own: closing with unread input would send a reset, and a
/// reset destroys the answer on its way.
fn close(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LINGER.time))?;
    let mut unread = [0; 4096];
    for _ in 0..LINGER.reads {
        if stream.read(&mut unread)? == 0 {
            break;
        }
    }
    Ok(())
}

/// Starts threads that each take items from a queue until it is closed and empty; or says which could not be started.
fn start_pool<T: Send + 'static>(
    threads: u16,
    queue: Receiver<T>,
    work: impl Fn(T) + Clone + Send + 'static,
) -> Result<Vec<JoinHandle<()>>, (u64, io::Error)> {
    let queue = Arc::new(Mutex::new(queue));
    let mut workers = Vec::with_capacity(threads.into());
    for k in 1..=threads {
        let (queue, work) = (Arc::clone(&queue), work.clone());
        let next = move || queue.lock().expect("no worker panics while it takes an item").recv();
        let worker = move || {
            while let Ok(item) = next() {
                work(item);
            }
        };
        workers.push(Builder::new().name(format!("pool {k}")).spawn(worker).map_err(|error| (u64::from(k), error))?);
    }
    Ok(workers)
}

fn join(handles: Vec<JoinHandle<()>>) {
    for handle in handles {
        handle.join().expect("no job panics");
    }
}
