//! The models based on OS threads. Twin of `tasks.rs`.

use std::convert::Infallible;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::{self, Builder, JoinHandle};
use std::time::{Duration, Instant};

use nix::libc::{MSG_DONTWAIT, MSG_NOSIGNAL};
use socket2::SockRef;

use crate::http1::{Expects, Status};
use crate::job_log::JobLog;
use crate::lanes::{self, What};
use crate::service::{Handler, date};
use crate::thread_count;
use crate::workload::{JobId, Workload};

use super::accept::{Accepted, Backoff};
use super::read_deadlines::{self, ReadDeadlines};
use super::rejected::Rejected;
use super::server::{Server, WakeTarget};
use super::{JobsOutcome, LINGER, ServeError, Stopwatch};

/// Runs one job after the other on one thread.
pub(super) fn run_sequential<W: Workload>(workload: &W, log: &JobLog) -> JobsOutcome {
    let stopwatch = Stopwatch::start(log);
    for id in log.jobs() {
        job(workload, log, id);
    }
    stopwatch.stop(log)
}

/// Runs each job in a thread of its own. The error contains the number of the thread that could not be started, from 1.
pub(super) fn run_each<W: Workload>(workload: &Arc<W>, log: &Arc<JobLog>) -> Result<JobsOutcome, (u64, io::Error)> {
    let mut handles = Vec::with_capacity(log.len() as usize);
    let stopwatch = Stopwatch::start(log);
    for id in log.jobs() {
        let (workload, own_log) = (Arc::clone(workload), Arc::clone(log));
        match Builder::new().spawn(move || job(&*workload, &own_log, id)) {
            Ok(handle) => handles.push(handle),
            Err(error) => {
                join(handles);
                return Err((u64::from(id.0) + 1, error));
            }
        }
    }
    join(handles);
    Ok(stopwatch.stop(log))
}

/// Runs the jobs on N threads that take them from a queue.
pub(super) fn run_pool<W: Workload>(
    threads: u16,
    workload: &Arc<W>,
    log: &Arc<JobLog>,
) -> Result<JobsOutcome, (u64, io::Error)> {
    let (queue, jobs) = mpsc::channel();
    let (own_workload, own_log) = (Arc::clone(workload), Arc::clone(log));
    let workers = start_pool(threads, jobs, move |id| job(&*own_workload, &own_log, id))?;
    let stopwatch = Stopwatch::start(log);
    for id in log.jobs() {
        queue.send(id).expect("the workers take jobs until the queue is closed");
    }
    drop(queue);
    join(workers);
    Ok(stopwatch.stop(log))
}

/// Runs one job and records it in the log.
pub(super) fn job<W: Workload>(workload: &W, log: &JobLog, id: JobId) {
    thread_count::mark_current();
    let begun = log.now();
    let checksum = workload.run_blocking(id);
    log.finish(id, begun, checksum);
}

/// Serves one connection after the other on one thread.
pub(super) fn serve_sequential<H: Handler>(
    listener: &TcpListener,
    server: &Arc<Server>,
    service: &Arc<H>,
) -> io::Result<()> {
    accept(listener, server, u64::MAX, |accepted| {
        handle(&accepted, server, &**service);
        Ok(())
    })
}

/// Serves each connection in a thread of its own, at most `most` at a time: beyond some limits, the standard library
/// would abort the process instead of returning an error.
pub(super) fn serve_each<H: Handler>(
    listener: &TcpListener,
    server: &Arc<Server>,
    service: &Arc<H>,
    most: u64,
) -> io::Result<()> {
    let (alive, all_gone) = mpsc::channel::<Infallible>();
    accept(listener, server, most, |accepted| {
        let (server, service, alive) = (Arc::clone(server), Arc::clone(service), alive.clone());
        let work = move || {
            // Dropped in reverse order: first the connection, then `alive`, when the thread is about to end.
            let _alive = alive;
            let accepted = accepted;
            handle(&accepted, &server, &*service);
        };
        Builder::new().spawn(work).map(drop)
    })?;
    drop(alive);
    // Nothing is ever sent; receiving ends with the last thread.
    let _ = all_gone.recv();
    Ok(())
}

/// Serves connections on N threads, each of which takes a connection from a queue and keeps it until it ends.
pub(super) fn serve_pool<H: Handler>(
    threads: u16,
    listener: &TcpListener,
    server: &Arc<Server>,
    service: &Arc<H>,
) -> Result<(), ServeError> {
    let (queue, accepted) = mpsc::channel();
    let (own_server, own_service) = (Arc::clone(server), Arc::clone(service));
    let workers = start_pool(threads, accepted, move |accepted| handle(&accepted, &own_server, &*own_service));
    let workers = workers.map_err(ServeError::thread)?;
    accept(listener, server, u64::MAX, |accepted| {
        queue.send(accepted).expect("the workers take connections until the queue is closed");
        Ok(())
    })?;
    drop(queue);
    join(workers);
    Ok(())
}

/// Handles one connection.
fn handle<H: Handler>(accepted: &Accepted<Arc<TcpStream>>, server: &Server, service: &H) {
    lanes::run(accepted.guard.id(), || drop(connection(accepted, server, service)));
}

/// Accepts connections until the server stops. Refuses those beyond the limit, and those that cannot be taken.
fn accept(
    listener: &TcpListener,
    server: &Arc<Server>,
    room: u64,
    mut take: impl FnMut(Accepted<Arc<TcpStream>>) -> io::Result<()>,
) -> io::Result<()> {
    let _guard = server.enter_acceptor(WakeTarget::Acceptor(listener.try_clone()?));
    let (mut backoff, mut rejected) = (Backoff::default(), Rejected::default());
    loop {
        let incoming = listener.accept();
        if server.is_stopping() {
            return Ok(());
        }
        match incoming {
            Ok((stream, _)) => {
                backoff.reset();
                let stream = Arc::new(stream);
                let guard = server.enter(WakeTarget::Reader(Arc::clone(&stream)), room);
                let taken = guard.is_some_and(|guard| {
                    let accepted = Accepted { stream: Arc::clone(&stream), guard };
                    take(accepted).is_ok()
                });
                if !taken {
                    rejected.refuse(server, stream);
                }
            }
            Err(error) => {
                if let Some(pause) = backoff.after(error)? {
                    thread::sleep(pause);
                }
            }
        }
    }
}

/// Serves one connection from its first request to its end.
fn connection<H: Handler>(accepted: &Accepted<Arc<TcpStream>>, server: &Server, service: &H) -> io::Result<()> {
    let stream = &*accepted.stream;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(server.timeouts.write))?;
    let mut http = server.codec();
    let mut reader = BlockingReader { deadlines: ReadDeadlines::new(server.timeouts), set: Duration::ZERO };
    let mut date = date::now();
    loop {
        if server.is_stopping() {
            http.finish();
        }
        while let Some((request, responder)) = http.next(&date) {
            thread_count::mark_current();
            reader.deadlines.restart();
            accepted.guard.count_request();
            service.respond_blocking(&request, responder, &date);
        }
        if !http.output().is_empty() {
            write(stream, http.output(), server)?;
            http.sent(http.output().len());
            continue;
        }
        if http.is_closing() {
            return close(stream);
        }
        let expects = http.expects();
        match reader.read(stream, expects, http.space())? {
            Some(n) => {
                http.received(n);
                date = date::now();
            }
            None if expects == Expects::Request => {
                server.count_timed_out();
                return Ok(());
            }
            None => {
                server.count_timed_out();
                http.refuse(Status::RequestTimeout, &date::now());
            }
        }
    }
}

/// Reads from one connection, at most until its deadline.
struct BlockingReader {
    deadlines: ReadDeadlines,
    /// The socket's current time-out, which is set only when it changes.
    set: Duration,
}

impl BlockingReader {
    /// Returns the number of bytes read; `None` if the peer took too long.
    #[inline]
    fn read(&mut self, mut stream: &TcpStream, expects: Expects, space: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            let left = self.deadlines.left(expects, read_deadlines::now());
            if left.is_zero() {
                return Ok(None);
            }
            if left != self.set {
                stream.set_read_timeout(Some(left))?;
                self.set = left;
            }
            match lanes::span(What::Wait, || stream.read(space)) {
                Ok(n) => return Ok(Some(n)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Sends all bytes, or drops a peer that does not receive them in time.
#[inline]
fn write(mut stream: &TcpStream, mut bytes: &[u8], server: &Server) -> io::Result<()> {
    // Usually the socket has room for all bytes; then the clock is not read.
    match SockRef::from(stream).send_with_flags(bytes, MSG_DONTWAIT | MSG_NOSIGNAL) {
        Ok(n) if n == bytes.len() => return Ok(()),
        Ok(n) => bytes = &bytes[n..],
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(error) => return Err(error),
    }
    let begun = read_deadlines::now();
    loop {
        // The socket has its own time-out, so no single write takes longer.
        match stream.write(bytes) {
            Ok(n) if n == bytes.len() => return Ok(()),
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                server.count_timed_out();
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        if Duration::from_nanos(read_deadlines::now() - begun) >= server.timeouts.write {
            server.count_timed_out();
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

/// Ends our side and waits briefly for the peer to end its side: closing with unread input would send a reset, which
/// destroys the response in transit.
fn close(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    let begun = Instant::now();
    let mut unread = vec![0; 4096];
    for _ in 0..LINGER.reads {
        let left = LINGER.time.saturating_sub(begun.elapsed());
        if left.is_zero() {
            break;
        }
        stream.set_read_timeout(Some(left))?;
        if stream.read(&mut unread)? == 0 {
            break;
        }
    }
    Ok(())
}

/// Starts threads that each take items from a queue until it is closed and empty. Returns the number of the thread that
/// could not be started, from 1, and the error.
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
