//! Collects the metrics of all threads, once a second if an observer listens. Threads swap full metrics for empty ones
//! through channels; recording never blocks.

use std::mem;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::record::Requests;

use super::metrics::Metrics;
use super::{LoadInterval, Window};

/// The interval at which threads hand in their metrics, if an observer listens, nanoseconds.
pub(super) const INTERVAL: u64 = 1_000_000_000;

/// The number of a thread, and its metrics.
type Delivery = (usize, Box<Metrics>);

/// Sends the metrics of one thread to the [`Collector`].
#[derive(Debug)]
pub(super) struct MetricsTx {
    thread: usize,
    /// Nanoseconds between two deliveries; `None` if metrics are delivered only at the end.
    interval: Option<u64>,
    deliver: Sender<Delivery>,
    empty: Receiver<Box<Metrics>>,
    next: u64,
}

impl MetricsTx {
    /// Returns when the next delivery is due.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Sets when the first delivery is due, now that the window is known.
    pub(super) fn open(&mut self, window: &Window) {
        self.next = self.interval.map_or(u64::MAX, |interval| window.begin.saturating_add(interval));
    }

    /// Delivers the metrics if they are due. Keeps them if no empty ones are available.
    pub(super) fn on_timer(&mut self, metrics: &mut Box<Metrics>, now: u64) {
        let Some(interval) = self.interval.filter(|_| now >= self.next) else { return };
        self.next += interval * ((now - self.next) / interval + 1);
        if let Ok(mut empty) = self.empty.try_recv() {
            empty.began = metrics.began;
            self.last(mem::replace(metrics, empty));
        }
    }

    /// Delivers metrics regardless of when they are due.
    pub(super) fn last(&self, metrics: Box<Metrics>) {
        // The collector outlives the threads.
        let _ = self.deliver.send((self.thread, metrics));
    }
}

/// Collects the metrics of all threads.
#[derive(Debug)]
pub(super) struct Collector {
    deliveries: Receiver<Delivery>,
    /// For each thread, the channel that returns empty metrics to it.
    empty: Vec<Sender<Box<Metrics>>>,
    /// Deliveries since the last interval was reported.
    delivered: usize,
    interval: Metrics,
    total: Metrics,
}

impl Collector {
    /// Creates the collector for a number of threads, and a sender for each of them, which delivers once per
    /// `interval`, nanoseconds, or only at the end if it is `None`. Receiving a delivery costs about 1 ms of CPU time,
    /// which the threads lose if they share a CPU with the collector.
    pub(super) fn new(threads: usize, interval: Option<u64>) -> (Self, Vec<MetricsTx>) {
        let (deliver, deliveries) = channel();
        let mut empty = Vec::with_capacity(threads);
        let metrics_tx = |thread| {
            let (send, receive) = channel();
            // One buffer to fill while the other one is emptied.
            let _ = send.send(Box::default());
            empty.push(send);
            MetricsTx { thread, interval, deliver: deliver.clone(), empty: receive, next: u64::MAX }
        };
        let ends = (0..threads).map(metrics_tx).collect();
        let all = Self { deliveries, empty, delivered: 0, interval: Metrics::default(), total: Metrics::default() };
        (all, ends)
    }

    /// Receives at most one delivery, and waits for it no longer than `at_most`. Calls `on_interval` with the merged
    /// metrics of an interval. Returns true once every thread has delivered its last metrics.
    pub(super) fn collect(&mut self, at_most: Duration, mut on_interval: impl FnMut(&Metrics)) -> bool {
        match self.deliveries.recv_timeout(at_most) {
            Ok((thread, mut metrics)) => {
                self.interval.merge(&metrics);
                metrics.clear();
                // The thread may have ended.
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

    /// Returns what happened since the last interval was reported, if anything.
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
