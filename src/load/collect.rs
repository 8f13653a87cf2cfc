//! How the books of all threads come together, a second at a time: each thread hands in full books and goes on with
//! empty ones, so that it writes every figure once and nobody waits for anybody.

use std::mem;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::record::Requests;

use super::books::Books;
use super::{Interval, Window};

/// From one hand-in to the next, where somebody listens.
pub(super) const INTERVAL: u64 = 1_000_000_000;

/// A thread's books, and whose they are.
type Delivery = (usize, Box<Books>);

/// A thread's end of it.
#[derive(Debug)]
pub(super) struct HandIn {
    thread: usize,
    /// From one hand-in to the next; nothing where all is handed in at the end.
    interval: Option<u64>,
    deliver: Sender<Delivery>,
    empty: Receiver<Box<Books>>,
    next: u64,
}

impl HandIn {
    /// When the next books are due.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// From now on the window is known.
    pub(super) fn open(&mut self, window: &Window) {
        self.next = self.interval.map_or(u64::MAX, |interval| window.begin.saturating_add(interval));
    }

    /// Hands in the books when they are due. Without empty ones at hand it goes on with these.
    pub(super) fn ring(&mut self, books: &mut Box<Books>, now: u64) {
        let Some(interval) = self.interval.filter(|_| now >= self.next) else { return };
        self.next += interval * ((now - self.next) / interval + 1);
        if let Ok(mut empty) = self.empty.try_recv() {
            empty.began = books.began;
            self.last(mem::replace(books, empty));
        }
    }

    /// Hands in books, whenever it is.
    pub(super) fn last(&self, books: Box<Books>) {
        // Whoever collects them outlives the threads.
        let _ = self.deliver.send((self.thread, books));
    }
}

/// Where all books come together.
#[derive(Debug)]
pub(super) struct Collector {
    deliveries: Receiver<Delivery>,
    /// To each thread, its empty books.
    empty: Vec<Sender<Box<Books>>>,
    /// Deliveries since the last interval was told.
    delivered: usize,
    interval: Books,
    total: Books,
}

impl Collector {
    /// For so many threads, and an end for each of them, which hands in once an interval, nanoseconds; without one only at
    /// the end. Taking in a hand-in costs about 1 ms of CPU time, which the threads lose where they share one CPU with it.
    pub(super) fn new(threads: usize, interval: Option<u64>) -> (Self, Vec<HandIn>) {
        let (deliver, deliveries) = channel();
        let mut empty = Vec::with_capacity(threads);
        let hand_in = |thread| {
            let (send, receive) = channel();
            // One to be filled while another is emptied.
            let _ = send.send(Box::default());
            empty.push(send);
            HandIn { thread, interval, deliver: deliver.clone(), empty: receive, next: u64::MAX }
        };
        let ends = (0..threads).map(hand_in).collect();
        let all = Self { deliveries, empty, delivered: 0, interval: Books::default(), total: Books::default() };
        (all, ends)
    }

    /// Takes in what comes, for so long at most: true when every thread has handed in its last books. `tell` gets what
    /// all of them did in an interval.
    pub(super) fn collect(&mut self, at_most: Duration, mut tell: impl FnMut(&Books)) -> bool {
        match self.deliveries.recv_timeout(at_most) {
            Ok((thread, mut books)) => {
                self.interval.merge(&books);
                books.clear();
                // It may have ended.
                let _ = self.empty[thread].send(books);
                self.delivered += 1;
                if self.delivered == self.empty.len() {
                    tell(&self.interval);
                    self.turn_over();
                }
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        }
    }

    /// What was done since the last interval was told, if anything.
    pub(super) fn rest(&self) -> Option<Interval> {
        let interval = self.interval.interval();
        (interval.requests != Requests::default()).then_some(interval)
    }

    /// The books of the whole window.
    pub(super) fn close(mut self) -> Books {
        self.turn_over();
        self.total
    }

    fn turn_over(&mut self) {
        self.delivered = 0;
        self.total.merge(&self.interval);
        self.interval.clear();
    }
}
