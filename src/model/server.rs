//! The state of a server that is the same for every model: time limits and open connections.

use std::collections::HashMap;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;

use socket2::SockRef;
use tokio::runtime::Handle;

use crate::histogram::{Histogram, SharedHistogram};
use crate::http1::ServerCodec;
use crate::record::{CoreUsage, RuntimeUsage};

use super::per_core::CoreCounts;
use super::pool::ThreadCounts;
use super::read_deadlines::Timeouts;
use super::runtime::{AsyncModel, counted};

/// A server under any model: its connections, and how it is stopped.
///
/// Each connection costs an entry under one lock when it opens and when it ends, and about 100 bytes in between. A
/// request costs only the check of one flag.
#[derive(Debug)]
pub struct Server {
    /// The value of the `Avt-Nonce` field of every response.
    stamp: Option<Arc<str>>,
    /// The time limits for peers.
    pub timeouts: Timeouts,
    /// The maximum number of connections at a time; further ones are answered 503.
    most: u64,
    stopping: AtomicBool,
    /// The runtimes that poll the connections' tasks: one for each core, or one.
    runtimes: Mutex<Vec<Handle>>,
    thread_counts: OnceLock<Arc<ThreadCounts>>,
    queue_waits: OnceLock<Arc<SharedHistogram>>,
    cores: OnceLock<Box<[Arc<CoreCounts>]>>,
    open: Mutex<OpenConnections>,
    accepted: AtomicU64,
    refused: AtomicU64,
    timed_out: AtomicU64,
}

/// The targets that can be woken, by number.
#[derive(Debug, Default)]
struct OpenConnections {
    next: u64,
    targets: HashMap<u64, WakeTarget>,
    /// The number of targets that are connections.
    connections: u64,
}

/// A target that waits for a peer, and how to wake it.
#[derive(Debug)]
pub(super) enum WakeTarget {
    /// A task, woken by its waker.
    Task(Waker),
    /// A thread in a read: it receives data that has already arrived, then end of file.
    Reader(Arc<TcpStream>),
    /// A thread in an accept: it receives an error.
    Acceptor(TcpListener),
    /// No target is waiting yet.
    Nobody,
}

/// The number of connections of a server, by what happened to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The number of accepted connections.
    pub accepted: u64,
    /// The number of connections answered 503, because no room or no thread was left for them.
    pub refused: u64,
    /// The number of connections that ended because the peer took too long.
    pub timed_out: u64,
    /// The number of open connections.
    pub open: u64,
}

impl Server {
    /// Creates a server with at most `most` connections at a time, whose responses show `stamp` as their `Avt-Nonce`.
    pub fn new(stamp: Option<Arc<str>>, timeouts: Timeouts, most: u64) -> Self {
        Self {
            stamp,
            timeouts,
            most,
            stopping: AtomicBool::new(false),
            runtimes: Mutex::default(),
            thread_counts: OnceLock::new(),
            queue_waits: OnceLock::new(),
            cores: OnceLock::new(),
            open: Mutex::default(),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            timed_out: AtomicU64::new(0),
        }
    }

    /// Stops the server: it accepts no further connection, and each open one ends after its pending responses. Wakes
    /// everything that waits for a peer.
    pub fn stop(&self) {
        let open = self.open();
        self.stopping.store(true, Ordering::SeqCst);
        open.targets.values().for_each(WakeTarget::wake);
    }

    /// Returns the numbers of connections so far.
    pub fn tally(&self) -> Tally {
        Tally {
            accepted: self.accepted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            timed_out: self.timed_out.load(Ordering::Relaxed),
            open: self.open().connections,
        }
    }

    /// Returns the counters of the serving runtimes, added up; `None` for a model without any.
    pub fn runtime(&self) -> Option<RuntimeUsage> {
        let runtimes = self.runtimes.lock().unwrap_or_else(PoisonError::into_inner);
        (!runtimes.is_empty()).then(|| counted(runtimes.iter().map(Handle::metrics)))
    }

    /// Returns the requests and connections of each core so far; empty unless the model has a runtime per core.
    pub fn cores(&self) -> Vec<CoreUsage> {
        self.cores.get().map_or_else(Vec::new, |cores| cores.iter().map(|core| core.usage()).collect())
    }

    /// Returns the counts of threads of a model that starts some on demand.
    pub(super) fn thread_counts(&self) -> Option<&ThreadCounts> {
        self.thread_counts.get().map(|counts| &**counts)
    }

    /// Keeps the counts of the model's threads and the waits for its pool.
    pub(super) fn watches(&self, model: &AsyncModel) {
        if let Some(counts) = &model.counts {
            self.thread_counts.get_or_init(|| Arc::clone(counts));
        }
        if let Some(waits) = &model.queue_waits {
            self.queue_waits.get_or_init(|| Arc::clone(waits));
        }
    }

    /// Returns a codec for one connection.
    pub(super) fn codec(&self) -> ServerCodec {
        ServerCodec::new(self.stamp.clone())
    }

    /// Forgets the waits for the model's pool so far.
    pub fn clear_queue_waits(&self) {
        if let Some(waits) = self.queue_waits.get() {
            waits.clear();
        }
    }

    /// Returns the waits for the model's pool since they were cleared; `None` if it has no queue.
    pub fn queue_waits(&self) -> Option<Histogram> {
        self.queue_waits.get().map(|waits| waits.read())
    }

    pub(super) fn runs_on(&self, runtime: &Handle) {
        self.runtimes.lock().unwrap_or_else(PoisonError::into_inner).push(runtime.clone());
    }

    /// Creates the counts of this number of cores.
    pub(super) fn add_cores(&self, number: usize) -> &[Arc<CoreCounts>] {
        self.cores.get_or_init(|| (0..number).map(|_| Arc::default()).collect())
    }

    #[inline]
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Registers an accepted connection. Returns `None` if the server has its maximum number of connections, or `room`
    /// of them. Dropping the guard removes the connection.
    pub(super) fn enter(self: &Arc<Self>, target: WakeTarget, room: u64) -> Option<ConnectionGuard> {
        let mut open = self.open();
        if open.connections >= self.most.min(room) {
            return None;
        }
        open.connections += 1;
        self.accepted.fetch_add(1, Ordering::Relaxed);
        Some(self.add(&mut open, target, true))
    }

    /// Registers the target that accepts connections.
    pub(super) fn enter_acceptor(self: &Arc<Self>, target: WakeTarget) -> ConnectionGuard {
        self.add(&mut self.open(), target, false)
    }

    pub(super) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_timed_out(&self) {
        self.timed_out.fetch_add(1, Ordering::Relaxed);
    }

    fn add(self: &Arc<Self>, open: &mut OpenConnections, target: WakeTarget, is_connection: bool) -> ConnectionGuard {
        if self.is_stopping() {
            target.wake();
        }
        let id = open.next;
        open.next += 1;
        open.targets.insert(id, target);
        ConnectionGuard { server: Arc::clone(self), id, is_connection, core: None }
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        // No change of the map can be left incomplete.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WakeTarget {
    fn wake(&self) {
        // An error does not matter: a target that has ended need not be woken.
        match self {
            Self::Task(waker) => waker.wake_by_ref(),
            Self::Reader(stream) => drop(stream.shutdown(Shutdown::Read)),
            Self::Acceptor(listener) => drop(SockRef::from(listener).shutdown(Shutdown::Both)),
            Self::Nobody => {}
        }
    }
}

/// Keeps a connection registered with its server. Dropping the guard removes the connection.
#[derive(Debug)]
pub(super) struct ConnectionGuard {
    server: Arc<Server>,
    id: u64,
    is_connection: bool,
    core: Option<Arc<CoreCounts>>,
}

impl ConnectionGuard {
    /// Returns the number of the connection, from 1; the acceptor is number 0.
    pub(super) fn id(&self) -> u32 {
        self.id as u32
    }

    /// Counts the connection and its requests for this core.
    pub(super) fn is_on(&mut self, core: &Arc<CoreCounts>) {
        core.connection_opened();
        self.core = Some(Arc::clone(core));
    }

    /// Counts a request, if the model has cores.
    #[inline]
    pub(super) fn count_request(&self) {
        if let Some(core) = &self.core {
            core.count_request();
        }
    }

    /// Sets the target to wake. Callers must check [`Server::is_stopping`] afterwards.
    pub(super) fn set(&self, target: WakeTarget) {
        self.server.open().targets.insert(self.id, target);
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut open = self.server.open();
        open.targets.remove(&self.id);
        open.connections -= u64::from(self.is_connection);
        if let Some(core) = &self.core {
            core.connection_ended();
        }
    }
}
