//! The models based on tasks. Twin of `threads.rs`.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::net;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use socket2::SockRef;
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::http1::{Expects, Status};
use crate::job_log::JobLog;
use crate::lanes;
use crate::scenario::Composition;
use crate::service::{Handler, date};
use crate::thread_count;
use crate::units;
use crate::workload::{JobId, Pool, Workload, polls};

use super::accept::{Accepted, Backoff};
use super::per_core::CoreCounts;
use super::read_deadlines::{self, ReadDeadlines};
use super::read_timer::{ReadTimer, waker};
use super::rejected::Rejected;
use super::runtime::AsyncModel;
use super::server::{Server, WakeTarget};
use super::{JobsOutcome, LINGER, Stopwatch, compose};

/// Runs the jobs on one runtime. Starts them from a task, since the future in `block_on` runs on no worker.
pub(super) fn run<W: Workload, P: Pool>(
    model: &AsyncModel,
    pool: P,
    compose: Composition,
    workload: &Arc<W>,
    log: &Arc<JobLog>,
) -> JobsOutcome {
    let (workload, log) = (Arc::clone(workload), Arc::clone(log));
    let all = async move {
        let jobs = log.jobs().collect();
        let stopwatch = Stopwatch::start(&log);
        compose::run_jobs(jobs, compose, pool, workload, Arc::clone(&log)).await;
        stopwatch.stop(&log)
    };
    let runtime = &model.runtimes[0];
    let outcome = runtime.block_on(runtime.spawn(all)).expect("no job panics");
    JobsOutcome { runtime: Some(model.usage()), ..outcome }
}

/// Runs one job and records it in the log.
pub(super) async fn job<W: Workload, P: Pool>(workload: &W, log: &JobLog, pool: &P, id: JobId) {
    thread_count::mark_current();
    let begun = log.now();
    let checksum = workload.run_async(id, pool).await;
    // The worker may differ from the one that began the job.
    thread_count::mark_current();
    log.finish(id, begun, checksum);
}

/// Serves each connection in a task of its own.
pub(super) fn serve<H: Handler, P: Pool>(
    runtime: &Runtime,
    pool: P,
    listener: net::TcpListener,
    server: Arc<Server>,
    service: Arc<H>,
    core: Option<&Arc<CoreCounts>>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    server.runs_on(runtime.handle());
    let core = core.cloned();
    let (alive, mut all_gone) = mpsc::channel::<Infallible>(1);
    let all = async move {
        accept(&TcpListener::from_std(listener)?, &server, u64::MAX, |mut accepted| {
            if let Some(core) = &core {
                accepted.guard.is_on(core);
            }
            handle(accepted, &server, &service, pool.clone(), alive.clone());
        })
        .await?;
        drop(alive);
        // Nothing is ever sent; receiving ends with the last task.
        all_gone.recv().await;
        Ok(())
    };
    runtime.block_on(runtime.spawn(all)).expect("no connection panics")
}

/// Handles one connection. Holds a clone of `alive`, so that the server waits for it on shutdown.
fn handle<H: Handler, P: Pool>(
    accepted: Accepted<TcpStream>,
    server: &Arc<Server>,
    service: &Arc<H>,
    pool: P,
    alive: mpsc::Sender<Infallible>,
) {
    let (id, server, service) = (accepted.guard.id(), Arc::clone(server), Arc::clone(service));
    let handling = async move {
        let _alive = alive;
        let _ = connection(accepted, &server, &*service, &pool).await;
    };
    if lanes::are_recorded() { drop(tokio::spawn(polls(JobId(id), handling))) } else { drop(tokio::spawn(handling)) }
}

/// Accepts connections until the server stops. Refuses those beyond the limit, and those that cannot be taken.
async fn accept(
    listener: &TcpListener,
    server: &Arc<Server>,
    room: u64,
    mut take: impl FnMut(Accepted<TcpStream>),
) -> io::Result<()> {
    let guard = server.enter_acceptor(WakeTarget::Nobody);
    let (mut backoff, mut rejected) = (Backoff::default(), Rejected::default());
    guard.set(WakeTarget::Task(waker().await));
    loop {
        let incoming = poll_fn(|cx| match listener.poll_accept(cx) {
            Poll::Pending if server.is_stopping() => Poll::Ready(None),
            incoming => incoming.map(Some),
        })
        .await;
        if server.is_stopping() {
            return Ok(());
        }
        match incoming {
            None => return Ok(()),
            Some(Ok((stream, _))) => {
                backoff.reset();
                match server.enter(WakeTarget::Nobody, room) {
                    Some(guard) => take(Accepted { stream, guard }),
                    None => {
                        // A stream that the runtime does not give back is closed without a response.
                        if let Ok(stream) = stream.into_std() {
                            rejected.refuse(server, Arc::new(stream));
                        }
                    }
                }
            }
            Some(Err(error)) => {
                if let Some(pause) = backoff.after(error)? {
                    sleep(pause).await;
                }
            }
        }
    }
}

/// Serves one connection from its first request to its end.
async fn connection<H: Handler, P: Pool>(
    accepted: Accepted<TcpStream>,
    server: &Server,
    service: &H,
    pool: &P,
) -> io::Result<()> {
    let Accepted { mut stream, guard } = accepted;
    stream.set_nodelay(true)?;
    guard.set(WakeTarget::Task(waker().await));
    let mut http = server.codec();
    let mut reader =
        AsyncReader { deadlines: ReadDeadlines::new(server.timeouts), timer: ReadTimer::new(), is_shut: false };
    let mut date = date::now();
    loop {
        if server.is_stopping() {
            http.finish();
        }
        while let Some((request, responder)) = http.next(&date) {
            thread_count::mark_current();
            reader.deadlines.restart();
            guard.count_request();
            service.respond_async(&request, responder, &date, pool).await;
            thread_count::mark_current();
        }
        if !http.output().is_empty() {
            write(&mut stream, http.output(), server).await?;
            http.sent(http.output().len());
            continue;
        }
        if http.is_closing() {
            return close(&mut stream).await;
        }
        let expects = http.expects();
        match reader.read(&mut stream, expects, http.space(), server).await? {
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
struct AsyncReader {
    deadlines: ReadDeadlines,
    timer: ReadTimer,
    /// Whether reading was shut down because the server stops.
    is_shut: bool,
}

impl AsyncReader {
    /// Returns the number of bytes read; `None` if the peer took too long. Once the server stops, reads return data
    /// that has already arrived, then end of file.
    #[inline]
    async fn read(
        &mut self,
        stream: &mut TcpStream,
        expects: Expects,
        space: &mut [u8],
        server: &Server,
    ) -> io::Result<Option<usize>> {
        let Self { deadlines, timer, is_shut } = self;
        let begun = read_deadlines::now();
        let left = deadlines.left(expects, begun);
        if left.is_zero() {
            return Ok(None);
        }
        let deadline = begun + units::nanos(left);
        let mut first = Some(begun);
        poll_fn(|cx| {
            let mut buffer = ReadBuf::new(space);
            if let Poll::Ready(read) = Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                return Poll::Ready(read.map(|()| Some(buffer.filled().len())));
            }
            if server.is_stopping() && !mem::replace(is_shut, true) {
                SockRef::from(&*stream).shutdown(net::Shutdown::Read)?;
            }
            // The first poll comes at once; later ones read the clock again.
            let now = first.take().unwrap_or_else(read_deadlines::now);
            if timer.is_over(deadline, now, cx) { Poll::Ready(Ok(None)) } else { Poll::Pending }
        })
        .await
    }
}

/// Sends all bytes, or drops a peer that does not receive them in time.
#[inline]
async fn write(stream: &mut TcpStream, bytes: &[u8], server: &Server) -> io::Result<()> {
    let sent = match stream.try_write(bytes) {
        Ok(n) if n == bytes.len() => return Ok(()),
        Ok(n) => n,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
        Err(error) => return Err(error),
    };
    match timeout(server.timeouts.write, stream.write_all(&bytes[sent..])).await {
        Ok(written) => written,
        Err(late) => {
            server.count_timed_out();
            Err(late.into())
        }
    }
}

/// Ends our side and waits briefly for the peer to end its side: closing with unread input would send a reset, which
/// destroys the response in transit.
async fn close(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let drained = async {
        // Not part of the connection's future, whose memory it would double while the connection is idle.
        let mut unread = vec![0; 4096];
        for _ in 0..LINGER.reads {
            if stream.read(&mut unread).await? == 0 {
                break;
            }
        }
        Ok(())
    };
    timeout(LINGER.time, drained).await.unwrap_or(Ok(()))
}

/// Waits for all jobs.
pub(super) async fn join(handles: Vec<JoinHandle<()>>) {
    for handle in handles {
        handle.await.expect("no job panics");
    }
}
