//! The part of a server that every model shares: what it answers, how long it waits for a peer, which connections are open.

use std::collections::HashMap;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;

use socket2::SockRef;
use tokio::runtime::Handle;

use crate::record::RuntimeUsage;
use crate::service::echo::Echo;

use super::counted;
use super::pool::BlockingPool;
use super::read_deadlines::Timeouts;

/// A server under any model: what it answers, its connections, and how it is stopped.
///
/// Per connection it costs an entry under one lock when the connection opens and when it ends, about 100 bytes
/// meanwhile, and nothing per request but the look at one flag.
#[derive(Debug)]
pub struct Server {
    /// What is answered.
    pub echo: Echo,
    /// How long a peer is waited for.
    pub timeouts: Timeouts,
    /// The most connections at a time; one more is answered 503.
    most: u64,
    stopping: AtomicBool,
    runtime: OnceLock<Handle>,
    pool: OnceLock<BlockingPool>,
    open: Mutex<OpenConnections>,
    accepted: AtomicU64,
    refused: AtomicU64,
    timed_out: AtomicU64,
}

/// What can be woken, by number.
#[derive(Debug, Default)]
struct OpenConnections {
    next: u64,
    targets: HashMap<u64, WakeTarget>,
    /// Those of them that are connections.
    connections: u64,
}

/// What waits for a peer, and how it is woken.
#[derive(Debug)]
pub(super) enum WakeTarget {
    /// A task.
    Task(Waker),
    /// A thread in a read: it gets what has arrived already, and then the end.
    Reader(Arc<TcpStream>),
    /// A thread in an accept: it gets an error.
    Acceptor(TcpListener),
    /// Nothing waits yet.
    Nobody,
}

/// What a server did with its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Accepted.
    pub accepted: u64,
    /// Answered 503 instead, because there was no room or no thread for them.
    pub refused: u64,
    /// Ended because the peer took too long.
    pub timed_out: u64,
    /// Open now.
    pub open: u64,
}

impl Server {
    /// A server of at most so many connections at a time.
    pub fn new(echo: Echo, timeouts: Timeouts, most: u64) -> Self {
        Self {
            echo,
            timeouts,
            most,
            stopping: AtomicBool::new(false),
            runtime: OnceLock::new(),
            pool: OnceLock::new(),
            open: Mutex::default(),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            timed_out: AtomicU64::new(0),
        }
    }

    /// Ends the server: no connection is accepted any more, and every open one ends after the answers that it is owed.
    /// Everything that waits for a peer is woken.
    pub fn stop(&self) {
        let open = self.open();
        self.stopping.store(true, Ordering::SeqCst);
        open.targets.values().for_each(WakeTarget::wake);
    }

    /// What became of its connections so far.
    pub fn tally(&self) -> Tally {
        Tally {
            accepted: self.accepted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            timed_out: self.timed_out.load(Ordering::Relaxed),
            open: self.open().connections,
        }
    }

    /// What the runtime that serves has counted so far; nothing where there is none.
    pub fn runtime(&self) -> Option<RuntimeUsage> {
        self.runtime.get().map(|runtime| counted(&runtime.metrics()))
    }

    /// Returns the blocking pool of the model; `None` for a model without one.
    pub(super) fn pool(&self) -> Option<&BlockingPool> {
        self.pool.get()
    }

    pub(super) fn hands_over_to(&self, pool: &BlockingPool) {
        self.pool.get_or_init(|| pool.clone());
    }

    pub(super) fn runs_on(&self, runtime: &Handle) {
        self.runtime.get_or_init(|| runtime.clone());
    }

    #[inline]
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Enters a connection that was accepted; nothing when there are as many as there is room for, here or by the limit
    /// given. It is taken out when the guard is dropped.
    pub(super) fn enter(self: &Arc<Self>, target: WakeTarget, room: u64) -> Option<ConnectionGuard> {
        let mut open = self.open();
        if open.connections >= self.most.min(room) {
            return None;
        }
        open.connections += 1;
        self.accepted.fetch_add(1, Ordering::Relaxed);
        Some(self.add(&mut open, target, true))
    }

    /// Enters what accepts connections.
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
        ConnectionGuard { server: Arc::clone(self), id, is_connection }
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        // Nothing in there can be left half done.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WakeTarget {
    fn wake(&self) {
        // Neither can fail in a way that matters: what has ended needs no waking.
        match self {
            Self::Task(waker) => waker.wake_by_ref(),
            Self::Reader(stream) => drop(stream.shutdown(Shutdown::Read)),
            Self::Acceptor(listener) => drop(SockRef::from(listener).shutdown(Shutdown::Both)),
            Self::Nobody => {}
        }
    }
}

/// Keeps a connection among those of its server; dropping it takes the connection out.
#[derive(Debug)]
pub(super) struct ConnectionGuard {
    server: Arc<Server>,
    id: u64,
    is_connection: bool,
}

impl ConnectionGuard {
    /// The number of its connection, from 1 on: what accepts them is number 0.
    pub(super) fn id(&self) -> u32 {
        self.id as u32
    }

    /// From now on this is what waits. Whoever calls looks at [`Server::is_stopping`] afterwards.
    pub(super) fn set(&self, target: WakeTarget) {
        self.server.open().targets.insert(self.id, target);
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut open = self.server.open();
        open.targets.remove(&self.id);
        open.connections -= u64::from(self.is_connection);
    }
}
