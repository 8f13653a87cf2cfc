//! One generator thread, from the opening of its connections to its last metrics.

use std::sync::mpsc::Sender;

use crate::scenario::ArrivalSpec;
use crate::schedule::Schedule;
use crate::units;

use super::client::{Client, ClientEvent};
use super::clock::SystemClock;
use super::closed::ClosedLoop;
use super::collect::MetricsTx;
use super::in_flight::{InFlight, LOOK_UP};
use super::open::OpenLoop;
use super::request_error::RequestError;
use super::{Assignment, LoadPlan, Opened, Opening, StartBarrier, clock};

/// The maximum number of connections that one thread opens at a time: more could overflow a server's backlog, and a
/// dropped SYN costs a second.
const OPENING: usize = 100;

pub(super) fn run<C: Client>(
    plan: &LoadPlan,
    assignment: Assignment,
    barrier: StartBarrier<'_>,
    mut metrics_tx: MetricsTx,
) {
    let StartBarrier { report, window, opening } = barrier;
    let mut client = match C::new(plan, assignment.connections) {
        Ok(client) => client,
        Err(error) => {
            opening.fail();
            return report_opened(report, 0, Some(error.into()));
        }
    };
    let limit = units::nanos(plan.timeout).saturating_add(C::GRACE);
    let (opened, error) = open(&mut client, assignment.connections as usize, limit, opening);
    report_opened(report, opened, error);
    // If the channel is closed, there will be no window.
    let Ok(window) = window.recv() else { return };
    metrics_tx.open(&window);
    let in_flight =
        InFlight::new(plan, client, SystemClock::of_this_thread(), assignment.connections, &window, metrics_tx);
    match plan.arrival {
        ArrivalSpec::Closed { think } => ClosedLoop::new(in_flight, assignment, think).run(),
        ArrivalSpec::Open { rate, arrivals, pacing } => {
            let schedule = Schedule { rate, arrivals, seed: plan.seed };
            OpenLoop::new(in_flight, assignment, schedule, pacing).run();
        }
    }
}

/// Reports, and drops the sender: the receiver has all reports once every sender is dropped.
fn report_opened(report: Sender<Opened>, connections: usize, error: Option<RequestError>) {
    // If another thread could not be started, the receiver is gone; then the window's channel is closed as well.
    let _ = report.send(Opened { connections: connections as u32, error });
}

/// Opens a thread's connections. Returns the number of open ones, and the first error if one could not be opened. After
/// an error, no thread begins to open another connection, and the thread waits for those being opened. Takes at most
/// `limit` nanoseconds per connection.
fn open<C: Client>(client: &mut C, connections: usize, limit: u64, opening: &Opening) -> (usize, Option<RequestError>) {
    // When each attempt began; `None` once it has ended.
    let mut begun: Vec<Option<u64>> = Vec::with_capacity(connections);
    // Connections that found the server's queue full; they are retried until their time is up.
    let mut queued = Vec::new();
    let (mut opened, mut error) = (0, None);
    while opened < connections && !opening.is_abandoned() {
        let now = clock::now();
        if !opening.has_failed() {
            while begun.len() < connections.min(opened + OPENING) {
                client.open(begun.len());
                begun.push(Some(now));
            }
        } else if begun.iter().all(Option::is_none) {
            break;
        }
        match client.next(now + LOOK_UP.min(limit)) {
            Some((k, ClientEvent::Opened)) => {
                begun[k] = None;
                opened += 1;
            }
            Some((k, ClientEvent::Failed(RequestError::QueueFull))) => queued.push(k),
            Some((k, ClientEvent::Failed(why))) => {
                begun[k] = None;
                error.get_or_insert(why);
                opening.fail();
            }
            Some((_, ClientEvent::Answered(_))) => unreachable!("no request was sent yet"),
            None => {
                let now = clock::now();
                for (k, begun) in begun.iter_mut().enumerate() {
                    if begun.is_some_and(|at| now.saturating_sub(at) >= limit) {
                        *begun = None;
                        let is_queued = || queued.contains(&k);
                        error.get_or_insert_with(|| {
                            if is_queued() { RequestError::QueueFull } else { RequestError::ConnectTimeout }
                        });
                        opening.fail();
                    }
                }
                for k in queued.drain(..) {
                    if opening.has_failed() {
                        begun[k] = None;
                    } else {
                        client.open(k);
                    }
                }
            }
        }
    }
    (opened, error)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io;

    use super::super::client::ReceivedResponse;
    use super::*;

    /// A client whose connections end as the test specifies: when they are opened, or while the thread waits for them.
    #[derive(Default)]
    struct ScriptedClient {
        at_once: Vec<(usize, RequestError)>,
        later: VecDeque<(usize, ClientEvent)>,
        opened: Vec<usize>,
        events: VecDeque<(usize, ClientEvent)>,
    }

    impl Client for ScriptedClient {
        fn new(_: &LoadPlan, _: u32) -> io::Result<Self> {
            Ok(Self::default())
        }

        fn open(&mut self, k: usize) {
            self.opened.push(k);
            if let Some(found) = self.at_once.iter().position(|(at, _)| *at == k) {
                self.events.push_back((k, ClientEvent::Failed(self.at_once.swap_remove(found).1)));
            }
        }

        fn send(&mut self, _: usize, _: bool, _: Option<u64>) {
            unreachable!(
                "no request is sent while connections are opened: {:?}",
                ReceivedResponse { status: 0, has_text: true, bytes: 0, sent: None, has_surplus: false }
            )
        }

        fn close(&mut self, _: usize) {}

        fn next(&mut self, _: u64) -> Option<(usize, ClientEvent)> {
            self.events.pop_front().or_else(|| self.later.pop_front())
        }

        fn has_waited(&self) -> bool {
            false
        }
    }

    const LONG: u64 = 3_600_000_000_000;

    #[test]
    fn pending_connections_are_awaited_after_one_fails_at_once() {
        let later = [
            (0, ClientEvent::Opened),
            (1, ClientEvent::Failed(RequestError::Refused)),
            (3, ClientEvent::Opened),
            (4, ClientEvent::Opened),
        ];
        let mut client = ScriptedClient {
            at_once: vec![(2, RequestError::NoPort)],
            later: later.into_iter().collect(),
            ..ScriptedClient::default()
        };
        let opening = Opening::default();
        assert_eq!(open(&mut client, 5, LONG, &opening), (3, Some(RequestError::NoPort)));
        assert!(opening.has_failed());
    }

    #[test]
    fn no_connection_is_opened_after_another_thread_failed() {
        let opening = Opening::default();
        opening.fail();
        let mut client = ScriptedClient::default();
        assert_eq!(open(&mut client, 5, LONG, &opening), (0, None));
        assert!(client.opened.is_empty());
    }

    #[test]
    fn a_full_queue_is_retried_until_the_time_out() {
        let opened = (0..2).map(|k| (k, ClientEvent::Opened));
        let mut client = ScriptedClient {
            at_once: vec![(0, RequestError::QueueFull); 3],
            later: opened.clone().collect(),
            ..ScriptedClient::default()
        };
        client.later.push_front((0, ClientEvent::Failed(RequestError::QueueFull)));
        assert_eq!(open(&mut client, 2, LONG, &Opening::default()), (2, None));

        let mut client = ScriptedClient { at_once: vec![(0, RequestError::QueueFull)], ..ScriptedClient::default() };
        client.later.push_back((1, ClientEvent::Opened));
        assert_eq!(open(&mut client, 2, 1, &Opening::default()), (1, Some(RequestError::QueueFull)));
    }

    #[test]
    fn no_connection_is_awaited_once_the_load_is_abandoned() {
        let opening = Opening::default();
        opening.abandon();
        assert_eq!(open(&mut ScriptedClient::default(), 5, LONG, &opening), (0, None));
    }
}
