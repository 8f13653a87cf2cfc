//! Collects the metrics of all threads, a second at a time. Threads swap full metrics for empty ones through channels;
//! recording never blocks.

use std::mem;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::record::Requests;

use super::metrics::Metrics;
use super::{LoadInterval, Window};

/// The interval at which threads hand in their metrics, if an observer listens, nanoseconds.
pub(super) const INTERVAL: u64 = 1_000_000_000;

/// The metrics of a thread, and its number.
type Delivery = (usize, Box<Metrics>);

/// Sends the metrics of one thread to the [`Collector`].
#[derive(Debug)]
pub(super) struct MetricsTx {
    thread: usize,
    /// Nanoseconds from one hand-in to the next; `None` if all is handed in at the end.
    interval: Option<u64>,
    deliver: Sender<Delivery>,
    empty: Receiver<Box<Metrics>>,
    next: u64,
}

impl MetricsTx {
    /// Returns when the next metrics are due.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// From now on the window is known.
    pub(super) fn open(&mut self, window: &Window) {
        self.next = self.interval.map_or(u64::MAX, |interval| window.begin.saturating_add(interval));
    }

    /// Hands in the metrics when they are due. Keeps them if no empty ones are at hand.
    pub(super) fn on_timer(&mut self, metrics: &mut Box<Metrics>, now: u64) {
        let Some(interval) = self.interval.filter(|_| now >= self.next) else { return };
        self.next += interval * ((now - self.next) / interval + 1);
        if let Ok(mut empty) = self.empty.try_recv() {
            empty.began = metrics.began;
            self.last(mem::replace(metrics, empty));
        }
    }

    /// Hands in metrics at any time.
    pub(super) fn last(&self, metrics: Box<Metrics>) {
        // Whoever collects them outlives the threads.
        let _ = self.deliver.send((self.thread, metrics));
    }
}

/// Collects the metrics of all threads.
#[derive(Debug)]
pub(super) struct Collector {
    deliveries: Receiver<Delivery>,
    /// To each thread, its empty metrics.
    empty: Vec<Sender<Box<Metrics>>>,
    /// Deliveries since the last interval was told.
    delivered: usize,
    interval: Metrics,
    total: Metrics,
}

impl Collector {
    /// For so many threads, and an end for each of them, which hands in once an interval, nanoseconds; without one only at
    /// the end. Taking in a hand-in costs about 1 ms of CPU time, which the threads lose where they share one CPU with it.
    pub(super) fn new(threads: usize, interval: Option<u64>) -> (Self, Vec<MetricsTx>) {
        let (deliver, deliveries) = channel();
        let mut empty = Vec::with_capacity(threads);
        let metrics_tx = |thread| {
            let (send, receive) = channel();
            // One to be filled while another is emptied.
            let _ = send.send(Box::default());
            empty.push(send);
            MetricsTx { thread, interval, deliver: deliver.clone(), empty: receive, next: u64::MAX }
        };
        let ends = (0..threads).map(metrics_tx).collect();
        let all = Self { deliveries, empty, delivered: 0, interval: Metrics::default(), total: Metrics::default() };
        (all, ends)
    }

    /// Takes in what comes, for so long at most: true when every thread has handed in its last metrics. Calls
    /// `on_interval` with what all of them did in an interval.
    pub(super) fn collect(&mut self, at_most: Duration, mut on_interval: impl FnMut(&Metrics)) -> bool {
        match self.deliveries.recv_timeout(at_most) {
            Ok((thread, mut metrics)) => {
                self.interval.merge(&metrics);
                metrics.clear();
                // It may have ended.
                let _ = self.empty[thread].send(metrics);
                self.delivered += 1;
                if self.delivered == self.empty.len() {
                    on_interval(&self.interval);
                    self.turn_over();
                }
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        }
    }

    /// What was done since the last interval was told, if anything.
    pub(super) fn rest(&self) -> Option<LoadInterval> {
        let interval = self.interval.interval();
        (interval.requests != Requests::default()).then_some(interval)
    }

    /// Returns the metrics of the whole window.
    pub(super) fn close(mut self) -> Metrics {
        self.turn_over();
        self.total
    }

    fn turn_over(&mut self) {
        self.delivered = 0;
        self.total.merge(&self.interval);
        self.interval.clear();
    }
}
